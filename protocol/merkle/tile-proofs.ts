import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'
import { Frontier } from './frontier.ts'
import { rootOfSubtrees } from './hash.ts'
import type { HashTile } from './hash-tile.ts'
import type { ConsistencyProof, InclusionProof } from './proof.ts'
import {
  type LeafRange,
  placeOf,
  type Subtree,
  subtreesOf,
  type Tile,
  type TileId,
  tileIn,
  tileNumber,
  tilePath,
} from './tiles.ts'

/** Reads a tile: at least the hashes that are asked for; more when the log has grown since. */
export type TileSource = (tile: Tile) => Promise<HashTile>

/**
 * Proves that a leaf is in the tree of any size up to the present one (RFC 9162 section 2.1.3.1). Every tile that is
 * needed is read once: those on the way from the leaf to the root, and those of the right edge.
 * @throws {RangeError} no such leaf in a tree of this size
 * @throws {ProtocolError} ERR_PROOF_INVALID: the source gave a tile that is too short
 */
export async function inclusionProof(
  leafIndex: number,
  treeSize: number,
  source: TileSource,
  crypto: CryptoProvider,
): Promise<InclusionProof> {
  if (!(Number.isSafeInteger(treeSize) && isWithin(leafIndex, 0, treeSize - 1))) {
    throw new RangeError(`no leaf ${leafIndex} in a tree of ${treeSize}`)
  }
  const path = await rootsOf(inclusionRanges(leafIndex, treeSize), treeSize, source, crypto)
  return { leafIndex: BigInt(leafIndex), treeSize: BigInt(treeSize), path }
}

/**
 * Proves that the tree of one size extends that of another (RFC 9162 section 2.1.4.1), any two up to the present one.
 * @throws {RangeError} sizes out of order, or the first one 0, from which nothing can be proved
 * @throws {ProtocolError} ERR_PROOF_INVALID: the source gave a tile that is too short
 */
export async function consistencyProof(
  size1: number,
  size2: number,
  source: TileSource,
  crypto: CryptoProvider,
): Promise<ConsistencyProof> {
  if (!(Number.isSafeInteger(size2) && isWithin(size1, 1, size2))) {
    throw new RangeError(`no proof from a tree of ${size1} to one of ${size2}`)
  }
  const path = await rootsOf(consistencyRanges(size1, size2), size2, source, crypto)
  return { size1: BigInt(size1), size2: BigInt(size2), path }
}

/**
 * The right edge of the tree of a size, with its root.
 * @throws {ProtocolError} ERR_PROOF_INVALID: the source gave a tile that is too short
 */
export async function frontierFromTiles(
  treeSize: number,
  source: TileSource,
  crypto: CryptoProvider,
): Promise<Frontier> {
  const subtrees = subtreesOf({ start: 0, end: treeSize })
  const read = await tilesFor(subtrees, treeSize, source)
  return new Frontier(crypto, treeSize, subtrees.map(read))
}

/** The siblings of the way from a leaf to the root, the lowest first. */
function inclusionRanges(leafIndex: number, treeSize: number): LeafRange[] {
  return descend(leafIndex, treeSize, ({ start, end }) => end - start === 1).siblings
}

/** What the older tree and the newer one are both made of, and the newer one alone, the lowest first. */
function consistencyRanges(size1: number, size2: number): LeafRange[] {
  const { reached, siblings } = descend(size1 - 1, size2, ({ end }) => end === size1)
  // Beginning at 0 it is the older tree itself, whose root the verifier has.
  return reached.start === 0 ? siblings : [reached, ...siblings]
}

/** Halves a tree towards a leaf. @returns what was reached, and the halves that were left aside, the lowest first */
function descend(
  leafIndex: number,
  treeSize: number,
  isReached: (range: LeafRange) => boolean,
): { readonly reached: LeafRange; readonly siblings: LeafRange[] } {
  const siblings: LeafRange[] = []
  let reached: LeafRange = { start: 0, end: treeSize }
  while (!isReached(reached)) {
    const { start, end } = reached
    const middle = start + leftSize(end - start)
    const left = { start, end: middle }
    const right = { start: middle, end }
    siblings.push(leafIndex < middle ? right : left)
    reached = leafIndex < middle ? left : right
  }
  return { reached, siblings: siblings.reverse() }
}

/** The largest power of two below a size of at least 2: where RFC 9162 section 2.1.1 divides a tree. */
function leftSize(size: number): number {
  let left = 1
  while (left * 2 < size) left *= 2
  return left
}

async function rootsOf(
  ranges: readonly LeafRange[],
  treeSize: number,
  source: TileSource,
  crypto: CryptoProvider,
): Promise<Uint8Array[]> {
  const subtrees = ranges.map(subtreesOf)
  const read = await tilesFor(subtrees.flat(), treeSize, source)
  return subtrees.map((parts) => rootOfSubtrees(parts.map(read), crypto))
}

/** Reads every tile that the subtrees are in, once. @returns gives the root of each of them */
async function tilesFor(
  subtrees: readonly Subtree[],
  treeSize: number,
  source: TileSource,
): Promise<(subtree: Subtree) => Uint8Array> {
  const wanted = new Map<number, TileId>()
  for (const subtree of subtrees) {
    const { tile } = placeOf(subtree)
    wanted.set(tileNumber(tile), tile)
  }
  const tiles = new Map<number, HashTile>()
  await Promise.all(
    [...wanted].map(async ([number, id]) => {
      const tile = tileIn(treeSize, id)
      const read = await source(tile)
      if (read.width < tile.width) {
        throw new ProtocolError('ERR_PROOF_INVALID', `${tilePath(tile)} has ${read.width} hashes, not ${tile.width}`)
      }
      tiles.set(number, read)
    }),
  )
  return (subtree) => {
    const { tile, within } = placeOf(subtree)
    return (tiles.get(tileNumber(tile)) as HashTile).subtree(within)
  }
}

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && value >= least && value <= most
}
