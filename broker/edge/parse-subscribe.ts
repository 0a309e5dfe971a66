import { malformed, protocolError } from './errors.ts'
import { checkFlags } from './fixed-header.ts'
import {
  type ProtocolVersion,
  packetType,
  type QoS,
  type SubscribePacket,
  type SubscriptionRequest,
  type UnsubscribePacket,
} from './packets.ts'
import { readProperties } from './properties.ts'
import { allowedProperties } from './property-ids.ts'
import { checkTopicFilter, isSharedFilter } from './topic-names.ts'
import { WireReader } from './wire-reader.ts'

/**
 * Parses a SUBSCRIBE. [MQTT-5.0 3.8], [MQTT-3.1.1 3.8]
 *
 * A filter that is deeper than `maxTopicLevels` is no error of the connection: the caller answers it in the SUBACK.
 * @throws {MqttError} ERR_MQTT_MALFORMED_PACKET, ERR_MQTT_PROTOCOL_ERROR, ERR_MQTT_TOPIC_FILTER_INVALID
 */
export function parseSubscribe(flags: number, body: Buffer, version: ProtocolVersion): SubscribePacket {
  checkFlags(packetType.subscribe, flags, version)
  const reader = new WireReader(body)
  const packetId = reader.packetId()
  const subscriptionIdentifier =
    version === 5 ? readProperties(reader, allowedProperties.subscribe).subscriptionIdentifier : undefined
  // [MQTT-5.0 3.8.3-2], [MQTT-3.1.1 3.8.3-3]
  if (reader.isAtEnd) throw protocolError('a SUBSCRIBE without topic filters')
  const subscriptions: SubscriptionRequest[] = []
  while (!reader.isAtEnd) {
    const topicFilter = reader.string()
    checkTopicFilter(topicFilter)
    subscriptions.push(readOptions(topicFilter, reader.byte(), version))
  }
  return { packetId, subscriptions, subscriptionIdentifier }
}

/**
 * Parses an UNSUBSCRIBE. [MQTT-5.0 3.10], [MQTT-3.1.1 3.10]
 * @throws {MqttError} ERR_MQTT_MALFORMED_PACKET, ERR_MQTT_PROTOCOL_ERROR, ERR_MQTT_TOPIC_FILTER_INVALID
 */
export function parseUnsubscribe(flags: number, body: Buffer, version: ProtocolVersion): UnsubscribePacket {
  checkFlags(packetType.unsubscribe, flags, version)
  const reader = new WireReader(body)
  const packetId = reader.packetId()
  if (version === 5) readProperties(reader, allowedProperties.unsubscribe)
  // [MQTT-5.0 3.10.3-2], [MQTT-3.1.1 3.10.3-2]
  if (reader.isAtEnd) throw protocolError('an UNSUBSCRIBE without topic filters')
  const topicFilters: string[] = []
  while (!reader.isAtEnd) {
    const topicFilter = reader.string()
    checkTopicFilter(topicFilter)
    topicFilters.push(topicFilter)
  }
  return { packetId, topicFilters }
}

/** Subscription Options: QoS alone before MQTT 5. [MQTT-5.0 3.8.3.1], [MQTT-3.1.1 3.8.3-4] */
function readOptions(topicFilter: string, options: number, version: ProtocolVersion): SubscriptionRequest {
  const reserved = version === 5 ? 0b1100_0000 : 0b1111_1100
  // [MQTT-5.0 3.8.3-5]
  if ((options & reserved) !== 0) throw malformed('reserved bits in subscription options')
  const qos = options & 3
  if (qos === 3) throw protocolError('QoS 3 in a SUBSCRIBE')
  const noLocal = (options & 4) !== 0
  // [MQTT-5.0 3.8.3-4]
  if (noLocal && isSharedFilter(topicFilter)) throw protocolError('No Local for a shared subscription')
  const retainHandling = (options >> 4) & 3
  if (retainHandling === 3) throw protocolError('Retain Handling 3')
  return {
    topicFilter,
    qos: qos as QoS,
    noLocal,
    retainAsPublished: (options & 8) !== 0,
    retainHandling: retainHandling as 0 | 1 | 2,
  }
}
