import type { CryptoProvider } from '../crypto-provider.ts'
import { hashBytes } from '../merkle/index.ts'
import { encodeLeaf } from '../record/index.ts'

/** Makes leaves of one time, one after the other in one place: they differ in the commitment only. */
export class LeafMaker {
  readonly timeMs: number
  /** The leaf made last. */
  readonly encoded: Uint8Array
  /** The byte that RFC 9162 section 2.1.1 hashes with a leaf, and the leaf. */
  readonly #prefixed: Uint8Array
  readonly #commitmentAt: number

  constructor(timeMs: number) {
    const encoded = encodeLeaf({ timeMs, commitment: new Uint8Array(hashBytes) })
    this.timeMs = timeMs
    this.#prefixed = new Uint8Array(1 + encoded.length)
    this.#prefixed.set(encoded, 1)
    this.encoded = this.#prefixed.subarray(1)
    this.#commitmentAt = 1 + encoded.length - hashBytes
  }

  /** Makes the leaf of a record. @param salted salt and record side by side: what the commitment is the hash of */
  make(salted: Uint8Array, crypto: CryptoProvider): void {
    crypto.sha256Into(this.#prefixed, this.#commitmentAt, salted)
  }

  /** Hash of the leaf made last, to `target[offset .. offset + 31]`. */
  hashInto(target: Uint8Array, offset: number, crypto: CryptoProvider): void {
    crypto.sha256Into(target, offset, this.#prefixed)
  }

  /** Hash of the leaf made last. */
  hash(crypto: CryptoProvider): Uint8Array {
    return crypto.sha256(this.#prefixed)
  }
}
