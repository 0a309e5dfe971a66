import { CborWriter } from '../cbor/index.ts'
import { saltBytes } from '../record/index.ts'
import { blockVersion } from './block.ts'

/** A signed header has some 230 bytes; its integers may grow. */
const maxSignedBytes = 512
/** A leaf of any time since February 1970 with its head; earlier ones, which only tests have, are shorter. */
const maxLeafBytes = 2 + 45
/** What a record, its salt and their heads take, roughly. */
const entryBytes = 320

/**
 * Encodes a block while its records are being made, as `encodeBlock` does when all is there: the entries behind a gap,
 * then the leaves and the header, which is known last, into the gap.
 */
export class BlockWriter {
  readonly #count: number
  readonly #entries: CborWriter
  readonly #leaves: CborWriter
  readonly #gap: number

  /** @param bodyBytes of all records together */
  constructor(count: number, bodyBytes: number) {
    this.#count = count
    this.#gap = maxSignedBytes + count * maxLeafBytes
    this.#entries = new CborWriter(this.#gap + bodyBytes + count * (entryBytes + saltBytes)).skip(this.#gap)
    this.#entries.array(count)
    this.#leaves = new CborWriter(count * maxLeafBytes)
  }

  add(leaf: Uint8Array, salt: Uint8Array, record: Uint8Array, body: Uint8Array | undefined): void {
    this.#leaves.bytes(leaf)
    this.#entries.array(3).bytes(salt).bytes(record)
    if (body === undefined) this.#entries.nil()
    else this.#entries.bytes(body)
  }

  finish(signed: Uint8Array): Uint8Array {
    const leaves = this.#leaves.finish()
    const head = new CborWriter(signed.length + 32)
    head.array(4).int(blockVersion).bytes(signed).array(this.#count)
    const leavesAt = this.#gap - leaves.length
    const start = leavesAt - head.length
    this.#entries.patch(leavesAt, leaves).patch(start, head.finish())
    return this.#entries.finish().subarray(start)
  }
}
