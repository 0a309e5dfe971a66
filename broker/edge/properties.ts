import { MqttError, malformed, protocolError } from './errors.ts'
import type { MessageProperties, UserProperty } from './packets.ts'
import { type PropertySet, propertyId } from './property-ids.ts'
import { invalidName } from './topic-names.ts'
import type { WireReader } from './wire-reader.ts'

type MutableMessageProperties = {
  -readonly [Name in keyof MessageProperties]: MessageProperties[Name]
}

/** What the properties of one packet say; undefined: absent. */
export class PropertyValues {
  /** Those of the application message, user properties excluded. */
  message: MutableMessageProperties | undefined = undefined
  userProperties: UserProperty[] | undefined = undefined
  topicAlias: number | undefined = undefined
  subscriptionIdentifier: number | undefined = undefined
  sessionExpiryInterval: number | undefined = undefined
  authenticationMethod: string | undefined = undefined
  authenticationData: Buffer | undefined = undefined
  requestProblemInformation: boolean | undefined = undefined
  requestResponseInformation: boolean | undefined = undefined
  willDelayInterval: number | undefined = undefined
  receiveMaximum: number | undefined = undefined
  topicAliasMaximum: number | undefined = undefined
  maximumPacketSize: number | undefined = undefined

  /** Those that travel with the application message, user properties included; undefined when there are none. */
  messageProperties(): MessageProperties | undefined {
    if (this.userProperties === undefined) return this.message
    this.message ??= {}
    this.message.userProperties = this.userProperties
    return this.message
  }
}

/** Five bytes make a user property: of as many as the protocol allows in a packet, tens of millions would be made. */
const maxPropertyBytes = 1024 * 1024

/**
 * Reads a Property Length and the properties it covers.
 *
 * An identifier that is unknown or not for this packet makes it malformed [MQTT-5.0 2.2.2.2]; one that is repeated, but
 * User Property, and a value out of its range is a protocol error (3.1.2.11 and following).
 * @throws {MqttError} ERR_MQTT_MALFORMED_PACKET, ERR_MQTT_PROTOCOL_ERROR, ERR_MQTT_TOPIC_NAME_INVALID,
 *   ERR_MQTT_TOPIC_ALIAS_INVALID, ERR_MQTT_PACKET_TOO_LARGE
 */
export function readProperties(reader: WireReader, allowed: PropertySet): PropertyValues {
  const values = new PropertyValues()
  const length = reader.variableByteInteger()
  if (length === 0) return values
  if (length > maxPropertyBytes) throw new MqttError('ERR_MQTT_PACKET_TOO_LARGE', `${length} bytes of properties`)
  const packetEnd = reader.end
  const end = reader.at + length
  if (end > packetEnd) throw malformed('properties beyond the end of the packet')
  reader.end = end
  let seenLow = 0
  let seenHigh = 0
  while (reader.at < end) {
    // A Variable Byte Integer, but all that exist take one byte; longer ones are unknown.
    const id = reader.byte()
    const bit = 1 << (id & 31)
    const isAllowed = id < 64 && ((id < 32 ? allowed.low : allowed.high) & bit) !== 0
    if (!isAllowed) throw malformed(`property ${id} is unknown or not for this packet`)
    if (id !== propertyId.userProperty) {
      if (((id < 32 ? seenLow : seenHigh) & bit) !== 0) throw protocolError(`property ${id} is repeated`)
      if (id < 32) seenLow |= bit
      else seenHigh |= bit
    }
    readProperty(reader, id, values)
  }
  reader.end = packetEnd
  return values
}

function readProperty(reader: WireReader, id: number, values: PropertyValues): void {
  switch (id) {
    case propertyId.userProperty:
      values.userProperties ??= []
      values.userProperties.push([reader.string(), reader.string()])
      return
    case propertyId.topicAlias:
      values.topicAlias = readTopicAlias(reader)
      return
    case propertyId.subscriptionIdentifier:
      values.subscriptionIdentifier = notZero(reader.variableByteInteger(), id)
      return
    case propertyId.sessionExpiryInterval:
      values.sessionExpiryInterval = reader.uint32()
      return
    case propertyId.authenticationMethod:
      values.authenticationMethod = reader.string()
      return
    case propertyId.authenticationData:
      values.authenticationData = reader.binary()
      return
    case propertyId.requestProblemInformation:
      values.requestProblemInformation = readBit(reader, id) === 1
      return
    case propertyId.requestResponseInformation:
      values.requestResponseInformation = readBit(reader, id) === 1
      return
    case propertyId.willDelayInterval:
      values.willDelayInterval = reader.uint32()
      return
    case propertyId.receiveMaximum:
      values.receiveMaximum = notZero(reader.uint16(), id)
      return
    case propertyId.topicAliasMaximum:
      values.topicAliasMaximum = reader.uint16()
      return
    case propertyId.maximumPacketSize:
      values.maximumPacketSize = notZero(reader.uint32(), id)
      return
    case propertyId.reasonString:
      // A client's diagnosis for people: checked, and of no use to the broker.
      reader.string()
      return
    case propertyId.serverReference:
      // In a DISCONNECT, but only a server has another one to name. [MQTT-5.0 3.14.2.2.5]
      throw protocolError('a client sent a Server Reference')
    default:
      values.message ??= {}
      readMessageProperty(reader, id, values.message)
  }
}

function readMessageProperty(reader: WireReader, id: number, message: MutableMessageProperties): void {
  switch (id) {
    case propertyId.payloadFormatIndicator:
      message.payloadFormatIndicator = readBit(reader, id)
      return
    case propertyId.messageExpiryInterval:
      message.messageExpiryInterval = reader.uint32()
      return
    case propertyId.contentType:
      message.contentType = reader.string()
      return
    case propertyId.responseTopic:
      message.responseTopic = readResponseTopic(reader)
      return
    default:
      // Correlation Data: of all that any packet may carry, no other is left.
      message.correlationData = reader.binary()
  }
}

function readBit(reader: WireReader, id: number): 0 | 1 {
  const value = reader.byte()
  if (value !== 0 && value !== 1) throw protocolError(`property ${id} is neither 0 nor 1`)
  return value
}

function notZero(value: number, id: number): number {
  if (value === 0) throw protocolError(`property ${id} is 0`)
  return value
}

/** [MQTT-5.0 3.3.2-8]: never 0. */
function readTopicAlias(reader: WireReader): number {
  const alias = reader.uint16()
  if (alias === 0) throw new MqttError('ERR_MQTT_TOPIC_ALIAS_INVALID', 'topic alias 0')
  return alias
}

/** [MQTT-5.0 3.3.2-14]: without wildcards, since it is a topic name. It is the requester's business how deep it is. */
function readResponseTopic(reader: WireReader): string {
  const topic = reader.string()
  if (topic === '') throw invalidName('an empty response topic')
  if (topic.includes('+') || topic.includes('#')) throw invalidName('a wildcard in a response topic')
  return topic
}
