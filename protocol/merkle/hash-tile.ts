import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'
import { hashBytes, nodeHashes } from './hash.ts'
import { type Subtree, tileHeight, tileWidth } from './tiles.ts'

/** The hashes of one tile and all complete subtrees above them inside of it, which are computed when asked for. */
export class HashTile {
  readonly #crypto: CryptoProvider
  /** By height: the roots of the complete subtrees of that height, side by side. */
  readonly #rows: Uint8Array[]

  /**
   * @param hashes side by side, as C2SP tlog-tiles has them: at most 256; not copied
   * @throws {ProtocolError} ERR_PROOF_INVALID: not a number of hashes that a tile has
   */
  constructor(hashes: Uint8Array, crypto: CryptoProvider) {
    const width = hashes.length / hashBytes
    if (!Number.isInteger(width) || width < 1 || width > tileWidth) {
      throw new ProtocolError('ERR_PROOF_INVALID', `a tile has 1 to ${tileWidth} hashes, not ${hashes.length} bytes`)
    }
    this.#crypto = crypto
    // A plain view: parts of it are made faster than those of a Buffer.
    this.#rows = [new Uint8Array(hashes.buffer, hashes.byteOffset, hashes.length)]
  }

  /** Hashes in the tile. */
  get width(): number {
    return this.#row(0).length / hashBytes
  }

  /**
   * The first hashes of the tile, side by side.
   * @throws {RangeError} the tile has fewer
   */
  first(width: number): Uint8Array {
    if (width > this.width) throw new RangeError(`the tile has ${this.width} hashes, not ${width}`)
    return this.#row(0).subarray(0, width * hashBytes)
  }

  /**
   * Root of a complete subtree, counted from the beginning of the tile.
   * @throws {RangeError} the tile lacks a part of it
   */
  subtree({ height, index }: Subtree): Uint8Array {
    const hash = this.#row(height).slice(index * hashBytes, (index + 1) * hashBytes)
    if (hash.length !== hashBytes)
      throw new RangeError(`no subtree ${index} of height ${height} in ${this.width} hashes`)
    return hash
  }

  /** Root of a full tile: the hash for it in the tile one level up. @throws {RangeError} the tile is partial */
  root(): Uint8Array {
    return this.subtree({ height: tileHeight, index: 0 })
  }

  #row(height: number): Uint8Array {
    const known = this.#rows[height]
    if (known !== undefined) return known
    const below = this.#row(height - 1)
    const row = nodeHashes(below.subarray(0, below.length - (below.length % (2 * hashBytes))), this.#crypto)
    this.#rows[height] = row
    return row
  }
}
