import { type MessageProperties, type ProtocolVersion, packetType, type QoS } from './packets.ts'
import { propertyId } from './property-ids.ts'
import { maxRemainingLength, variableByteIntegerBytes, writeVariableByteInteger } from './variable-byte-integer.ts'
import { WireWriter } from './wire-writer.ts'

/** What all subscribers of a message receive alike; made once. */
export interface OutgoingPublish {
  /** The topic name in UTF-8. */
  readonly topicBytes: Buffer
  readonly payload: Uint8Array
  /** From {@link encodeMessageProperties}; empty when there are none. */
  readonly properties: Buffer
}

/**
 * What one subscriber receives differently. To be made as one literal: a spread with further keys costs 5 µs in Node 20,
 * more than all the rest.
 */
export interface PublishOptions {
  readonly version: ProtocolVersion
  readonly qos: QoS
  readonly retain: boolean
  readonly dup: boolean
  /** Not written with QoS 0. */
  readonly packetId: number
  /** From here on MQTT 5 only. */
  readonly topicAlias?: number | undefined
  /** False: an empty topic name, of which the alias is all. Before MQTT 5 it has to be true. */
  readonly sendTopic: boolean
  /** What is left of the Message Expiry Interval. [MQTT-5.0 3.3.2-6] */
  readonly messageExpirySeconds?: number | undefined
  /** One for each subscription with an identifier that matched. [MQTT-5.0 3.3.4-3] */
  readonly subscriptionIdentifiers?: readonly number[] | undefined
}

const noBytes = Buffer.alloc(0)

/**
 * Encodes the properties that are forwarded unaltered [MQTT-5.0 3.3.2-4], 3.3.2-15, 3.3.2-16, 3.3.2-17, 3.3.2-20: all but the
 * Message Expiry Interval, which counts down.
 * @throws {MqttError} ERR_MQTT_STRING_TOO_LONG, which nothing that was parsed can cause
 */
export function encodeMessageProperties(properties: MessageProperties | undefined): Buffer {
  if (properties === undefined) return noBytes
  const { payloadFormatIndicator, contentType, responseTopic, correlationData, userProperties } = properties
  const writer = new WireWriter()
  if (payloadFormatIndicator !== undefined) writer.byte(propertyId.payloadFormatIndicator).byte(payloadFormatIndicator)
  if (contentType !== undefined) writer.byte(propertyId.contentType).string(contentType)
  if (responseTopic !== undefined) writer.byte(propertyId.responseTopic).string(responseTopic)
  if (correlationData !== undefined) writer.byte(propertyId.correlationData).binary(correlationData)
  for (const [name, value] of userProperties ?? []) writer.byte(propertyId.userProperty).string(name).string(value)
  return writer.finish()
}

/**
 * Exact size of what {@link writePublish} writes, in bytes; Infinity when MQTT cannot express it: what came in the
 * largest packet of one version, or with an alias for its topic, may be larger on its way out.
 */
export function publishBytes(message: OutgoingPublish, options: PublishOptions): number {
  const propertiesBytes = options.version === 5 ? propertyBytes(message, options) : 0
  const length = remainingLength(message, options, propertiesBytes)
  if (length > maxRemainingLength) return Number.POSITIVE_INFINITY
  return 1 + variableByteIntegerBytes(length) + length
}

/**
 * Writes a PUBLISH. [MQTT-5.0 3.3], [MQTT-3.1.1 3.3]
 * @param target has room for {@link publishBytes} from offset on: the caller's to see to
 * @returns the offset after the packet
 */
export function writePublish(
  target: Buffer,
  offset: number,
  message: OutgoingPublish,
  options: PublishOptions,
): number {
  const { topicBytes, payload } = message
  const { version, qos } = options
  const propertiesBytes = version === 5 ? propertyBytes(message, options) : 0
  target[offset] = (packetType.publish << 4) | (options.dup ? 8 : 0) | (qos << 1) | (options.retain ? 1 : 0)
  let at = writeVariableByteInteger(target, offset + 1, remainingLength(message, options, propertiesBytes))
  if (options.sendTopic) {
    target[at] = topicBytes.length >>> 8
    target[at + 1] = topicBytes.length
    at = copy(topicBytes, target, at + 2)
  } else {
    target[at] = 0
    target[at + 1] = 0
    at += 2
  }
  if (qos !== 0) {
    target[at] = options.packetId >>> 8
    target[at + 1] = options.packetId
    at += 2
  }
  if (version === 5) at = writeProperties(target, at, message, options, propertiesBytes)
  return copy(payload, target, at)
}

function remainingLength(message: OutgoingPublish, options: PublishOptions, propertiesBytes: number): number {
  const length = 2 + (options.sendTopic ? message.topicBytes.length : 0) + message.payload.length
  const withPacketId = options.qos === 0 ? length : length + 2
  return options.version === 5
    ? withPacketId + variableByteIntegerBytes(propertiesBytes) + propertiesBytes
    : withPacketId
}

/** Size of the properties without their length. */
function propertyBytes(message: OutgoingPublish, options: PublishOptions): number {
  let bytes = message.properties.length
  if (options.messageExpirySeconds !== undefined) bytes += 5
  if (options.topicAlias !== undefined) bytes += 3
  if (options.subscriptionIdentifiers !== undefined) {
    for (const identifier of options.subscriptionIdentifiers) bytes += 1 + variableByteIntegerBytes(identifier)
  }
  return bytes
}

function writeProperties(
  target: Buffer,
  offset: number,
  message: OutgoingPublish,
  options: PublishOptions,
  bytes: number,
): number {
  let at = writeVariableByteInteger(target, offset, bytes)
  if (bytes === 0) return at
  const { messageExpirySeconds, topicAlias, subscriptionIdentifiers } = options
  if (messageExpirySeconds !== undefined) {
    target[at] = propertyId.messageExpiryInterval
    at = target.writeUInt32BE(messageExpirySeconds, at + 1)
  }
  if (topicAlias !== undefined) {
    target[at] = propertyId.topicAlias
    target[at + 1] = topicAlias >>> 8
    target[at + 2] = topicAlias
    at += 3
  }
  if (subscriptionIdentifiers !== undefined) {
    for (const identifier of subscriptionIdentifiers) {
      target[at] = propertyId.subscriptionIdentifier
      at = writeVariableByteInteger(target, at + 1, identifier)
    }
  }
  return copy(message.properties, target, at)
}

/** Above this, the call that copies at once costs less than the loop; measured with Node 20 on x64. */
const longestLoop = 8

function copy(source: Uint8Array, target: Buffer, at: number): number {
  const { length } = source
  if (length > longestLoop) target.set(source, at)
  else for (let index = 0; index < length; index++) target[at + index] = source[index] as number
  return at + length
}
