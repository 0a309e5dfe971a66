import { CborWriter } from '../cbor/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'

/** Messages that are to be hashed, side by side. */
export class MessageRow {
  /** What is written here is part of the message at hand. */
  readonly writer: CborWriter
  readonly #starts: number[] = []
  readonly #lengths: number[] = []
  #start = 0

  /** @param expectedBytes of all messages together */
  constructor(expectedBytes: number) {
    this.writer = new CborWriter(expectedBytes)
  }

  /** Ends the message at hand. @returns where it begins in {@link bytes} */
  end(): number {
    const start = this.#start
    this.#start = this.writer.length
    this.#starts.push(start)
    this.#lengths.push(this.#start - start)
    return start
  }

  /** All messages that have ended: a view, valid until the next one. */
  get bytes(): Uint8Array {
    return this.writer.finish().subarray(0, this.#start)
  }

  /** SHA-256 of each message, side by side. */
  digests(crypto: CryptoProvider): Uint8Array {
    return crypto.sha256Each(this.bytes, this.#starts, this.#lengths)
  }
}
