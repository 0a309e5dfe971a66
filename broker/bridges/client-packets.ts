import { protocolError } from '../edge/errors.ts'
import {
  type Frame,
  MqttError,
  type ProtocolVersion,
  packetType,
  type QoS,
  type SubscriptionRequest,
} from '../edge/index.ts'
import { propertyId } from '../edge/property-ids.ts'
import { WireReader } from '../edge/wire-reader.ts'
import { WireWriter } from '../edge/wire-writer.ts'

/** The packets that only clients write and only servers read are in `edge/`; these are the others. */

/** Bit of the protocol version by which Mosquitto knows a bridge: no echo, retain flags as published. */
const privateBit = 0x80

export interface BridgeConnect {
  readonly version: ProtocolVersion
  /** Before MQTT 5: say that this is a bridge. */
  readonly isPrivate: boolean
  readonly clientId: string
  readonly cleanStart: boolean
  readonly keepAliveSeconds: number
  readonly username: string | undefined
  readonly password: string | undefined
  readonly will: { readonly topic: string; readonly payload: string; readonly qos: QoS } | undefined
  /** MQTT 5 only, as what follows; 65535: not said. */
  readonly receiveMaximum: number
}

/** Property identifiers that only servers send. [MQTT-5.0 2.2.2.2] */
const serverPropertyId = {
  wildcardSubscriptionAvailable: 0x28,
  subscriptionIdentifierAvailable: 0x29,
  sharedSubscriptionAvailable: 0x2a,
} as const

const neverExpires = 0xffff_ffff
const unlimited = 65_535

/**
 * Encodes a CONNECT; a will is retained. [MQTT-5.0 3.1], [MQTT-3.1.1 3.1]
 * @throws {MqttError} ERR_MQTT_STRING_TOO_LONG
 */
export function encodeBridgeConnect(connect: BridgeConnect): Buffer {
  const { version, isPrivate, clientId, cleanStart, keepAliveSeconds, username, password, will } = connect
  const willFlags = will === undefined ? 0 : 0x24 | (will.qos << 3)
  const userFlags = (username === undefined ? 0 : 0x80) | (password === undefined ? 0 : 0x40)
  const writer = new WireWriter()
    .string(version === 3 ? 'MQIsdp' : 'MQTT')
    .byte(version | (isPrivate && version !== 5 ? privateBit : 0))
    .byte((cleanStart ? 0x02 : 0) | willFlags | userFlags)
    .uint16(keepAliveSeconds)
  if (version === 5) {
    const properties = new WireWriter()
    if (!cleanStart) properties.byte(propertyId.sessionExpiryInterval).uint32(neverExpires)
    if (connect.receiveMaximum < unlimited) properties.byte(propertyId.receiveMaximum).uint16(connect.receiveMaximum)
    writer.properties(properties)
  }
  writer.string(clientId)
  if (will !== undefined) {
    if (version === 5) writer.properties(new WireWriter())
    writer.string(will.topic).binary(Buffer.from(will.payload))
  }
  if (username !== undefined) writer.string(username)
  if (password !== undefined) writer.binary(Buffer.from(password))
  return writer.finishPacket(packetType.connect << 4)
}

/** What of a CONNACK a bridge goes by. */
export interface ReadConnack {
  /** Return code, or with MQTT 5 Reason Code. */
  readonly code: number
  readonly sessionPresent: boolean
  readonly receiveMaximum: number
  readonly maximumQos: QoS
  readonly retainAvailable: boolean
  readonly maximumPacketSize: number
  /** Undefined: what was asked for. */
  readonly keepAliveSeconds: number | undefined
}

/** @throws {MqttError} ERR_MQTT_MALFORMED_PACKET, ERR_MQTT_PROTOCOL_ERROR */
export function parseConnack({ type, body }: Frame, version: ProtocolVersion): ReadConnack {
  if (type !== packetType.connack) throw protocolError(`a packet of type ${type} in place of CONNACK`)
  const reader = new WireReader(body)
  const flags = reader.byte()
  const code = reader.byte()
  const read = {
    code,
    sessionPresent: version !== 3 && (flags & 1) === 1,
    receiveMaximum: unlimited,
    maximumQos: 2 as QoS,
    retainAvailable: true,
    maximumPacketSize: Number.POSITIVE_INFINITY,
    keepAliveSeconds: undefined as number | undefined,
  }
  if (version !== 5 || reader.isAtEnd) return read
  readServerProperties(reader, (id) => {
    switch (id) {
      case propertyId.receiveMaximum:
        read.receiveMaximum = Math.max(1, reader.uint16())
        return
      case propertyId.maximumQos:
        read.maximumQos = reader.byte() === 0 ? 0 : 1
        return
      case propertyId.retainAvailable:
        read.retainAvailable = reader.byte() !== 0
        return
      case propertyId.maximumPacketSize:
        read.maximumPacketSize = reader.uint32()
        return
      case propertyId.serverKeepAlive:
        read.keepAliveSeconds = reader.uint16()
        return
      case serverPropertyId.wildcardSubscriptionAvailable:
      case serverPropertyId.subscriptionIdentifierAvailable:
      case serverPropertyId.sharedSubscriptionAvailable:
        reader.byte()
        return
      case propertyId.topicAliasMaximum:
        reader.uint16()
        return
      case propertyId.sessionExpiryInterval:
        reader.uint32()
        return
      case propertyId.authenticationData:
        reader.binary()
        return
      case propertyId.userProperty:
        reader.string()
        reader.string()
        return
      default:
        // Assigned Client Identifier, Reason String, Response Information, Server Reference, Authentication Method.
        reader.string()
    }
  })
  return read
}

function readServerProperties(reader: WireReader, read: (id: number) => void): void {
  const length = reader.variableByteInteger()
  const end = reader.at + length
  if (end > reader.end) throw new MqttError('ERR_MQTT_MALFORMED_PACKET', 'properties beyond the end of the packet')
  reader.end = end
  while (!reader.isAtEnd) read(reader.byte())
}

/** [MQTT-5.0 3.8], [MQTT-3.1.1 3.8] */
export function encodeSubscribe(
  packetId: number,
  subscriptions: readonly SubscriptionRequest[],
  version: ProtocolVersion,
): Buffer {
  const writer = new WireWriter().uint16(packetId)
  if (version === 5) writer.byte(0)
  for (const { topicFilter, qos, noLocal, retainAsPublished, retainHandling } of subscriptions) {
    const options = (noLocal ? 4 : 0) | (retainAsPublished ? 8 : 0) | (retainHandling << 4)
    writer.string(topicFilter).byte(version === 5 ? qos | options : qos)
  }
  return writer.finishPacket((packetType.subscribe << 4) | 2)
}

/** [MQTT-5.0 3.10], [MQTT-3.1.1 3.10] */
export function encodeUnsubscribe(packetId: number, filters: readonly string[], version: ProtocolVersion): Buffer {
  const writer = new WireWriter().uint16(packetId)
  if (version === 5) writer.byte(0)
  for (const filter of filters) writer.string(filter)
  return writer.finishPacket((packetType.unsubscribe << 4) | 2)
}

/** The answer to a SUBSCRIBE or UNSUBSCRIBE. @returns the codes of a SUBACK; of an UNSUBACK before MQTT 5 none */
export function parseSubscribeAnswer(body: Buffer, version: ProtocolVersion): { packetId: number; codes: number[] } {
  const reader = new WireReader(body)
  const packetId = reader.packetId()
  if (version === 5) {
    const end = reader.end
    readServerProperties(reader, (id) => {
      if (id === propertyId.userProperty) reader.string()
      reader.string()
    })
    reader.end = end
  }
  return { packetId, codes: [...body.subarray(reader.at)] }
}

/** Normal end. [MQTT-5.0 3.14], [MQTT-3.1.1 3.14] */
export const disconnect = Buffer.from([packetType.disconnect << 4, 0])

export const pingreq = Buffer.from([packetType.pingreq << 4, 0])
