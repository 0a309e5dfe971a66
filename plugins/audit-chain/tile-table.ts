import {
  bytesEqual,
  type CryptoProvider,
  HashTile,
  hashBytes,
  type TileId,
  tilePath,
  tileWidth,
} from '../../protocol/index.ts'
import { PluginError } from '../errors.ts'
import { decodeIndex, encodeIndex, type StoreDatabase, storeSublevel } from './level-store.ts'
import type { StoreOperation } from './store.ts'

/** What is to be written of one tile. */
export interface TilePut {
  readonly type: 'put'
  readonly key: Uint8Array
  readonly value: Uint8Array
}

export interface TileComparison {
  readonly tile: TileId
  readonly found: 'same' | 'other' | 'missing'
}

/**
 * Full tiles in LevelDB, one value each, keyed by level (1 byte) and index (8 bytes big-endian). Partial ones are not
 * stored.
 */
export class TileTable {
  readonly #sublevel

  constructor(database: StoreDatabase) {
    this.#sublevel = storeSublevel(database, 'tiles')
  }

  /**
   * A full tile as it lies there: whether it is the one that belongs there, only the hash one level up can tell.
   * @throws {PluginError} ERR_CHAIN_DAMAGED: there is none, or not one of this size
   */
  async read(tile: TileId, crypto: CryptoProvider): Promise<HashTile> {
    const hashes = await this.get(tile)
    if (hashes?.length === tileWidth * hashBytes) return new HashTile(hashes, crypto)
    throw new PluginError(
      'ERR_CHAIN_DAMAGED',
      `${tileName(tile)} ${hashes === undefined ? 'is missing' : 'has another length'}`,
    )
  }

  /** What lies where a tile belongs. */
  get(tile: TileId): Promise<Uint8Array | undefined> {
    return this.#sublevel.get(encodeKey(tile))
  }

  /** Holds what {@link put} would write against what is there. */
  async compare({ key, value }: TilePut): Promise<TileComparison> {
    const stored = await this.#sublevel.get(key)
    const tile = { level: key[0] as number, index: decodeIndex(key.subarray(1)) }
    if (stored === undefined) return { tile, found: 'missing' }
    return { tile, found: bytesEqual(stored, value) ? 'same' : 'other' }
  }

  put(tile: TileId, hashes: Uint8Array): StoreOperation & TilePut {
    return { type: 'put', sublevel: this.#sublevel, key: encodeKey(tile), value: hashes }
  }
}

/** Names a tile, however many hashes it has: the path that it has when it is full. */
export function tileName({ level, index }: TileId): string {
  return tilePath({ level, index, width: tileWidth })
}

function encodeKey({ level, index }: TileId): Uint8Array {
  return Uint8Array.of(level, ...encodeIndex(index))
}
