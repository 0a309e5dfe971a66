import { type BlockEntry, encodeBlock, parseSignedHeader, type SignedHeader } from '../../protocol/index.ts'

/** A block as a store has it, put together again. */
export interface AssembledBlock {
  readonly firstIndex: number
  readonly count: number
  readonly encoded: Uint8Array
  /** The first one; undefined when it was erased. */
  readonly record: Uint8Array | undefined
}

/** Largest block that is put together: many times what a broker commits at once. */
const maxBlockBytes = 1024 ** 3

/** Puts blocks together again out of headers, leaves and records. Verifies nothing: it is for what verifies blocks. */
export class BlockAssembler {
  #header: SignedHeader | undefined
  #firstIndex = 0
  #entries: BlockEntry[] = []
  #bytes = 0

  /** Whether the next entry begins a block. */
  get isBetweenBlocks(): boolean {
    return this.#header === undefined
  }

  /**
   * @param firstIndex of its first record, as the place of the header says
   * @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED
   */
  begin(firstIndex: number, signed: Uint8Array): void {
    this.#header = parseSignedHeader(signed)
    this.#firstIndex = firstIndex
    this.#entries = []
    this.#bytes = 0
  }

  /**
   * @returns the block when this was its last entry
   * @throws {RangeError} it grows beyond everything that a broker commits
   */
  add(entry: BlockEntry): AssembledBlock | undefined {
    const header = this.#header
    if (header === undefined) throw new RangeError('no block has begun')
    this.#entries.push(entry)
    this.#bytes += (entry.record?.length ?? 0) + (entry.body?.length ?? 0)
    if (this.#bytes > maxBlockBytes) throw new RangeError('the block is too large')
    // What its header says of the place does not count here: whoever verifies the block compares it.
    const count = this.#entries.length
    if (count < header.header.count) return undefined
    this.#header = undefined
    const encoded = encodeBlock(header.signed, this.#entries)
    const [{ record }] = this.#entries as [BlockEntry]
    return { firstIndex: this.#firstIndex, count, encoded, record }
  }
}
