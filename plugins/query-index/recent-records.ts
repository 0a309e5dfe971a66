import type { BuiltBlock } from '../../protocol/index.ts'

/** The records of one block. */
export interface RecordsOfBlock {
  readonly firstIndex: number
  /** Encoded; undefined in the place of one that was erased. */
  readonly records: readonly (Uint8Array | undefined)[]
  /** SHA-256 of its header. */
  readonly headerHash: Uint8Array
}

/** As much as a broker writes in some tenths of a second. */
const defaultMaxBytes = 4 * 1024 * 1024

/** The records that were written a moment ago, for whoever follows the chain closely enough not to have to read them. */
export class RecentRecords {
  readonly #maxBytes: number
  /** In order, without a gap. */
  readonly #blocks: RecordsOfBlock[] = []
  #bytes = 0

  /** @param maxBytes of memory; when there is no room, those that were written first are given up */
  constructor(maxBytes = defaultMaxBytes) {
    this.#maxBytes = maxBytes
  }

  /** Adds a block that is durable. */
  add({ header, records, next }: BuiltBlock): void {
    const block = { firstIndex: header.firstIndex, records, headerHash: next.previousHash }
    this.#blocks.push(block)
    this.#bytes += bytesOf(block)
    while (this.#bytes > this.#maxBytes) this.#dropFirst()
  }

  /** The block that holds an index, when it is there. Those before it are given up. */
  blockAt(index: number): RecordsOfBlock | undefined {
    for (;;) {
      const [first] = this.#blocks
      if (first === undefined || index < first.firstIndex) return undefined
      if (index < first.firstIndex + first.records.length) return first
      this.#dropFirst()
    }
  }

  clear(): void {
    this.#blocks.length = 0
    this.#bytes = 0
  }

  #dropFirst(): void {
    const first = this.#blocks.shift()
    if (first !== undefined) this.#bytes -= bytesOf(first)
  }
}

/** The records of a block lie in one buffer, and keep all of it. */
function bytesOf({ records }: RecordsOfBlock): number {
  return records[0]?.buffer.byteLength ?? 0
}
