import {
  type BlockEntry,
  type ChainRecord,
  decodeRecord,
  type Erasable,
  mayBeErased,
  type QueryOrder,
  topicMatchesFilter,
} from '../../protocol/index.ts'
import { type BlockSource, blocksBetween } from '../audit-chain/index.ts'
import { briskPace } from '../pace.ts'

/** What an erasure is of. */
export interface Selection {
  readonly what: Erasable
  /** Topic filter, for the published topic or the stored one. Absent: records without a topic of their own, too. */
  readonly topic?: string
  readonly clientId?: string
}

/** Something that is there and could be erased. */
export interface Candidate {
  readonly index: number
  readonly record: ChainRecord
  /** As it is stored. */
  readonly entry: BlockEntry
  /** Of the payload; with the record, where that goes too. */
  readonly bytes: number
}

/**
 * What is there of a selection, from an index up to and without another. Lets other work happen in between.
 * @throws {PluginError} ERR_CHAIN_DAMAGED: a block is missing
 * @throws {ProtocolError} a block is damaged
 */
export async function* candidatesIn(
  store: BlockSource,
  selection: Selection,
  fromIndex: number,
  endIndex: number,
  order: QueryOrder,
): AsyncGenerator<Candidate> {
  const pace = briskPace()
  for await (const { header, entries } of blocksBetween(store, { from: fromIndex, to: endIndex - 1 }, order)) {
    const first = Math.max(fromIndex - header.firstIndex, 0)
    const last = Math.min(endIndex - header.firstIndex, entries.length) - 1
    const [begin, end, step] = order === 'asc' ? [first, last + 1, 1] : [last, first - 1, -1]
    for (let i = begin; i !== end; i += step) {
      if (pace.isTired) await pace.rest()
      const candidate = candidateOf(selection, header.firstIndex + i, entries[i] as BlockEntry)
      if (candidate !== undefined) yield candidate
    }
  }
}

/** Undefined when there is nothing to erase, or something else is meant. */
export function candidateOf(selection: Selection, index: number, entry: BlockEntry): Candidate | undefined {
  if (entry.record === undefined) return undefined
  const { what, topic, clientId } = selection
  const bodyBytes = entry.body?.length ?? 0
  if (what === 'bodies' && bodyBytes === 0) return undefined
  const record = decodeRecord(entry.record)
  if (!mayBeErased(record.kind) || (clientId !== undefined && record.clientId !== clientId)) return undefined
  if (topic !== undefined && !isCovered(record, topic)) return undefined
  return { index, record, entry, bytes: what === 'bodies' ? bodyBytes : bodyBytes + entry.record.length }
}

/** A session stands on a topic of the broker's own, which no filter for publishes means. */
function isCovered({ kind, topic, storedTopic }: ChainRecord, filter: string): boolean {
  if (kind !== 'publish') return false
  return [topic, storedTopic].some((one) => one !== undefined && topicMatchesFilter(one, filter))
}
