// What a client sends, right or wrong.
import { type MqttText, mqttText, packet } from '../mqtt-bytes.ts'
import { encodeProperties, type Property } from './properties.ts'
import type { ProtocolLevel } from './received.ts'

export interface Will {
  readonly topic: MqttText
  readonly payload: MqttText
  readonly qos?: number
  readonly retain?: boolean
  readonly properties?: readonly Property[]
}

export interface ConnectFields {
  readonly clientId?: MqttText
  /** Default 4, MQTT 3.1.1. */
  readonly level?: number
  readonly protocolName?: string
  /** Clean Session or Clean Start. Default true. */
  readonly clean?: boolean
  readonly keepAliveSeconds?: number
  readonly will?: Will
  readonly username?: MqttText
  readonly password?: MqttText
  readonly properties?: readonly Property[]
  /** Bits of the connect flags to turn over, to make them wrong. */
  readonly wrongFlags?: number
}

export function connectBytes(fields: ConnectFields): Buffer {
  const { level = 4, protocolName = 'MQTT', clean = true, keepAliveSeconds = 0, will } = fields
  const withProperties = (properties: readonly Property[] = []) =>
    level === 5 ? encodeProperties(properties) : Buffer.alloc(0)
  const willFlags = will === undefined ? 0 : 4 | ((will.qos ?? 0) << 3) | (will.retain ? 32 : 0)
  const loginFlags = (fields.username === undefined ? 0 : 128) | (fields.password === undefined ? 0 : 64)
  const flags = ((clean ? 2 : 0) | willFlags | loginFlags) ^ (fields.wrongFlags ?? 0)
  return packet(
    0x10,
    mqttText(protocolName),
    Buffer.from([level, flags]),
    twoBytes(keepAliveSeconds),
    withProperties(fields.properties),
    mqttText(fields.clientId ?? ''),
    ...(will === undefined ? [] : [withProperties(will.properties), mqttText(will.topic), mqttText(will.payload)]),
    ...(fields.username === undefined ? [] : [mqttText(fields.username)]),
    ...(fields.password === undefined ? [] : [mqttText(fields.password)]),
  )
}

/** Of a CONNECT whose session outlives its connection, and that resumes one. */
export function persistent(level: ProtocolLevel, expirySeconds = 60): Pick<ConnectFields, 'clean' | 'properties'> {
  return { clean: false, properties: level === 5 ? [['sessionExpiryInterval', expirySeconds]] : [] }
}

export interface PublishFields {
  readonly topic: MqttText
  readonly payload?: string | Uint8Array
  readonly qos?: number
  readonly packetId?: number
  readonly dup?: boolean
  readonly retain?: boolean
  readonly properties?: readonly Property[]
}

export function publishBytes(level: ProtocolLevel, fields: PublishFields): Buffer {
  const { topic, payload = '', qos = 0, packetId = 1, dup = false, retain = false, properties = [] } = fields
  return packet(
    0x30 | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0),
    mqttText(topic),
    qos === 0 ? Buffer.alloc(0) : twoBytes(packetId),
    level === 5 ? encodeProperties(properties) : Buffer.alloc(0),
    Buffer.from(payload as string),
  )
}

/** A Topic Filter with its Requested QoS, or with all its options as MQTT 5 has them. */
export type Filter = readonly [filter: MqttText, options: number]

export function subscribeBytes(
  level: ProtocolLevel,
  packetId: number,
  filters: readonly Filter[],
  properties: readonly Property[] = [],
): Buffer {
  const head = level === 5 ? encodeProperties(properties) : Buffer.alloc(0)
  const entries = filters.flatMap(([filter, options]) => [mqttText(filter), Buffer.from([options])])
  return packet(0x82, twoBytes(packetId), head, ...entries)
}

export function unsubscribeBytes(
  level: ProtocolLevel,
  packetId: number,
  filters: readonly MqttText[],
  properties: readonly Property[] = [],
): Buffer {
  const head = level === 5 ? encodeProperties(properties) : Buffer.alloc(0)
  return packet(0xa2, twoBytes(packetId), head, ...filters.map(mqttText))
}

const acknowledgementFirstBytes = { puback: 0x40, pubrec: 0x50, pubrel: 0x62, pubcomp: 0x70 } as const
export type AcknowledgementName = keyof typeof acknowledgementFirstBytes

/** A reason code other than 0 exists in MQTT 5 only. */
export function acknowledgementBytes(type: AcknowledgementName, packetId: number, reasonCode = 0): Buffer {
  const reason = reasonCode === 0 ? Buffer.alloc(0) : Buffer.from([reasonCode])
  return packet(acknowledgementFirstBytes[type], twoBytes(packetId), reason)
}

/** With properties also the reason code is written. */
export function disconnectBytes(reasonCode = 0, properties: readonly Property[] = []): Buffer {
  if (reasonCode === 0 && properties.length === 0) return packet(0xe0)
  return packet(
    0xe0,
    Buffer.from([reasonCode]),
    properties.length === 0 ? Buffer.alloc(0) : encodeProperties(properties),
  )
}

export const pingBytes = packet(0xc0)

export function authBytes(reasonCode: number, properties: readonly Property[]): Buffer {
  return packet(0xf0, Buffer.from([reasonCode]), encodeProperties(properties))
}

export function twoBytes(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff])
}
