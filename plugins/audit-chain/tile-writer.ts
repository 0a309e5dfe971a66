import { hashBytes, hashesAtLevel, type TileId, type TreeGrowth, tileNumber, tileWidth } from '../../protocol/index.ts'
import type { StoreOperation } from './store.ts'
import { type TilePut, type TileTable, tileName } from './tile-table.ts'

/** The tile of a level that is not full yet. */
interface PartialTile {
  index: number
  width: number
  /** Room for a full tile. What is behind `width` means nothing yet. */
  hashes: Uint8Array
}

/**
 * Makes tiles of what group commits add. Only full tiles are written, each once: those of the right edge stay in
 * memory, and a start makes them again from the blocks and the tiles below them.
 */
export class TileWriter {
  readonly #table: Pick<TileTable, 'put'>
  /** By level. */
  readonly #edge: PartialTile[]
  /** Full tiles of the newest growth, and of the one before: their batches may not be written yet. */
  #newest = new Map<number, Uint8Array>()
  #previous = new Map<number, Uint8Array>()
  #size: number

  /**
   * @param size of the tree
   * @param edge by level, from the lowest: the hashes of the tile that is not full, side by side
   */
  constructor(table: Pick<TileTable, 'put'>, size = 0, edge: readonly Uint8Array[] = []) {
    this.#table = table
    this.#size = size
    this.#edge = edge.map((known, level) => {
      const tile = emptyTile(Math.floor(hashesAtLevel(size, level) / tileWidth))
      tile.hashes.set(known)
      tile.width = known.length / hashBytes
      return tile
    })
  }

  /**
   * Adds what one block adds. Called when the operations of the call before the last one are durable: while one block is
   * being written, the next one may be built.
   * @param firstIndex of the leaves
   * @returns what to write in the batch of the block
   * @throws {RangeError} the leaves do not follow those that are there
   */
  append(firstIndex: number, { leafHashes, tileRoots }: TreeGrowth): readonly (StoreOperation & TilePut)[] {
    if (firstIndex !== this.#size) throw new RangeError(`leaf ${firstIndex} does not follow ${this.#size} leaves`)
    this.#previous = this.#newest
    this.#newest = new Map()
    const operations: (StoreOperation & TilePut)[] = []
    let roots = 0
    for (const leafHash of leafHashes) {
      let hash = leafHash
      for (let level = 0; this.#add(level, hash, operations); level++) hash = tileRoots[roots++] as Uint8Array
    }
    this.#size += leafHashes.length
    return operations
  }

  /**
   * The hashes of a tile that is not on disk, or not for certain; undefined: it is full and on disk.
   * @throws {RangeError} the tree does not reach this tile
   */
  inMemory(tile: TileId): Uint8Array | undefined {
    const partial = this.#edge[tile.level]
    if (partial === undefined || tile.index > partial.index) {
      throw new RangeError(`the tree of ${this.#size} leaves does not reach ${tileName(tile)}`)
    }
    if (tile.index === partial.index) return partial.hashes.subarray(0, partial.width * hashBytes)
    const number = tileNumber(tile)
    return this.#newest.get(number) ?? this.#previous.get(number)
  }

  /** @returns whether the tile is full now */
  #add(level: number, hash: Uint8Array, operations: (StoreOperation & TilePut)[]): boolean {
    let tile = this.#edge[level]
    if (tile === undefined) {
      tile = emptyTile(0)
      this.#edge[level] = tile
    }
    tile.hashes.set(hash, tile.width * hashBytes)
    tile.width++
    if (tile.width < tileWidth) return false
    const id = { level, index: tile.index }
    operations.push(this.#table.put(id, tile.hashes))
    this.#newest.set(tileNumber(id), tile.hashes)
    this.#edge[level] = emptyTile(tile.index + 1)
    return true
  }
}

function emptyTile(index: number): PartialTile {
  return { index, width: 0, hashes: new Uint8Array(tileWidth * hashBytes) }
}
