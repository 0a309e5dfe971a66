// Where the hashes of a tree lie when it is stored in tiles (C2SP tlog-tiles). Sizes and indexes are below 2^53.

/** Levels of the tree that one tile spans. */
export const tileHeight = 8

/** Hashes in a full tile: 256. */
export const tileWidth = 2 ** tileHeight

/** Which tile. Hash i of tile n at level l is the root over the leaves from (n * 256 + i) * 256^l on, 256^l of them. */
export interface TileId {
  readonly level: number
  readonly index: number
}

/** A tile as a tree of some size has it. */
export interface Tile extends TileId {
  /** Hashes in it, from 1 to 256; partial when fewer. */
  readonly width: number
}

/** A complete subtree: the one over the leaves from `index * 2^height` on, `2^height` of them. */
export interface Subtree {
  readonly height: number
  readonly index: number
}

/** Leaves from `start` to `end - 1`. */
export interface LeafRange {
  readonly start: number
  readonly end: number
}

/** More than there are at any level of a tree of less than 2^53 leaves. */
const tilesPerLevel = 2 ** (53 - tileHeight)

/** A number for each tile, whatever its width: what maps of tiles are keyed by. */
export function tileNumber({ level, index }: TileId): number {
  return level * tilesPerLevel + index
}

/** Where a tile lies below the prefix of the log: `tile/<level>/<index>`, partial ones with `.p/<width>`. */
export function tilePath({ level, index, width }: Tile): string {
  return `tile/${level}/${numberedPath(index, width)}`
}

/** Where the entries lie that the hashes of a tile of level 0 belong to. */
export function entriesPath({ index, width }: Omit<Tile, 'level'>): string {
  return `tile/entries/${numberedPath(index, width)}`
}

/** Groups of three digits, all but the last with an x, so that no folder gets more than about 1000 entries. */
export function numberedPath(index: number, width: number): string {
  const digits = String(index)
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0')
  const path = padded.replace(/\d{3}(?=\d)/g, 'x$&/')
  return width === tileWidth ? path : `${path}.p/${width}`
}

/** Hashes that a tree has at a level of tiles. */
export function hashesAtLevel(treeSize: number, level: number): number {
  return Math.floor(treeSize / tileWidth ** level)
}

/** A tile as a tree of this size has it. Its width is below 1 when the tree does not reach it. */
export function tileIn(treeSize: number, { level, index }: TileId): Tile {
  return { level, index, width: Math.min(tileWidth, hashesAtLevel(treeSize, level) - index * tileWidth) }
}

/**
 * The tiles of a tree, level by level.
 * @param since size of an older tree: those that it had in the same width are left out. Default 0
 */
export function* tilesOf(treeSize: number, since = 0): Generator<Tile> {
  for (let level = 0; hashesAtLevel(treeSize, level) > 0; level++) {
    const count = hashesAtLevel(treeSize, level)
    const known = hashesAtLevel(since, level)
    if (known === count) continue
    const first = Math.floor(known / tileWidth)
    for (let index = first; index * tileWidth < count; index++) yield tileIn(treeSize, { level, index })
  }
}

/** Where the root of a complete subtree is found: the tile, and the subtree as the tile counts. */
export function placeOf({ height, index }: Subtree): { readonly tile: TileId; readonly within: Subtree } {
  const heightWithin = height % tileHeight
  const perTile = 2 ** (tileHeight - heightWithin)
  const tile = { level: Math.floor(height / tileHeight), index: Math.floor(index / perTile) }
  return { tile, within: { height: heightWithin, index: index % perTile } }
}

/**
 * The complete subtrees that leaves make up, largest first.
 * @param range whose start is a multiple of a power of two that is not below its length, as in RFC 9162 section 2.1.1
 */
export function subtreesOf({ start, end }: LeafRange): Subtree[] {
  const subtrees: Subtree[] = []
  for (let at = start; at < end; ) {
    let height = 0
    while (2 ** (height + 1) <= end - at) height++
    subtrees.push({ height, index: at / 2 ** height })
    at += 2 ** height
  }
  return subtrees
}
