import {
  bytesEqual,
  type CryptoProvider,
  HashTile,
  hashBytes,
  type TileId,
  type TileSource,
  tileNumber,
  tileWidth,
} from '../../protocol/index.ts'
import { PluginError } from '../errors.ts'
import { type TileTable, tileName } from './tile-table.ts'
import type { TileWriter } from './tile-writer.ts'

export interface TileReaderOptions {
  readonly table: TileTable
  /** Has the right edge, which the start held against the state of the chain. */
  readonly writer: TileWriter
  readonly crypto: CryptoProvider
  /** Tiles kept in memory, about 17 kB each. Default 512. */
  readonly maxTiles?: number
}

/**
 * Reads tiles of the living tree. What comes from the disk is held against the hash one level up, and so in the end
 * against the right edge in memory: a damaged tile is found before anything is proved with it.
 */
export class TileReader {
  readonly #options: TileReaderOptions
  readonly #maxTiles: number
  /** Those used last are at the end. */
  readonly #cache = new Map<number, HashTile>()

  constructor(options: TileReaderOptions) {
    this.#options = options
    this.#maxTiles = options.maxTiles ?? 512
  }

  /**
   * A tile with at least the width asked for. Covers what was appended, durable or not: ask for sizes of durable trees.
   * @throws {RangeError} the tree does not reach so far
   * @throws {PluginError} ERR_CHAIN_DAMAGED: it is missing, or not the one that belongs there
   */
  readonly read: TileSource = async (tile) => {
    const key = tileNumber(tile)
    const cached = this.#cache.get(key)
    if (cached !== undefined && cached.width >= tile.width) {
      this.#keep(key, cached)
      return cached
    }
    const { writer, crypto } = this.#options
    const hashes = writer.inMemory(tile)
    if (hashes !== undefined && hashes.length < tile.width * hashBytes) {
      throw new RangeError(`${tileName(tile)} has no ${tile.width} hashes yet`)
    }
    const read = hashes === undefined ? await this.#fromDisk(tile) : new HashTile(hashes, crypto)
    this.#keep(key, read)
    return read
  }

  async #fromDisk({ level, index }: TileId): Promise<HashTile> {
    const { table, crypto } = this.#options
    const tile = await table.read({ level, index }, crypto)
    const within = index % tileWidth
    const parent = await this.read({ level: level + 1, index: Math.floor(index / tileWidth), width: within + 1 })
    if (bytesEqual(tile.root(), parent.subtree({ height: 0, index: within }))) return tile
    throw new PluginError('ERR_CHAIN_DAMAGED', `${tileName({ level, index })} is not the one that belongs there`)
  }

  #keep(key: number, tile: HashTile): void {
    this.#cache.delete(key)
    this.#cache.set(key, tile)
    if (this.#cache.size <= this.#maxTiles) return
    const [longestUnused] = this.#cache.keys()
    if (longestUnused !== undefined) this.#cache.delete(longestUnused)
  }
}
