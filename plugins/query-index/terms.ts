import { type ChainRecord, type Outcome, topicMatchesFilter } from '../../protocol/index.ts'
import { provenUsername } from '../authorize-publish/index.ts'

/** What a segment is indexed by, in the order in which it is stored. */
export const indexedFields = ['topic', 'clientId', 'username', 'kid', 'outcome'] as const
export type IndexedField = (typeof indexedFields)[number]

/**
 * What a record is found by: the first bytes of a value, each as one character, so that the order of terms is the order of
 * bytes. Two values may have the same term: whatever is found is compared with the record.
 */
export type Term = string

/** Longer values are cut: others choose them, and they take memory while a segment is being built. */
const maxTermBytes = 128

export function termOfBytes(value: Uint8Array): Term {
  const { buffer, byteOffset, length } = value
  return Buffer.from(buffer, byteOffset, Math.min(length, maxTermBytes)).toString('latin1')
}

function termOfText(value: string): Term {
  return termOfBytes(Buffer.from(value, 'utf8'))
}

export function bytesOfTerm(term: Term): Uint8Array {
  return Buffer.from(term, 'latin1')
}

/** Every term of a record, by field. A username that is a mere claim is none. */
export function* termsOf(record: ChainRecord): Iterable<readonly [IndexedField, Term]> {
  const { topic, storedTopic, clientId, username, auth = 'none', thumbprint, outcome } = record
  if (topic !== undefined) yield ['topic', termOfText(topic)]
  if (storedTopic !== undefined && storedTopic !== topic) yield ['topic', termOfText(storedTopic)]
  if (clientId !== undefined) yield ['clientId', termOfText(clientId)]
  const name = provenUsername({ username, auth })
  if (name !== undefined) yield ['username', termOfText(name)]
  if (thumbprint !== undefined) yield ['kid', termOfBytes(thumbprint)]
  if (outcome !== undefined) yield ['outcome', outcome]
}

/** Which terms of a field belong to what is looked for. */
export interface Lookup {
  readonly field: IndexedField
  /** They begin with this. */
  readonly prefix: Term
  /** Whether a term that does may be one. */
  accepts(term: Term): boolean
}

export function lookupTopic(filter: string): Lookup {
  const levels = filter.split('/')
  const wildcard = levels.findIndex((level) => level === '+' || level === '#')
  if (wildcard === -1) return exactly('topic', termOfText(filter))
  // No separator at the end: a/# covers a.
  const prefix = termOfText(levels.slice(0, wildcard).join('/'))
  return { field: 'topic', prefix, accepts: (term) => mayMatch(term, filter) }
}

/** What was cut off a term may match or not. */
function mayMatch(term: Term, filter: string): boolean {
  return term.length === maxTermBytes || topicMatchesFilter(Buffer.from(term, 'latin1').toString('utf8'), filter)
}

export function lookupText(field: 'clientId' | 'username', value: string): Lookup {
  return exactly(field, termOfText(value))
}

export function lookupOutcome(outcome: Outcome): Lookup {
  return exactly('outcome', outcome)
}

/** @param kid thumbprint, or the beginning of one */
export function lookupKid(kid: Uint8Array): Lookup {
  return { field: 'kid', prefix: termOfBytes(kid), accepts: () => true }
}

function exactly(field: IndexedField, wanted: Term): Lookup {
  return { field, prefix: wanted, accepts: (term) => term === wanted }
}
