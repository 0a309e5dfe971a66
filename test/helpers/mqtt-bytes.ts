// MQTT as bytes, written from the specification and from nothing else: what a broken or hostile client sends cannot be
// made with a client library.

/** Control packet types. [MQTT-3.1.1 2.2.1] */
export const packetType = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
} as const
export type PacketType = keyof typeof packetType

export type MqttVersion = 4 | 5

/** A string of MQTT, or bytes that claim to be one. */
export type MqttText = string | Uint8Array

export function mqttText(text: MqttText): Buffer {
  const bytes = Buffer.from(text as string)
  return Buffer.concat([twoBytes(bytes.length), bytes])
}

export function variableByteInteger(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  do {
    const low = rest & 0x7f
    rest >>>= 7
    bytes.push(rest > 0 ? low | 0x80 : low)
  } while (rest > 0)
  return Buffer.from(bytes)
}

/** A whole packet: fixed header, then the parts. */
export function packet(firstByte: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([firstByte]), variableByteInteger(body.length), body])
}

/** The property block of MQTT 5; nothing for 3.1.1. */
function propertyBlock(version: MqttVersion, properties: Uint8Array = Buffer.alloc(0)): Buffer {
  return version === 5 ? Buffer.concat([variableByteInteger(properties.length), properties]) : Buffer.alloc(0)
}

/** Property 38. */
export function userProperty(name: MqttText, value: MqttText): Buffer {
  return Buffer.concat([Buffer.from([38]), mqttText(name), mqttText(value)])
}

/** Property 17, seconds: the session outlives its connection. */
export function sessionExpiry(seconds: number): Buffer {
  const bytes = Buffer.from([17, 0, 0, 0, 0])
  bytes.writeUInt32BE(seconds, 1)
  return bytes
}

export interface ConnectFields {
  readonly clientId: MqttText
  readonly version?: MqttVersion
  /** Clean Session, or Clean Start. Default true. */
  readonly clean?: boolean
  readonly will?: { readonly topic: MqttText; readonly payload: MqttText; readonly qos?: number }
  /** Encoded properties of MQTT 5. */
  readonly properties?: Uint8Array
}

export function connectPacket(fields: ConnectFields): Buffer {
  const { clientId, version = 4, clean = true, will } = fields
  const flags = (clean ? 2 : 0) | (will === undefined ? 0 : 4 | ((will.qos ?? 0) << 3))
  const willParts = will === undefined ? [] : [propertyBlock(version), mqttText(will.topic), mqttText(will.payload)]
  const head = Buffer.concat([mqttText('MQTT'), Buffer.from([version, flags, 0, 0])])
  return packet(0x10, head, propertyBlock(version, fields.properties), mqttText(clientId), ...willParts)
}

export interface PublishFields {
  readonly topic: MqttText
  readonly payload: Uint8Array | string
  readonly qos?: 0 | 1 | 2
  readonly packetId?: number
  readonly dup?: boolean
  readonly retain?: boolean
  readonly version?: MqttVersion
  readonly properties?: Uint8Array
}

export function publishPacket(fields: PublishFields): Buffer {
  const { topic, payload, qos = 0, packetId = 1, dup = false, retain = false, version = 4 } = fields
  const firstByte = 0x30 | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0)
  const id = qos === 0 ? Buffer.alloc(0) : twoBytes(packetId)
  return packet(
    firstByte,
    mqttText(topic),
    id,
    propertyBlock(version, fields.properties),
    Buffer.from(payload as string),
  )
}

export function subscribePacket(packetId: number, filters: readonly MqttText[], qos = 0, version: MqttVersion = 4) {
  const entries = filters.flatMap((filter) => [mqttText(filter), Buffer.from([qos])])
  return packet(0x82, twoBytes(packetId), propertyBlock(version), ...entries)
}

export function unsubscribePacket(packetId: number, filters: readonly MqttText[], version: MqttVersion = 4): Buffer {
  return packet(0xa2, twoBytes(packetId), propertyBlock(version), ...filters.map(mqttText))
}

/** PUBACK, PUBREC, PUBREL or PUBCOMP without a reason code, which both versions understand. */
export function acknowledgement(type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp', packetId: number): Buffer {
  return packet((packetType[type] << 4) | (type === 'pubrel' ? 2 : 0), twoBytes(packetId))
}

export const pingPacket: Buffer = packet(packetType.pingreq << 4)
export const disconnectPacket: Buffer = packet(packetType.disconnect << 4)

function twoBytes(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff])
}

/** A packet as it arrived. */
export interface ReceivedPacket {
  readonly type: number
  readonly flags: number
  readonly body: Buffer
}

/** Cuts what arrives into packets. */
export class PacketSplitter {
  #rest: Buffer = Buffer.alloc(0)

  push(chunk: Buffer): ReceivedPacket[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const packets: ReceivedPacket[] = []
    let start = 0
    for (;;) {
      const end = this.#endOf(start)
      if (end === undefined) break
      const first = this.#rest[start] as number
      packets.push({ type: first >> 4, flags: first & 15, body: this.#rest.subarray(this.#bodyOf(start), end) })
      start = end
    }
    this.#rest = this.#rest.subarray(start)
    return packets
  }

  #bodyOf(start: number): number {
    let at = start + 1
    while ((this.#rest[at] as number) >= 0x80) at++
    return at + 1
  }

  /** Where the packet that begins at `start` ends; undefined while it is not whole. */
  #endOf(start: number): number | undefined {
    let length = 0
    let scale = 1
    for (let at = start + 1; at < this.#rest.length && at < start + 5; at++) {
      const byte = this.#rest[at] as number
      length += (byte & 0x7f) * scale
      scale *= 128
      if (byte < 0x80) return at + 1 + length <= this.#rest.length ? at + 1 + length : undefined
    }
    return undefined
  }
}
