import type { Publisher } from '../../plugins/index.ts'
import {
  type AuthKind,
  authKinds,
  CborReader,
  type CborValue,
  CborWriter,
  readValue,
  recordProperties,
  writeValue,
} from '../../protocol/index.ts'
import type { MessageProperties, QoS, Will } from '../edge/index.ts'
import { isTlsListener } from '../listeners/listener-info.ts'
import { propertiesOfRecord } from './message.ts'

/** A will that waits for its connection to end, and whose it is. [MQTT-5.0 3.1.2.5] */
export interface StoredWill {
  /** Tells the wills of one client apart; part of the key. */
  readonly number: number
  readonly will: Will
  readonly publisher: Publisher
  /** When it is to be published, milliseconds since 1970; undefined while the connection lasts. */
  readonly dueAtMs: number | undefined
}

const version = 1

/** CBOR `[1, due / nil, delay, topic, payload, qos, retain, properties, client id, username / nil, auth, listener]`. */
export function encodeStoredWill({ will, publisher, dueAtMs }: StoredWill): Uint8Array {
  const writer = new CborWriter(128 + will.topic.length + will.payload.length).array(12).int(version)
  if (dueAtMs === undefined) writer.nil()
  else writer.int(dueAtMs)
  writer.int(will.delayIntervalSeconds).text(will.topic).bytes(will.payload).int(will.qos).bool(will.retain)
  writeValue(writer, recordProperties(will.properties) ?? new Map())
  writer.text(publisher.clientId).textOrNil(publisher.username)
  return writer.int(authKinds[publisher.auth]).text(publisher.listener).finish()
}

/** @throws {ProtocolError} ERR_CBOR_*; {RangeError} on another version */
export function decodeStoredWill(encoded: Uint8Array, number: number): StoredWill {
  const reader = new CborReader(encoded)
  reader.array(12)
  if (reader.uint() !== version) throw new RangeError('a will written by another version')
  let dueAtMs: number | undefined
  if (reader.isNil()) reader.nil()
  else dueAtMs = reader.uint()
  const delayIntervalSeconds = reader.uint()
  const topic = reader.text()
  const payload = Buffer.from(reader.bytes())
  const qos = reader.uint() as QoS
  const retain = reader.bool()
  const kept = readValue(reader) as ReadonlyMap<number, CborValue>
  const properties: MessageProperties | undefined = kept.size === 0 ? undefined : propertiesOfRecord(kept)
  const clientId = reader.text()
  const username = reader.textOrNil()
  const auth = authOf(reader.uint())
  const listener = reader.text()
  reader.end()
  const will = { topic, payload, qos, retain, properties, delayIntervalSeconds }
  return { number, will, publisher: { clientId, username, auth, listener, isTls: isTlsListener(listener) }, dueAtMs }
}

function authOf(value: number): AuthKind {
  for (const [kind, known] of Object.entries(authKinds)) if (known === value) return kind as AuthKind
  throw new RangeError('a will written by another version')
}
