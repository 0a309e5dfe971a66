import {
  type BlockEntry,
  type ChainRecord,
  decodeBlock,
  decodeRecord,
  type Erasable,
  mayBeErased,
  topicMatchesFilter,
} from '../../protocol/index.ts'
import type { AuditStore } from '../audit-chain/index.ts'

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
  /** Of the payload; with the record, where that goes too. */
  readonly bytes: number
}

/** How long the main thread is kept at most, in milliseconds. */
const sliceMs = 4

/**
 * What is there of a selection, from an index up to and without another, in order. Lets other work happen in between.
 * @throws {ProtocolError} the store is damaged
 */
export async function* candidatesIn(
  store: Pick<AuditStore, 'blocks'>,
  selection: Selection,
  fromIndex: number,
  endIndex: number,
): AsyncGenerator<Candidate> {
  let sliceEnd = performance.now() + sliceMs
  if (fromIndex >= endIndex) return
  for await (const { encoded } of store.blocks(fromIndex)) {
    const { header, entries } = decodeBlock(encoded)
    for (const [i, entry] of entries.entries()) {
      const index = header.firstIndex + i
      if (index >= endIndex) return
      const candidate = index < fromIndex ? undefined : candidateOf(selection, index, entry)
      if (candidate !== undefined) yield candidate
    }
    if (performance.now() < sliceEnd) continue
    await new Promise(setImmediate)
    sliceEnd = performance.now() + sliceMs
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
  return { index, record, bytes: what === 'bodies' ? bodyBytes : bodyBytes + entry.record.length }
}

/** A session stands on a topic of the broker's own, which no filter for publishes means. */
function isCovered({ kind, topic, storedTopic }: ChainRecord, filter: string): boolean {
  if (kind !== 'publish') return false
  return [topic, storedTopic].some((one) => one !== undefined && topicMatchesFilter(one, filter))
}
