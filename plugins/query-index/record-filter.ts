import {
  bytesEqual,
  type ChainRecord,
  isKidOf,
  type Outcome,
  type RecordKind,
  topicMatchesFilter,
} from '../../protocol/index.ts'
import { provenUsername } from '../authorize-publish/index.ts'
import type { Condition } from './query-index.ts'
import { lookupKid, lookupKind, lookupOutcome, lookupText, lookupTopic } from './terms.ts'

/** Whose records: of a name that was proved, or signed by one of these keys. */
export interface RecordOwner {
  readonly username: string | undefined
  /** Thumbprints, 32 bytes each. */
  readonly keys: readonly Uint8Array[]
}

/** What a record has to be; an absent member asks for nothing. */
export interface RecordFilter {
  /** Topic filter, for the topic that was published to or the one that it was stored under. */
  readonly topic?: string | undefined
  readonly clientId?: string | undefined
  /** Thumbprint, or the beginning of one. */
  readonly kid?: Uint8Array | undefined
  readonly outcome?: Outcome | undefined
  readonly kind?: RecordKind | undefined
  readonly owner?: RecordOwner | undefined
}

export function matchesFilter(
  record: ChainRecord,
  { topic, clientId, kid, outcome, kind, owner }: RecordFilter,
): boolean {
  if (clientId !== undefined && record.clientId !== clientId) return false
  if (outcome !== undefined && record.outcome !== outcome) return false
  if (kind !== undefined && record.kind !== kind) return false
  if (kid !== undefined && (record.thumbprint === undefined || !isKidOf(kid, record.thumbprint))) return false
  if (topic !== undefined && !isCovered(record.topic, topic) && !isCovered(record.storedTopic, topic)) return false
  return owner === undefined || isOwnedBy(record, owner)
}

/** What an administrator does to a key is the administrator's record, not that of the key. */
export function isOwnedBy(record: ChainRecord, { username, keys }: RecordOwner): boolean {
  const { thumbprint, auth = 'none' } = record
  if (username !== undefined && provenUsername({ username: record.username, auth }) === username) return true
  if (thumbprint === undefined || record.kind === 'key') return false
  return keys.some((key) => bytesEqual(key, thumbprint))
}

/** The same in terms of the index. Whatever matches meets all of them. */
export function conditionsOf({ topic, clientId, kid, outcome, kind, owner }: RecordFilter): readonly Condition[] {
  const conditions: Condition[] = []
  if (clientId !== undefined) conditions.push([lookupText('clientId', clientId)])
  if (kid !== undefined) conditions.push([lookupKid(kid)])
  if (topic !== undefined) conditions.push([lookupTopic(topic)])
  if (outcome !== undefined) conditions.push([lookupOutcome(outcome)])
  if (kind !== undefined) conditions.push([lookupKind(kind)])
  if (owner !== undefined) {
    const names = owner.username === undefined ? [] : [lookupText('username', owner.username)]
    conditions.push([...names, ...owner.keys.map(lookupKid)])
  }
  return conditions
}

function isCovered(topic: string | undefined, filter: string): boolean {
  return topic !== undefined && topicMatchesFilter(topic, filter)
}
