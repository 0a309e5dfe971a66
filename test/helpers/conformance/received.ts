// What a server sends, read strictly: whatever the standard forbids a server to send is an error here, so that every
// test finds it, whatever it is about.
import { packetType } from '../mqtt-bytes.ts'
import { ByteReader } from './byte-reader.ts'
import { type Property, readProperties } from './properties.ts'

export type ProtocolLevel = 4 | 5

const names = { ...packetType, auth: 15 } as const
export type PacketName = keyof typeof names

/** Fields that a packet does not have are empty. */
export interface Received {
  readonly type: PacketName
  /** Of the whole packet, in bytes. */
  readonly size: number
  readonly packetId: number
  /** Return or reason code; 0 when it was left out. */
  readonly reasonCode: number
  /** Of SUBACK and UNSUBACK. */
  readonly reasonCodes: readonly number[]
  readonly sessionPresent: boolean
  readonly topicName: string
  readonly payload: Buffer
  readonly qos: number
  readonly dup: boolean
  readonly retain: boolean
  readonly properties: readonly Property[]
}

const empty = {
  packetId: 0,
  reasonCode: 0,
  reasonCodes: [],
  sessionPresent: false,
  topicName: '',
  payload: Buffer.alloc(0),
  qos: 0,
  dup: false,
  retain: false,
  properties: [],
}

const acknowledgementCodes = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]
/** [MQTT-5.0 2.4], as far as a server may send them. */
const reasonCodes: Readonly<Partial<Record<PacketName, readonly number[]>>> = {
  connack: [
    0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97, 0x99, 0x9a, 0x9b,
    0x9c, 0x9d, 0x9f,
  ],
  puback: acknowledgementCodes,
  pubrec: acknowledgementCodes,
  pubrel: [0x00, 0x92],
  pubcomp: [0x00, 0x92],
  suback: [0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2],
  unsuback: [0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91],
  disconnect: [
    0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
    0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
  ],
  auth: [0x00, 0x18],
}

/**
 * One packet of a server.
 * @throws {Error} when no server may send it
 */
export function readReceived(first: number, body: Buffer, size: number, level: ProtocolLevel): Received {
  const type = (Object.keys(names) as PacketName[]).find((name) => names[name] === first >> 4)
  if (type === undefined) throw new Error(`a packet of type ${first >> 4}`)
  const reader = new ByteReader(body)
  const fields =
    type === 'publish' ? readPublish(first & 15, reader, level) : readOther(type, first & 15, reader, level)
  if (reader.left > 0) throw new Error(`${type} with ${reader.left} bytes after its end`)
  const received = { ...empty, ...fields, type, size }
  for (const code of [received.reasonCode, ...received.reasonCodes]) assertCode(type, code, level)
  return received
}

function readPublish(flags: number, reader: ByteReader, level: ProtocolLevel): Partial<Received> {
  const qos = (flags >> 1) & 3
  const dup = (flags & 8) !== 0
  if (qos === 3) throw new Error('PUBLISH with QoS 3')
  if (qos === 0 && dup) throw new Error('PUBLISH with QoS 0 and DUP')
  const topicName = reader.text()
  if (/[+#]/.test(topicName)) throw new Error('PUBLISH to a topic with a wildcard')
  const packetId = qos === 0 ? 0 : readPacketId(reader)
  const properties = level === 5 ? readProperties(reader, 'publish') : []
  if (topicName === '' && !properties.some(([name]) => name === 'topicAlias')) throw new Error('PUBLISH without topic')
  return { qos, dup, retain: (flags & 1) !== 0, topicName, packetId, properties, payload: reader.bytes(reader.left) }
}

function readOther(type: PacketName, flags: number, reader: ByteReader, level: ProtocolLevel): Partial<Received> {
  if (flags !== (type === 'pubrel' ? 2 : 0)) throw new Error(`${type} with flags ${flags}`)
  if (type === 'pingresp') return {}
  if (type === 'connack') {
    const acknowledgeFlags = reader.byte()
    if (acknowledgeFlags > 1) throw new Error(`CONNACK with flags ${acknowledgeFlags}`)
    const reasonCode = reader.byte()
    // A level that the server does not know is refused in the form of MQTT 3.
    const properties = level === 5 && reader.left > 0 ? readProperties(reader, type) : []
    return { sessionPresent: acknowledgeFlags === 1, reasonCode, properties }
  }
  if (type === 'disconnect' || type === 'auth') {
    if (level < 5) throw new Error(`${type} from a server of MQTT 3`)
    return readReason(type, reader, level)
  }
  if (type === 'puback' || type === 'pubrec' || type === 'pubrel' || type === 'pubcomp')
    return { packetId: readPacketId(reader), ...readReason(type, reader, level) }
  if (type === 'suback' || type === 'unsuback') {
    const packetId = readPacketId(reader)
    const properties = level === 5 ? readProperties(reader, type) : []
    return { packetId, properties, reasonCodes: [...reader.bytes(reader.left)] }
  }
  throw new Error(`${type} from a server`)
}

function readPacketId(reader: ByteReader): number {
  const packetId = reader.twoBytes()
  if (packetId === 0) throw new Error('Packet Identifier 0')
  return packetId
}

/** Reason code and properties, both of which may be left out at the end. */
function readReason(type: PacketName, reader: ByteReader, level: ProtocolLevel): Partial<Received> {
  if (level < 5 || reader.left === 0) return {}
  const reasonCode = reader.byte()
  return { reasonCode, properties: reader.left > 0 ? readProperties(reader, type) : [] }
}

function assertCode(type: PacketName, code: number, level: ProtocolLevel): void {
  const inMqtt3 = type === 'connack' ? [0, 1, 2, 3, 4, 5] : type === 'suback' ? [0, 1, 2, 0x80] : [0]
  // 0x01 as above: in the form of MQTT 3, to a level that is not known.
  const allowed = level === 5 && !(type === 'connack' && code === 1) ? reasonCodes[type] : inMqtt3
  if (allowed !== undefined && !allowed.includes(code)) throw new Error(`${type} with code ${code}`)
}
