import { CborReader, type CborValue, CborWriter, majorType, readMap, writeValue } from '../cbor/index.ts'
import { ProtocolError } from '../errors.ts'
import { type ChainRecord, type QoS, type RecordedMac, recordVersion } from './record.ts'
import { authKinds, outcomes, recordKinds, wordOf } from './vocabulary.ts'

/** Integer keys of the record map. */
export const recordField = {
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
  mac: 18,
  storedTopic: 19,
  properties: 20,
  detail: 21,
} as const

const sha256Bytes = 32
const sidBytes = 8

/** Encodes a record: a map with integer keys in ascending order, absent fields left out. */
export function encodeRecord(record: ChainRecord): Uint8Array {
  return writeRecord(new CborWriter(320 + (record.topic?.length ?? 0)), record).finish()
}

/**
 * The same, behind what the writer holds already.
 * @param payloadSha256 in place of the one that the record does not have
 */
export function writeRecord(writer: CborWriter, record: ChainRecord, payloadSha256 = record.payloadSha256): CborWriter {
  // The pairs are counted as they are written; there are too few of them for a head of more than one byte.
  const headAt = writer.length
  writer.skip(1).int(recordField.version).int(recordVersion).int(recordField.kind).int(recordKinds[record.kind])
  writer.int(recordField.timeMs).int(record.timeMs)
  let pairs = 3
  pairs += writeText(writer, recordField.topic, record.topic)
  pairs += writeText(writer, recordField.clientId, record.clientId)
  pairs += writeText(writer, recordField.username, record.username)
  pairs += writeInt(writer, recordField.auth, record.auth && authKinds[record.auth])
  pairs += writeText(writer, recordField.listener, record.listener)
  pairs += writeInt(writer, recordField.qos, record.qos)
  if (record.retain !== undefined) {
    writer.int(recordField.retain).bool(record.retain)
    pairs++
  }
  pairs += writeBytes(writer, recordField.payloadSha256, payloadSha256)
  pairs += writeInt(writer, recordField.payloadSize, record.payloadSize)
  pairs += writeInt(writer, recordField.outcome, record.outcome && outcomes[record.outcome])
  pairs += writeBytes(writer, recordField.thumbprint, record.thumbprint)
  pairs += writeInt(writer, recordField.seq, record.seq)
  pairs += writeInt(writer, recordField.signedTimeMs, record.signedTimeMs)
  pairs += writeBytes(writer, recordField.contentDigest, record.contentDigest)
  pairs += writeBytes(writer, recordField.envelope, record.envelope)
  if (record.mac !== undefined) {
    writer.int(recordField.mac).array(3).bytes(record.mac.sid).bytes(record.mac.tag).bytes(record.mac.sessionThumbprint)
    pairs++
  }
  pairs += writeText(writer, recordField.storedTopic, record.storedTopic)
  pairs += writeMap(writer, recordField.properties, record.properties)
  pairs += writeMap(writer, recordField.detail, record.detail)
  return writer.patchHead(headAt, majorType.map, pairs)
}

// A field with its key: how many pairs that makes.

function writeText(writer: CborWriter, key: number, value: string | undefined): number {
  if (value === undefined) return 0
  writer.int(key).text(value)
  return 1
}

function writeInt(writer: CborWriter, key: number, value: number | undefined): number {
  if (value === undefined) return 0
  writer.int(key).int(value)
  return 1
}

function writeBytes(writer: CborWriter, key: number, value: Uint8Array | undefined): number {
  if (value === undefined) return 0
  writer.int(key).bytes(value)
  return 1
}

function writeMap(writer: CborWriter, key: number, value: ReadonlyMap<number, CborValue> | undefined): number {
  if (value === undefined) return 0
  writeValue(writer.int(key), value)
  return 1
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * Decodes a record; exact inverse of {@link encodeRecord}. Byte strings are views into the input.
 * @throws {ProtocolError} ERR_CBOR_*, ERR_RECORD_MALFORMED
 */
export function decodeRecord(encoded: Uint8Array): ChainRecord {
  const reader = new CborReader(encoded)
  const pairs = reader.map()
  if (pairs < 3 || reader.int() !== recordField.version || reader.int() !== recordVersion) throw malformed('version')
  if (reader.int() !== recordField.kind) throw malformed('kind')
  const kind = wordOf(recordKinds, reader.int())
  if (kind === undefined) throw malformed('kind')
  if (reader.int() !== recordField.timeMs) throw malformed('time')
  const record: Mutable<ChainRecord> = { kind, timeMs: reader.uint() }
  let previous: number = recordField.timeMs
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
    case recordField.topic:
      record.topic = reader.text()
      return
    case recordField.clientId:
      record.clientId = reader.text()
      return
    case recordField.username:
      record.username = reader.text()
      return
    case recordField.auth:
      record.auth = known(wordOf(authKinds, reader.int()), 'auth')
      return
    case recordField.listener:
      record.listener = reader.text()
      return
    case recordField.qos:
      record.qos = qosOf(reader.int())
      return
    case recordField.retain:
      record.retain = reader.bool()
      return
    case recordField.payloadSha256:
      record.payloadSha256 = reader.bytes(sha256Bytes)
      return
    case recordField.payloadSize:
      record.payloadSize = reader.uint()
      return
    case recordField.outcome:
      record.outcome = known(wordOf(outcomes, reader.int()), 'outcome')
      return
    case recordField.thumbprint:
      record.thumbprint = reader.bytes(sha256Bytes)
      return
    case recordField.seq:
      record.seq = reader.uint()
      return
    case recordField.signedTimeMs:
      record.signedTimeMs = reader.uint()
      return
    case recordField.contentDigest:
      record.contentDigest = reader.bytes(sha256Bytes)
      return
    case recordField.envelope:
      record.envelope = reader.bytes()
      return
    case recordField.mac:
      record.mac = readMac(reader)
      return
    case recordField.storedTopic:
      record.storedTopic = reader.text()
      return
    case recordField.properties:
      record.properties = integerKeyed(readMap(reader, 1))
      return
    case recordField.detail:
      record.detail = integerKeyed(readMap(reader, 1))
      return
    default:
      throw malformed(`field ${key}`)
  }
}

function readMac(reader: CborReader): RecordedMac {
  reader.array(3)
  return {
    sid: reader.bytes(sidBytes),
    tag: reader.bytes(sha256Bytes),
    sessionThumbprint: reader.bytes(sha256Bytes),
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
