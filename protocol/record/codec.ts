import { CborReader, type CborValue, CborWriter, readMap, writeValue } from '../cbor/index.ts'
import { ProtocolError } from '../errors.ts'
import { type ChainRecord, type QoS, recordVersion } from './record.ts'
import { authKinds, outcomes, recordKinds, wordOf } from './vocabulary.ts'

/** Integer keys of the record map; 18 (hop MAC) and 19 (stored topic) are reserved and not written by this version. */
const field = {
  version: 0,
  kind: 1,
  timeMs: 2,
  topic: 3,
  clientId: 4,
  username: 5,
  auth: 6,
  listener: 7,
  qos: 8,
  retain: 9,
  payloadSha256: 10,
  payloadSize: 11,
  outcome: 12,
  thumbprint: 13,
  seq: 14,
  signedTimeMs: 15,
  contentDigest: 16,
  envelope: 17,
  properties: 20,
  detail: 21,
} as const

const sha256Bytes = 32

/** Encodes a record: a map with integer keys in ascending order, absent fields left out. */
export function encodeRecord(record: ChainRecord): Uint8Array {
  return writeRecord(new CborWriter(320 + (record.topic?.length ?? 0)), record).finish()
}

/** The same, behind what the writer holds already. */
export function writeRecord(writer: CborWriter, record: ChainRecord): CborWriter {
  let pairs = 3
  for (const key of optionalFields) if (record[key] !== undefined) pairs++
  writer.map(pairs).int(field.version).int(recordVersion).int(field.kind).int(recordKinds[record.kind])
  writer.int(field.timeMs).int(record.timeMs)
  if (record.topic !== undefined) writer.int(field.topic).text(record.topic)
  if (record.clientId !== undefined) writer.int(field.clientId).text(record.clientId)
  if (record.username !== undefined) writer.int(field.username).text(record.username)
  if (record.auth !== undefined) writer.int(field.auth).int(authKinds[record.auth])
  if (record.listener !== undefined) writer.int(field.listener).text(record.listener)
  if (record.qos !== undefined) writer.int(field.qos).int(record.qos)
  if (record.retain !== undefined) writer.int(field.retain).bool(record.retain)
  if (record.payloadSha256 !== undefined) writer.int(field.payloadSha256).bytes(record.payloadSha256)
  if (record.payloadSize !== undefined) writer.int(field.payloadSize).int(record.payloadSize)
  if (record.outcome !== undefined) writer.int(field.outcome).int(outcomes[record.outcome])
  if (record.thumbprint !== undefined) writer.int(field.thumbprint).bytes(record.thumbprint)
  if (record.seq !== undefined) writer.int(field.seq).int(record.seq)
  if (record.signedTimeMs !== undefined) writer.int(field.signedTimeMs).int(record.signedTimeMs)
  if (record.contentDigest !== undefined) writer.int(field.contentDigest).bytes(record.contentDigest)
  if (record.envelope !== undefined) writer.int(field.envelope).bytes(record.envelope)
  if (record.properties !== undefined) writeValue(writer.int(field.properties), record.properties)
  if (record.detail !== undefined) writeValue(writer.int(field.detail), record.detail)
  return writer
}

const optionalFields = [
  'topic',
  'clientId',
  'username',
  'auth',
  'listener',
  'qos',
  'retain',
  'payloadSha256',
  'payloadSize',
  'outcome',
  'thumbprint',
  'seq',
  'signedTimeMs',
  'contentDigest',
  'envelope',
  'properties',
  'detail',
] as const satisfies readonly Exclude<keyof ChainRecord, 'kind' | 'timeMs'>[]

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * Decodes a record; exact inverse of {@link encodeRecord}. Byte strings are views into the input.
 * @throws {ProtocolError} ERR_CBOR_*, ERR_RECORD_MALFORMED
 */
export function decodeRecord(encoded: Uint8Array): ChainRecord {
  const reader = new CborReader(encoded)
  const pairs = reader.map()
  if (pairs < 3 || reader.int() !== field.version || reader.int() !== recordVersion) throw malformed('version')
  if (reader.int() !== field.kind) throw malformed('kind')
  const kind = wordOf(recordKinds, reader.int())
  if (kind === undefined) throw malformed('kind')
  if (reader.int() !== field.timeMs) throw malformed('time')
  const record: Mutable<ChainRecord> = { kind, timeMs: reader.uint() }
  let previous: number = field.timeMs
  for (let left = pairs - 3; left > 0; left--) {
    const key = reader.int()
    if (key <= previous) throw malformed('field order')
    previous = key
    readField(record, key, reader)
  }
  reader.end()
  return record
}

function readField(record: Mutable<ChainRecord>, key: number, reader: CborReader): void {
  switch (key) {
    case field.topic:
      record.topic = reader.text()
      return
    case field.clientId:
      record.clientId = reader.text()
      return
    case field.username:
      record.username = reader.text()
      return
    case field.auth:
      record.auth = known(wordOf(authKinds, reader.int()), 'auth')
      return
    case field.listener:
      record.listener = reader.text()
      return
    case field.qos:
      record.qos = qosOf(reader.int())
      return
    case field.retain:
      record.retain = reader.bool()
      return
    case field.payloadSha256:
      record.payloadSha256 = reader.bytes(sha256Bytes)
      return
    case field.payloadSize:
      record.payloadSize = reader.uint()
      return
    case field.outcome:
      record.outcome = known(wordOf(outcomes, reader.int()), 'outcome')
      return
    case field.thumbprint:
      record.thumbprint = reader.bytes(sha256Bytes)
      return
    case field.seq:
      record.seq = reader.uint()
      return
    case field.signedTimeMs:
      record.signedTimeMs = reader.uint()
      return
    case field.contentDigest:
      record.contentDigest = reader.bytes(sha256Bytes)
      return
    case field.envelope:
      record.envelope = reader.bytes()
      return
    case field.properties:
      record.properties = integerKeyed(readMap(reader, 1))
      return
    case field.detail:
      record.detail = integerKeyed(readMap(reader, 1))
      return
    default:
      throw malformed(`field ${key}`)
  }
}

function qosOf(value: number): QoS {
  if (value !== 0 && value !== 1 && value !== 2) throw malformed('qos')
  return value
}

function integerKeyed(map: ReadonlyMap<number | string, CborValue>): ReadonlyMap<number, CborValue> {
  for (const key of map.keys()) if (typeof key !== 'number') throw malformed('text key')
  return map as ReadonlyMap<number, CborValue>
}

function known<Word>(word: Word | undefined, name: string): Word {
  if (word === undefined) throw malformed(name)
  return word
}

function malformed(what: string): ProtocolError {
  return new ProtocolError('ERR_RECORD_MALFORMED', `not a record of version ${recordVersion}: ${what}`)
}
