import {
  type Block,
  type BlockEntry,
  type ChainRecord,
  decodeRecord,
  type ErasedEntry,
  type KeptEntry,
  type QueryOrder,
} from '../../protocol/index.ts'
import {
  type BlockSource,
  blocksBetween,
  damaged,
  type IndexRange,
  isInBlock,
  readBlock,
} from '../audit-chain/index.ts'
import { briskPace } from '../pace.ts'
import type { OffsetSet } from './offset-set.ts'
import type { QueryIndex } from './query-index.ts'
import { conditionsOf, matchesFilter, type RecordFilter } from './record-filter.ts'
import type { ScanBudget } from './scan-budget.ts'

export interface SearchSource {
  readonly store: BlockSource
  /** Absent: all is read. The answer is the same. */
  readonly index?: QueryIndex | undefined
}

/** A record that matches; or, where nothing is asked of its content, a place whose record was erased. */
export type FoundRecord =
  | { readonly index: number; readonly record: ChainRecord; readonly entry: KeptEntry }
  | { readonly index: number; readonly record: undefined; readonly entry: ErasedEntry }

/** Where more than this share of the records may be meant, they are read in a row. */
const denseShare = 1 / 8

/**
 * The records of a range that match, one after the other in the order asked for.
 * @returns the next index to look at when the budget was spent before the end, or undefined
 * @throws {PluginError} ERR_CHAIN_DAMAGED; {ProtocolError} ERR_CBOR_*, ERR_BLOCK_MALFORMED, ERR_RECORD_MALFORMED
 */
export async function* searchRecords(
  source: SearchSource,
  filter: RecordFilter,
  range: IndexRange,
  order: QueryOrder,
  budget: ScanBudget,
): AsyncGenerator<FoundRecord, number | undefined> {
  const { index } = source
  const conditions = conditionsOf(filter)
  if (index === undefined || conditions.length === 0) return yield* scan(source, filter, range, order, budget)
  for (const { segment, ...part } of partsOf(range, index.segmentRecords, order)) {
    if (budget.isSpent) return order === 'asc' ? part.from : part.to
    const first = segment * index.segmentRecords
    const offsets = await index.find(segment, conditions)
    const isDense = offsets === undefined || offsets.count > index.segmentRecords * denseShare
    const next = isDense
      ? yield* scan(source, filter, part, order, budget)
      : yield* visit(source, filter, indexesIn(offsets, first, part, order), budget)
    if (next !== undefined) return next
    budget.spend(0, 0)
  }
  return undefined
}

/** Reads everything. */
async function* scan(
  { store }: SearchSource,
  filter: RecordFilter,
  range: IndexRange,
  order: QueryOrder,
  budget: ScanBudget,
): AsyncGenerator<FoundRecord, number | undefined> {
  const pace = briskPace()
  for await (const block of blocksBetween(store, range, order)) {
    for (const index of indexesOf(block, range, order)) {
      if (budget.isSpent) return index
      const found = examine(block, index, filter, budget)
      if (found !== undefined) yield found
      if (pace.isTired) await pace.rest()
    }
  }
  return undefined
}

/** Reads what the index says. */
async function* visit(
  { store }: SearchSource,
  filter: RecordFilter,
  indexes: readonly number[],
  budget: ScanBudget,
): AsyncGenerator<FoundRecord, number | undefined> {
  let block: Block | undefined
  for (const index of indexes) {
    if (budget.isSpent) return index
    if (block === undefined || !isInBlock(block, index)) block = await readBlock(store, index)
    if (block === undefined || !isInBlock(block, index)) {
      throw damaged(`the block of record ${index} is missing`)
    }
    const found = examine(block, index, filter, budget)
    if (found !== undefined) yield found
  }
  return undefined
}

/** The one place that looks at what is stored for a record. */
function examine(
  { header, entries }: Block,
  index: number,
  filter: RecordFilter,
  budget: ScanBudget,
): FoundRecord | undefined {
  const entry = entries[index - header.firstIndex] as BlockEntry
  if (entry.record === undefined) {
    budget.spend(1, 0)
    // Nobody can tell whether it would match what is asked of its content.
    return conditionsOf(filter).length === 0 ? { index, record: undefined, entry } : undefined
  }
  budget.spend(1, entry.record.length + (entry.body?.length ?? 0))
  const record = decodeRecord(entry.record)
  return matchesFilter(record, filter) ? { index, record, entry } : undefined
}

/** A range cut at the bounds of segments. */
function* partsOf(
  { from, to }: IndexRange,
  size: number,
  order: QueryOrder,
): Iterable<IndexRange & { segment: number }> {
  if (from > to) return
  const [first, last] = [Math.floor(from / size), Math.floor(to / size)]
  for (let i = 0; i <= last - first; i++) {
    const segment = order === 'asc' ? first + i : last - i
    yield { segment, from: Math.max(from, segment * size), to: Math.min(to, (segment + 1) * size - 1) }
  }
}

function* indexesOf({ header, entries }: Block, { from, to }: IndexRange, order: QueryOrder): Iterable<number> {
  const first = Math.max(from, header.firstIndex)
  const last = Math.min(to, header.firstIndex + entries.length - 1)
  for (let i = 0; i <= last - first; i++) yield order === 'asc' ? first + i : last - i
}

function indexesIn(offsets: OffsetSet, first: number, { from, to }: IndexRange, order: QueryOrder): readonly number[] {
  const indexes = Array.from(offsets.between(from - first, to - first), (offset) => first + offset)
  return order === 'asc' ? indexes : indexes.reverse()
}
