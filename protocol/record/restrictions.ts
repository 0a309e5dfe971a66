import type { CborValue } from '../cbor/index.ts'
import { ProtocolError } from '../errors.ts'
import { isValidTopicFilter } from '../topics/index.ts'
import { withoutUndefined } from '../without-undefined.ts'

/** What a key may do. Absent members restrict nothing. In JSON it has the same members. */
export interface KeyRestrictions {
  /** Patterns of client ids that may use the key; `*` stands for any run of characters. */
  readonly clients?: readonly string[]
  /** Patterns of usernames; only proven ones count. */
  readonly users?: readonly string[]
  /** Topic filters that the key may sign for. */
  readonly topics?: readonly string[]
  /** The signer has no clock: its signed time says nothing. */
  readonly clock?: 'none'
  /** Sequence numbers of its replay window. */
  readonly window?: number
  /** Its sessions may carry what other keys signed. */
  readonly gateway?: true
}

/** Bounds of a replay window that a key may be given. */
export const smallestWindow = 64
export const largestWindow = 65_536

/** Patterns or filters in one list, and characters of one. */
const maxEntries = 256
const maxEntryLength = 1024

const field = { clients: 1, users: 2, topics: 3, clock: 4, window: 5, gateway: 6 } as const
const noClock = 1

/**
 * What is wrong with restrictions, in words; undefined when nothing is. An empty list would be a key that may do
 * nothing: that is what a revocation is for.
 */
export function faultOfRestrictions(restrictions: KeyRestrictions): string | undefined {
  const { clients, users, topics, window } = restrictions
  for (const [name, list] of Object.entries({ clients, users, topics })) {
    if (list === undefined) continue
    if (list.length === 0 || list.length > maxEntries) return `${name}: 1 to ${maxEntries} entries`
    if (list.some((entry) => entry.length === 0 || entry.length > maxEntryLength)) {
      return `${name}: an entry has 1 to ${maxEntryLength} characters`
    }
    // Half of a surrogate pair would be another character in the chain than in memory.
    if (list.some((entry) => /\p{Surrogate}/u.test(entry))) return `${name}: text that UTF-8 cannot carry`
  }
  if (topics?.some((filter) => !isValidTopicFilter(filter))) return 'topics: not a topic filter'
  if (window !== undefined && !(Number.isInteger(window) && window >= smallestWindow && window <= largestWindow)) {
    return `window: ${smallestWindow} to ${largestWindow}`
  }
  return undefined
}

/** The map of a key event: `{1: clients, 2: users, 3: topics, 4: 1, 5: window, 6: true}`, absent when not restricted. */
export function restrictionsToCbor(restrictions: KeyRestrictions): ReadonlyMap<number, CborValue> {
  const { clients, users, topics, clock, window, gateway } = restrictions
  const map = new Map<number, CborValue>()
  if (clients !== undefined) map.set(field.clients, clients)
  if (users !== undefined) map.set(field.users, users)
  if (topics !== undefined) map.set(field.topics, topics)
  if (clock !== undefined) map.set(field.clock, noClock)
  if (window !== undefined) map.set(field.window, window)
  if (gateway !== undefined) map.set(field.gateway, true)
  return map
}

/** Exact inverse of {@link restrictionsToCbor}. @throws {ProtocolError} ERR_RECORD_MALFORMED */
export function restrictionsFromCbor(value: CborValue): KeyRestrictions {
  if (!(value instanceof Map)) throw malformed('not a map')
  const known = new Set<unknown>(Object.values(field))
  for (const key of value.keys()) if (!known.has(key)) throw malformed(`member ${key}`)
  const window = value.get(field.window)
  if (window !== undefined && typeof window !== 'number') throw malformed('window')
  const restrictions: KeyRestrictions = withoutUndefined({
    clients: texts(value.get(field.clients)),
    users: texts(value.get(field.users)),
    topics: texts(value.get(field.topics)),
    clock: only(value.get(field.clock), noClock, 'none' as const),
    window,
    gateway: only(value.get(field.gateway), true, true as const),
  })
  const fault = faultOfRestrictions(restrictions)
  if (fault !== undefined) throw malformed(fault)
  return restrictions
}

/** True when both say the same. The order of patterns counts: another order is another text in the configuration. */
export function areSameRestrictions(a: KeyRestrictions, b: KeyRestrictions): boolean {
  const same = (one: readonly string[] | undefined, other: readonly string[] | undefined) =>
    one?.length === other?.length && (one ?? []).every((entry, i) => entry === other?.[i])
  return (
    same(a.clients, b.clients) &&
    same(a.users, b.users) &&
    same(a.topics, b.topics) &&
    a.clock === b.clock &&
    a.window === b.window &&
    a.gateway === b.gateway
  )
}

function texts(value: CborValue | undefined): readonly string[] | undefined {
  if (value === undefined) return undefined
  if (!Array.isArray(value)) throw malformed('not a list')
  return value.map((entry: CborValue) => {
    if (typeof entry !== 'string') throw malformed('not a list of text')
    return entry
  })
}

function only<T>(value: CborValue | undefined, expected: CborValue, means: T): T | undefined {
  if (value === undefined) return undefined
  if (value !== expected) throw malformed('unknown value')
  return means
}

function malformed(what: string): ProtocolError {
  return new ProtocolError('ERR_RECORD_MALFORMED', `not the restrictions of a key: ${what}`)
}
