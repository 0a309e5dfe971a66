import {
  decodeBlock,
  decodeRecord,
  type ErasureEvent,
  eraseFrom,
  erasureRecord,
  type IndexRange,
  parseErasure,
  RangeSet,
  type Requester,
} from '../../protocol/index.ts'
import {
  type AuditChain,
  blocksSublevel,
  compactKeys,
  damaged,
  decodeIndex,
  ErasureMarks,
  encodeIndex,
  readEntry,
  type StoreOperation,
  storeSublevel,
} from '../audit-chain/index.ts'
import type { PluginError } from '../errors.ts'

/** Bytes of blocks that are written anew in one commit; a block that is larger goes alone. */
const sliceBytes = 512 * 1024

/**
 * Announces erasures, then takes out of the blocks what they name. One that was announced is remembered until nothing of
 * it is left on the disk, so that a start after a crash can bring it to its end.
 */
export class Eraser {
  readonly #chain: AuditChain
  readonly #forgetRecords: (ranges: readonly IndexRange[]) => Promise<void>
  readonly #blocks
  readonly #marks: ErasureMarks
  /** Index of an erasure record -> the first index that it may not have erased yet. */
  readonly #pending

  /** @param forgetRecords takes out of every file of the store what else was kept of records that are erased */
  constructor(chain: AuditChain, forgetRecords: (ranges: readonly IndexRange[]) => Promise<void>) {
    this.#chain = chain
    this.#forgetRecords = forgetRecords
    this.#blocks = blocksSublevel(chain.database)
    this.#marks = new ErasureMarks(chain.database, chain.store)
    this.#pending = storeSublevel(chain.database, 'erasures')
  }

  /**
   * Records an erasure; nothing is gone yet.
   * @param also is written with it
   * @returns index of its record, which is durable
   */
  async announce(erasure: ErasureEvent, requester: Requester, also: readonly StoreOperation[] = []): Promise<number> {
    let announcedAt = 0
    await this.#chain.record((index, timeMs) => {
      const record = erasureRecord(erasure, requester, timeMs)
      if (!this.#chain.registry.enter(record, index)) {
        throw damaged(`the erasure at ${index} names a key that was never enrolled`)
      }
      announcedAt = index
      return { record, also: [this.#mark(index, 0), ...also] }
    })
    return announcedAt
  }

  /** Does what was announced and is not done yet, in the order of the records. */
  async finish(isStopped: () => boolean): Promise<void> {
    const marks = await this.#pending.iterator().all()
    for (const [key, value] of marks) {
      if (isStopped()) return
      await this.#finishOne(decodeIndex(key), decodeIndex(value), isStopped)
    }
  }

  async #finishOne(announcedAt: number, fromIndex: number, isStopped: () => boolean): Promise<void> {
    const { what, ranges } = await this.#read(announcedAt)
    const indexes = new RangeSet(ranges)
    const firstBlock = await this.#chain.store.blockAt(ranges[0]?.[0] ?? 0)
    const start = firstBlock?.firstIndex ?? 0
    let lastBlock = start
    // What is in memory only has to be in a file before it is written anew: a value and the one that takes its place would
    // come into one file together otherwise, and below the levels that are merged at the end.
    await this.#compact(start, start)
    let slice: StoreOperation[] = []
    let bytes = 0
    for (let next = indexes.nextFrom(fromIndex); next !== undefined; ) {
      const stored = await this.#chain.store.blockAt(next)
      if (stored === undefined) throw missingBlock(next)
      const block = decodeBlock(stored.encoded)
      const endIndex = stored.firstIndex + block.entries.length
      if (next >= endIndex) throw missingBlock(next)
      lastBlock = stored.firstIndex
      const value = eraseFrom(block, what, indexes)
      if (value !== undefined) {
        slice.push({ type: 'put', sublevel: this.#blocks, key: encodeIndex(stored.firstIndex), value })
        slice.push(await this.#marks.add(stored.firstIndex, announcedAt))
        bytes += value.length
      }
      next = indexes.nextFrom(endIndex)
      if (bytes < sliceBytes && next !== undefined) continue
      await this.#write([...slice, this.#mark(announcedAt, endIndex)])
      if (isStopped()) return
      slice = []
      bytes = 0
    }
    await this.#compact(start, lastBlock)
    // Not before: what is made of the blocks again is made of what is left.
    if (what === 'records') await this.#forgetRecords(ranges)
    await this.#write([{ type: 'del', sublevel: this.#pending, key: encodeIndex(announcedAt) }])
  }

  async #read(announcedAt: number): Promise<ErasureEvent> {
    const entry = await readEntry(this.#chain.store, announcedAt)
    if (entry?.record === undefined) throw missingBlock(announcedAt)
    return parseErasure(decodeRecord(entry.record))
  }

  /** From one block to another. */
  #compact(first: number, last: number): Promise<void> {
    return compactKeys(this.#chain.database, this.#blocks, encodeIndex(first), encodeIndex(last))
  }

  #mark(announcedAt: number, doneUpTo: number): StoreOperation {
    return { type: 'put', sublevel: this.#pending, key: encodeIndex(announcedAt), value: encodeIndex(doneUpTo) }
  }

  /** In a commit of the chain, whose writer is the only one: between two blocks, and with what it does about failures. */
  #write(operations: readonly StoreOperation[]): Promise<void> {
    return this.#chain.record(() => ({ also: operations }))
  }
}

function missingBlock(index: number): PluginError {
  return damaged(`the block of record ${index} is missing`)
}
