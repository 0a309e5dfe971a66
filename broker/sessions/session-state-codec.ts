import { CborReader, CborWriter } from '../../protocol/index.ts'
import type { SubscriptionOptions } from '../router/index.ts'

const version = 1
/** Of the state of a session: 1 did not say whose it is. */
const stateVersion = 2

/** What is stored of a session beside its queue and subscriptions. */
export interface SessionState {
  /** Session Expiry Interval in seconds; 0xFFFFFFFF never. */
  readonly expiryIntervalSeconds: number
  /** When its connection ended, milliseconds since 1970; undefined while it is connected. */
  readonly disconnectedAtMs: number | undefined
  /** Queue entries from this number on were never sent; of a connected session it is unknown. */
  readonly sentUpTo: number
  /** Name that its client gave, and the listener it came in by. */
  readonly username: string | undefined
  readonly listener: string | undefined
}

/** CBOR `[2, expiry, disconnected / nil, sent up to, username / nil, listener / nil]`. */
export function encodeSessionState(state: SessionState): Uint8Array {
  const { expiryIntervalSeconds, disconnectedAtMs, sentUpTo, username, listener } = state
  const writer = new CborWriter(64).array(6).int(stateVersion).int(expiryIntervalSeconds)
  if (disconnectedAtMs === undefined) writer.nil()
  else writer.int(disconnectedAtMs)
  return writer.int(sentUpTo).textOrNil(username).textOrNil(listener).finish()
}

/** @throws {ProtocolError} ERR_CBOR_*; {RangeError} on another version */
export function decodeSessionState(encoded: Uint8Array): SessionState {
  const reader = new CborReader(encoded)
  const items = reader.array()
  const found = reader.uint()
  if (!(found === 1 && items === 4) && !(found === stateVersion && items === 6)) throw anotherVersion()
  const expiryIntervalSeconds = reader.uint()
  let disconnectedAtMs: number | undefined
  if (reader.isNil()) reader.nil()
  else disconnectedAtMs = reader.uint()
  const sentUpTo = reader.uint()
  const username = found === 1 ? undefined : reader.textOrNil()
  const listener = found === 1 ? undefined : reader.textOrNil()
  reader.end()
  return { expiryIntervalSeconds, disconnectedAtMs, sentUpTo, username, listener }
}

export type StoredSubscription = SubscriptionOptions

/** Bits of the options byte, as in SUBSCRIBE. [MQTT-5.0 3.8.3.1] */
const noLocalBit = 4
const retainAsPublishedBit = 8
const retainHandlingShift = 4

/** CBOR `[1, options byte, subscription identifier / nil]`. */
export function encodeSubscription(options: StoredSubscription): Uint8Array {
  const flags =
    options.qos |
    (options.noLocal ? noLocalBit : 0) |
    (options.retainAsPublished ? retainAsPublishedBit : 0) |
    (options.retainHandling << retainHandlingShift)
  const writer = new CborWriter(16).array(3).int(version).int(flags)
  if (options.subscriptionIdentifier === undefined) writer.nil()
  else writer.int(options.subscriptionIdentifier)
  return writer.finish()
}

/** @throws {ProtocolError} ERR_CBOR_*; {RangeError} on another version */
export function decodeSubscription(encoded: Uint8Array): StoredSubscription {
  const reader = open(encoded, 3)
  const flags = reader.uint()
  let subscriptionIdentifier: number | undefined
  if (reader.isNil()) reader.nil()
  else subscriptionIdentifier = reader.uint()
  reader.end()
  return {
    qos: (flags & 3) as 0 | 1 | 2,
    noLocal: (flags & noLocalBit) !== 0,
    retainAsPublished: (flags & retainAsPublishedBit) !== 0,
    retainHandling: ((flags >> retainHandlingShift) & 3) as 0 | 1 | 2,
    subscriptionIdentifier,
  }
}

function open(encoded: Uint8Array, items: number): CborReader {
  const reader = new CborReader(encoded)
  reader.array(items)
  if (reader.uint() !== version) throw anotherVersion()
  return reader
}

function anotherVersion(): RangeError {
  return new RangeError('session data written by another version')
}
