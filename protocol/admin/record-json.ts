import { isBodyErased } from '../block/index.ts'
import { toBase64url } from '../bytes.ts'
import type {
  AuthKind,
  ChainRecord,
  ConfigOccasion,
  DamageCause,
  Erasable,
  IndexRange,
  KeyEvent,
  KeyRestrictions,
  Outcome,
  RecordKind,
} from '../record/index.ts'
import { decodeLeaf } from '../record/index.ts'
import { withoutUndefined } from '../without-undefined.ts'
import { detailToJson } from './detail-json.ts'
import type { Includable } from './methods.ts'
import { timeText } from './time-text.ts'

/** A record as JSON: bytes as base64url, times as RFC 3339. */
export interface RecordJson {
  readonly index: number
  readonly time: string
  /** Absent when the record was erased: what is left says nothing about it. */
  readonly kind?: RecordKind
  /** What of it was erased: its payload, or the record with it. */
  readonly erased?: 'body' | 'record'
  /** Erasure record that says so, and why; for administrators, where one record is asked for. */
  readonly erasedBy?: { readonly index: number; readonly reason: string }
  readonly topic?: string
  readonly clientId?: string
  readonly username?: string
  readonly auth?: AuthKind
  readonly listener?: string
  readonly qos?: number
  readonly retain?: boolean
  readonly outcome?: Outcome
  /** Topic under which it was stored and delivered, when that is another. */
  readonly storedTopic?: string
  /** Whether a hop MAC was checked. */
  readonly mac?: boolean
  /** 32-byte thumbprint. */
  readonly kid?: string
  /** Name under which the key was enrolled. */
  readonly subject?: string
  readonly seq?: number
  readonly signedTime?: string
  readonly payloadSha256?: string
  readonly size?: number
  /** What a key event changes: enroll, revoke, restrict, retire, broker-key, log-key. */
  readonly action?: KeyEvent['action']
  readonly reason?: string
  readonly restrictions?: KeyRestrictions
  /** Whether a proof of possession was given. */
  readonly proof?: boolean
  readonly replaces?: string
  /** Last index at which a retired key is valid; last one of a damage. */
  readonly lastIndex?: number
  /** Session id and end of a session that was agreed. */
  readonly sid?: string
  readonly expiry?: string
  /** SHA-256 of a configuration, and when it came into force. */
  readonly configuration?: string
  readonly occasion?: ConfigOccasion
  /** The record whose sequence number was used again, and its topic. */
  readonly acceptedIndex?: number
  readonly acceptedTopic?: string
  /** What an erasure record takes from which indexes, and the highest numbers that its keys lose. */
  readonly what?: Erasable
  readonly ranges?: readonly IndexRange[]
  readonly erasedSeqs?: readonly { readonly kid: string; readonly highest: number }[]
  /** Both envelopes, when envelopes were asked for. */
  readonly acceptedEnvelope?: string
  readonly refusedEnvelope?: string
  /** What of the store was found damaged: which records it concerns, and how. */
  readonly firstIndex?: number
  readonly cause?: DamageCause
  /** The tile of the tree that was damaged, and whether it was made again. */
  readonly tile?: { readonly level: number; readonly index: number; readonly repaired: boolean }
  /** How many keys a recovery names with the numbers that they had used. */
  readonly keys?: number
  readonly payload?: string
  readonly envelope?: string
  readonly record?: string
  readonly salt?: string
  readonly leaf?: string
}

/** What a record is shown from. */
export interface RecordSource {
  readonly index: number
  readonly record: ChainRecord
  readonly encodedRecord: Uint8Array
  readonly body: Uint8Array | undefined
  readonly salt: Uint8Array
  readonly leaf: Uint8Array
  /** Name of the signer's key. */
  readonly subject: string | undefined
}

/** What is left of a record that was erased: its place, its time, and the leaf that proves both. */
export function erasedRecordToJson(index: number, leaf: Uint8Array, include: ReadonlySet<Includable>): RecordJson {
  const time = new Date(decodeLeaf(leaf).timeMs).toISOString()
  const base = { index, time, erased: 'record' } as const
  return include.has('leaf') ? { ...base, leaf: toBase64url(leaf) } : base
}

/** @param include which byte strings to add */
export function recordToJson(source: RecordSource, include: ReadonlySet<Includable>): RecordJson {
  const { record } = source
  const isPublish = record.kind === 'publish'
  const { index } = source
  const { kind } = record
  const time = new Date(record.timeMs).toISOString()
  const rest = withoutUndefined({
    topic: record.topic,
    clientId: record.clientId,
    username: record.username,
    auth: record.auth,
    listener: record.listener,
    qos: record.qos,
    retain: record.retain,
    outcome: record.outcome,
    storedTopic: record.storedTopic,
    mac: isPublish ? record.mac !== undefined : undefined,
    kid: base64urlOrNothing(record.thumbprint),
    subject: source.subject,
    seq: record.seq,
    signedTime: timeText(record.signedTimeMs),
    erased: isBodyErased(record, source.body) ? ('body' as const) : undefined,
    payloadSha256: base64urlOrNothing(record.payloadSha256),
    size: record.payloadSize,
    payload: include.has('payload') ? base64urlOrNothing(source.body) : undefined,
    envelope: include.has('envelope') ? base64urlOrNothing(record.envelope) : undefined,
    record: include.has('record') ? toBase64url(source.encodedRecord) : undefined,
    salt: include.has('salt') ? toBase64url(source.salt) : undefined,
    ...detailToJson(record, include),
    leaf: include.has('leaf') ? toBase64url(source.leaf) : undefined,
  })
  return { index, time, kind, ...rest }
}

function base64urlOrNothing(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : toBase64url(bytes)
}
