import {
  authKinds,
  CborReader,
  type Outcome,
  outcomes,
  type RecordKind,
  recordField,
  recordKinds,
  topicMatchesFilter,
} from '../../protocol/index.ts'

/** What a segment is indexed by, in the order in which it is stored. */
export const indexedFields = ['topic', 'clientId', 'username', 'kid', 'outcome', 'kind'] as const
export type IndexedField = (typeof indexedFields)[number]

/**
 * What a record is found by: the first bytes of a value, each as one character, so that the order of terms is the order of
 * bytes. Two values may have the same term: whatever is found is compared with the record.
 */
export type Term = string

/** Longer values are cut: others choose them, and they take memory while a segment is being built. */
const maxTermBytes = 128

export function termOfBytes(value: Uint8Array): Term {
  return latin1Slice.call(value, 0, Math.min(value.length, maxTermBytes))
}

/** Makes no Buffer of the bytes, which would take as long again. */
const { latin1Slice } = Buffer.prototype as unknown as {
  latin1Slice(this: Uint8Array, start: number, end: number): string
}

export function termOfText(value: string): Term {
  return termOfBytes(Buffer.from(value, 'utf8'))
}

export function bytesOfTerm(term: Term): Uint8Array {
  return Buffer.from(term, 'latin1')
}

/** Words by the integers that stand for them. */
function wordsOf(table: Readonly<Record<string, number>>): readonly Term[] {
  const words: Term[] = []
  for (const [word, number] of Object.entries(table)) words[number] = word
  return words
}

const outcomeTerms = wordsOf(outcomes)
const kindTerms = wordsOf(recordKinds)

/**
 * Every term of an encoded record, of some twice. A username that is a mere claim is none. What is not indexed is passed
 * over and not checked.
 * @throws {ProtocolError} ERR_CBOR_*
 */
export function readTerms(encoded: Uint8Array, add: (field: IndexedField, term: Term) => void): void {
  const reader = new CborReader(encoded)
  let username: Uint8Array | undefined
  for (let left = reader.map(); left > 0; left--) {
    switch (reader.int()) {
      case recordField.topic:
      case recordField.storedTopic:
        add('topic', termOfBytes(reader.textBytes()))
        break
      case recordField.clientId:
        add('clientId', termOfBytes(reader.textBytes()))
        break
      case recordField.username:
        username = reader.textBytes()
        break
      case recordField.auth:
        // Its key comes behind that of the username.
        if (reader.int() !== authKinds.none && username !== undefined) add('username', termOfBytes(username))
        break
      case recordField.thumbprint:
        add('kid', termOfBytes(reader.bytes()))
        break
      case recordField.outcome:
        addWord('outcome', outcomeTerms[reader.int()], add)
        break
      case recordField.kind:
        addWord('kind', kindTerms[reader.int()], add)
        break
      default:
        reader.skip()
    }
  }
}

function addWord(
  field: 'outcome' | 'kind',
  term: Term | undefined,
  add: (field: IndexedField, term: Term) => void,
): void {
  if (term !== undefined) add(field, term)
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

export function lookupKind(kind: RecordKind): Lookup {
  return exactly('kind', kind)
}

/** @param kid thumbprint, or the beginning of one */
export function lookupKid(kid: Uint8Array): Lookup {
  return { field: 'kid', prefix: termOfBytes(kid), accepts: () => true }
}

function exactly(field: IndexedField, wanted: Term): Lookup {
  return { field, prefix: wanted, accepts: (term) => term === wanted }
}
