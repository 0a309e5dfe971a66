import type { AuditStore, StoredBlock } from '../audit-chain/index.ts'

/** What is read ahead: a few small blocks, or one large one. */
const readAhead = { blocks: 32, bytes: 256 * 1024 }

/** What LevelDB says of bytes that it cannot make sense of, or the system of those that it cannot read. */
const unreadableCodes: readonly unknown[] = ['LEVEL_CORRUPTION', 'LEVEL_IO_ERROR']

/** The next block, or where the next one begins that can be read. */
export type NextBlock = StoredBlock | { readonly unreadableUntil: number }

/** Reads blocks one after the other, and finds a way around those that the disk does not give back. */
export class BlockReader {
  readonly #store: Pick<AuditStore, 'blocksAt'>
  #ahead: readonly StoredBlock[] = []

  constructor(store: Pick<AuditStore, 'blocksAt'>) {
    this.#store = store
  }

  /**
   * The first block that begins at an index or after it.
   * @param end index that the search ends at
   * @returns undefined: there is none before the end
   */
  async from(index: number, end: number): Promise<NextBlock | undefined> {
    const known = this.#ahead.find(({ firstIndex }) => firstIndex >= index)
    const next = known ?? (await this.#read(index, end))
    return next === undefined || ('firstIndex' in next && next.firstIndex >= end) ? undefined : next
  }

  async #read(index: number, end: number): Promise<NextBlock | undefined> {
    try {
      const blocks = await this.#store.blocksAt(index, readAhead.blocks, readAhead.bytes)
      // Where a block is missing, the one before it comes first, and may be as large as all that is read ahead.
      const isMissing = blocks.every(({ firstIndex }) => firstIndex < index)
      this.#ahead = isMissing ? await this.#store.blocksAt(index, 2, Number.MAX_SAFE_INTEGER) : blocks
    } catch (error) {
      if (!isUnreadable(error)) throw error
      this.#ahead = []
      return this.#around(index, end)
    }
    return this.#ahead.find(({ firstIndex }) => firstIndex >= index)
  }

  /** Looks further and further away: which keys lie in the unreadable part, nobody can tell. */
  async #around(index: number, end: number): Promise<NextBlock> {
    try {
      const [alone] = await this.#store.blocksAt(index, 1, 1)
      if (alone?.firstIndex === index) return alone
    } catch (error) {
      if (!isUnreadable(error)) throw error
    }
    for (let step = 1; index + step < end; step *= 2) {
      try {
        const blocks = await this.#store.blocksAt(index + step, 2, Number.MAX_SAFE_INTEGER)
        const found = blocks.find(({ firstIndex }) => firstIndex > index)
        if (found !== undefined) return { unreadableUntil: found.firstIndex }
      } catch (error) {
        if (!isUnreadable(error)) throw error
      }
    }
    return { unreadableUntil: end }
  }
}

function isUnreadable(error: unknown): boolean {
  return error instanceof Error && unreadableCodes.includes((error as { code?: unknown }).code)
}
