import {
  type BuiltBlock,
  bytesEqual,
  decodeRecordsOfBlock,
  headerOfBlock,
  ProtocolError,
} from '../../protocol/index.ts'
import { type BlockSource, partsBetween, type StoreDatabase } from '../audit-chain/index.ts'
import { PluginError } from '../errors.ts'
import { nativeCrypto } from '../native-crypto.ts'
import type { Pace } from '../pace.ts'
import { OffsetSet } from './offset-set.ts'
import { RecentRecords, type RecordsOfBlock } from './recent-records.ts'
import { SegmentBuilder } from './segment-builder.ts'
import { chunksWith, decodeChunk, decodeSummary, type SegmentSummary } from './segment-format.ts'
import { SegmentTable } from './segment-table.ts'
import type { Lookup } from './terms.ts'

/**
 * Records of one segment. With larger ones a search through the whole chain is shorter, as each segment costs it two
 * reads, and what is not indexed yet longer, as that is scanned: these are some 300 for 10 million records, and 0.1 s.
 */
const defaultSegmentRecords = 2 ** 15

/** The chain that is indexed. */
export interface IndexedChain {
  readonly database: StoreDatabase
  readonly store: BlockSource
  /** Records that are durable. */
  readonly nextIndex: number
  /** Tells of every block as soon as it is durable; absent where nothing is written. */
  watch?(onBlock: (block: BuiltBlock) => void): void
}

export interface QueryIndexOptions {
  readonly chain: IndexedChain
  /** Told of segments that are not used: ERR_QUERY_INDEX. */
  readonly onError: (error: unknown) => void
  /** A multiple of 8; for tests. */
  readonly segmentRecords?: number
}

/** A segment that is being built. */
interface OpenSegment {
  readonly segment: number
  readonly builder: SegmentBuilder
  /** Index of the record that comes next. */
  next: number
  /** Of the block that holds the last record, once that was added. */
  headerHash: Uint8Array
}

/** Any of these terms; a record has to have one of every condition. */
export type Condition = readonly Lookup[]

/**
 * Finds records faster than by reading them all: for each full segment of the chain, which records have which client id,
 * key, topic, proven username, outcome or kind. It is made of the blocks, behind the chain, and never needed: where there is
 * none, or none that can be believed, the blocks are read. What it finds is compared with the records themselves, so it
 * can hide a record, by being wrong, but never make one up; hence the digests.
 */
export class QueryIndex {
  readonly segmentRecords: number
  readonly #chain: IndexedChain
  readonly #onError: (error: unknown) => void
  readonly #table: SegmentTable
  /** Full segments below this are there, but for {@link #missing}. */
  #end = 0
  #missing: number[] = []
  readonly #recent: RecentRecords | undefined
  /** Another one, or none, when records were erased meanwhile: what was built of them must not be written. */
  #open: OpenSegment | undefined
  #written: Promise<void> = Promise.resolve()

  private constructor({ chain, onError, segmentRecords = defaultSegmentRecords }: QueryIndexOptions) {
    this.segmentRecords = segmentRecords
    this.#chain = chain
    this.#onError = onError
    this.#table = new SegmentTable(chain.database)
    if (chain.watch === undefined) return
    const recent = new RecentRecords()
    this.#recent = recent
    chain.watch((block) => recent.add(block))
  }

  /** Looks what is there, and drops all of it where it belongs to another chain. */
  static async open(options: QueryIndexOptions): Promise<QueryIndex> {
    const index = new QueryIndex(options)
    await index.#resume()
    return index
  }

  /** Segments that could be built now. */
  get backlog(): number {
    return this.#missing.length + Math.max(0, this.#sealed - this.#end)
  }

  /**
   * The records of a segment that may have a term of every condition, and all that do.
   * @returns undefined: only the blocks can tell
   */
  async find(segment: number, conditions: readonly Condition[]): Promise<OffsetSet | undefined> {
    if (segment >= this.#end) return undefined
    const encoded = await this.#table.summary(segment)
    if (encoded === undefined) return undefined
    try {
      const summary = this.#summaryOf(encoded)
      let found: OffsetSet | undefined
      for (const condition of conditions) {
        const offsets = await this.#lookUp(segment, summary, condition)
        if (found === undefined) found = offsets
        else found.intersect(offsets)
      }
      return found
    } catch (cause) {
      if (!isDamage(cause)) throw cause
      await this.#giveUp(segment, cause)
      return undefined
    }
  }

  /**
   * Builds on a segment that is not there, the lowest first; where the chain grows, also on one that is not full yet.
   * @param pace of the work
   * @returns false: there is nothing to be done
   */
  async buildNext(pace: Pace): Promise<boolean> {
    const segment = this.#missing[0] ?? this.#end
    const end = (segment + 1) * this.segmentRecords
    if (this.#recent === undefined && segment >= this.#sealed) return false
    if (this.#open?.segment !== segment) this.#open = this.#begin(segment)
    const open = this.#open
    const upTo = Math.min(end, this.#chain.nextIndex)
    if (open.next >= upTo) return false
    try {
      await this.#advance(open, upTo, pace)
      if (open.next < end || !(await this.#write(open))) return true
    } catch (cause) {
      if (!isDamage(cause) && !(cause instanceof PluginError)) throw cause
      // It stays as it is until the next start: trying again would read the same.
      this.#onError(new PluginError('ERR_QUERY_INDEX', `segment ${segment} cannot be indexed`, {}, cause))
    }
    this.#missing = this.#missing.filter((other) => other !== segment)
    this.#end = Math.max(this.#end, segment + 1)
    return true
  }

  /**
   * Takes what these records had out of every file of the store; their segments are built again of what is left. To be
   * called when they are gone from the blocks.
   */
  async forget(ranges: readonly (readonly [first: number, last: number])[]): Promise<void> {
    const forgotten = new Set<number>()
    for (const [first, last] of ranges) {
      for (let i = Math.floor(first / this.segmentRecords); i * this.segmentRecords <= last; i++) forgotten.add(i)
    }
    this.#open = undefined
    this.#recent?.clear()
    const missing = new Set([...this.#missing, ...[...forgotten].filter((segment) => segment < this.#end)])
    this.#missing = [...missing].sort((a, b) => a - b)
    await this.#written
    await this.#table.erase([...forgotten].sort((a, b) => a - b))
  }

  /** Forgets everything, so that all of it is built again. */
  async clear(): Promise<void> {
    this.#open = undefined
    await this.#table.clear()
    this.#end = 0
    this.#missing = []
  }

  get #sealed(): number {
    return Math.floor(this.#chain.nextIndex / this.segmentRecords)
  }

  async #resume(): Promise<void> {
    const there = new Set(await this.#table.segments())
    const newest = Math.max(-1, ...there)
    if (newest >= 0 && !(await this.#belongs(newest))) {
      this.#onError(new PluginError('ERR_QUERY_INDEX', 'it does not belong to this chain, and is built again'))
      return this.clear()
    }
    this.#end = newest + 1
    for (let segment = 0; segment < newest; segment++) if (!there.has(segment)) this.#missing.push(segment)
  }

  /** Headers are linked: when the newest segment was made of this chain, those below it were too. */
  async #belongs(segment: number): Promise<boolean> {
    const encoded = await this.#table.summary(segment)
    try {
      const summary = encoded === undefined ? undefined : this.#summaryOf(encoded)
      const hash = segment < this.#sealed ? await this.#headerHash(segment) : undefined
      return summary !== undefined && hash !== undefined && bytesEqual(summary.headerHash, hash)
    } catch (error) {
      if (isDamage(error)) return false
      throw error
    }
  }

  /** SHA-256 of the header of the block that holds the last record of a segment. */
  async #headerHash(segment: number): Promise<Uint8Array | undefined> {
    const stored = await this.#chain.store.blockAt((segment + 1) * this.segmentRecords - 1)
    return stored === undefined ? undefined : nativeCrypto.sha256(headerOfBlock(stored.encoded).encodedHeader)
  }

  #begin(segment: number): OpenSegment {
    const builder = new SegmentBuilder(this.segmentRecords)
    return { segment, builder, next: segment * this.segmentRecords, headerHash: new Uint8Array() }
  }

  /** Adds the records below an index, unless some are erased meanwhile. Reads those that are not in memory any more. */
  async #advance(open: OpenSegment, upTo: number, pace: Pace): Promise<void> {
    while (open.next < upTo && this.#open === open) {
      const recent = this.#recent?.blockAt(open.next)
      if (recent === undefined) {
        await this.#advanceByReading(open, upTo, pace)
        continue
      }
      await this.#add(open, recent, upTo, pace)
      open.headerHash = recent.headerHash
    }
  }

  /** As {@link #advance}, up to the first one that is in memory. */
  async #advanceByReading(open: OpenSegment, upTo: number, pace: Pace): Promise<void> {
    const range = { from: open.next, to: upTo - 1 }
    for await (const block of partsBetween(this.#chain.store, range, 'asc', decodeRecordsOfBlock)) {
      const { header, entries, encodedHeader } = block
      await this.#add(open, { firstIndex: header.firstIndex, records: entries }, upTo, pace)
      if (open.next % this.segmentRecords === 0) open.headerHash = nativeCrypto.sha256(encodedHeader)
      if (this.#open !== open || this.#recent?.blockAt(open.next) !== undefined) return
    }
  }

  async #add(
    open: OpenSegment,
    { firstIndex, records }: Pick<RecordsOfBlock, 'firstIndex' | 'records'>,
    upTo: number,
    pace: Pace,
  ): Promise<void> {
    const from = open.segment * this.segmentRecords
    const end = Math.min(upTo, firstIndex + records.length)
    for (; open.next < end; open.next++) {
      const record = records[open.next - firstIndex]
      if (record !== undefined) open.builder.add(open.next - from, record)
      if (pace.isTired) await pace.rest()
    }
  }

  /** @returns false: records were erased meanwhile, so that it has to be built again */
  async #write(open: OpenSegment): Promise<boolean> {
    if (this.#open !== open) return false
    const { summary, chunks } = open.builder.finish(open.headerHash)
    const written = this.#table.write(open.segment, summary, chunks)
    // Whether that was possible is told to whoever builds.
    this.#written = written.catch(() => {})
    await written
    return this.#open === open
  }

  async #lookUp(segment: number, { chunks }: SegmentSummary, condition: Condition): Promise<OffsetSet> {
    const offsets = new OffsetSet(this.segmentRecords)
    for (const { field, prefix, accepts } of condition) {
      const infos = chunks[field]
      for (const number of chunksWith(infos, prefix)) {
        const content = await this.#table.chunk(segment, field, number)
        const info = infos[number]
        if (content === undefined || info === undefined) throw new RangeError('a chunk is missing')
        for (const [term, encoded] of decodeChunk(content, info)) {
          if (term.startsWith(prefix) && accepts(term)) offsets.addEncoded(encoded)
        }
      }
    }
    return offsets
  }

  #summaryOf(encoded: Uint8Array): SegmentSummary {
    const summary = decodeSummary(encoded)
    if (summary.size !== this.segmentRecords) throw new RangeError(`of ${summary.size} records`)
    return summary
  }

  async #giveUp(segment: number, cause: unknown): Promise<void> {
    // Two searches may have come upon it.
    if (this.#missing.includes(segment)) return
    this.#missing = [...this.#missing, segment].sort((a, b) => a - b)
    this.#onError(new PluginError('ERR_QUERY_INDEX', `segment ${segment} is dropped and built again`, {}, cause))
    await this.#table.drop(segment)
  }
}

/** What reading altered bytes ends with. */
function isDamage(error: unknown): boolean {
  return error instanceof ProtocolError || error instanceof RangeError
}
