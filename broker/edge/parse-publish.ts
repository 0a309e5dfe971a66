import { malformed, protocolError } from './errors.ts'
import type { MessageProperties, ProtocolVersion, PublishPacket, QoS } from './packets.ts'
import { readProperties } from './properties.ts'
import { allowedProperties } from './property-ids.ts'
import { readTopicName } from './read-topic-name.ts'
import { WireReader } from './wire-reader.ts'

/**
 * Parses a PUBLISH of a client. [MQTT-5.0 3.3], [MQTT-3.1.1 3.3]
 *
 * Whether the topic alias is known and within the maximum, and whether the payload is what its format indicator says,
 * is for the caller to find out.
 * @param flags low four bits of the fixed header
 * @param body what follows the fixed header; payload and correlation data are views of it
 * @throws {MqttError} ERR_MQTT_MALFORMED_PACKET, ERR_MQTT_PROTOCOL_ERROR, ERR_MQTT_TOPIC_NAME_INVALID,
 *   ERR_MQTT_TOPIC_ALIAS_INVALID
 */
export function parsePublish(flags: number, body: Buffer, version: ProtocolVersion): PublishPacket {
  const qos = (flags >> 1) & 3
  // [MQTT-5.0 3.3.1-4]
  if (qos === 3) throw malformed('QoS 3')
  const dup = (flags & 8) !== 0
  // [MQTT-5.0 3.3.1-2]
  if (dup && qos === 0) throw protocolError('DUP in a PUBLISH of QoS 0')

  if (body.length < 2) throw truncated()
  const topicEnd = 2 + (((body[0] as number) << 8) | (body[1] as number))
  let at = qos === 0 ? topicEnd : topicEnd + 2
  if (at > body.length) throw truncated()
  const topic = topicEnd === 2 ? '' : readTopicName(body, 2, topicEnd)
  let packetId = 0
  if (qos !== 0) {
    packetId = ((body[topicEnd] as number) << 8) | (body[topicEnd + 1] as number)
    // [MQTT-5.0 2.2.1-3]
    if (packetId === 0) throw protocolError('packet id 0')
  }

  let properties: MessageProperties | undefined
  let topicAlias: number | undefined
  if (version === 5) {
    if (body[at] === 0) {
      at++
    } else {
      const reader = new WireReader(body, at)
      const values = readProperties(reader, allowedProperties.publish)
      // [MQTT-5.0 3.3.4-6]: only servers send it.
      if (values.subscriptionIdentifier !== undefined) throw protocolError('a client sent a Subscription Identifier')
      properties = values.messageProperties()
      topicAlias = values.topicAlias
      at = reader.at
    }
  }
  // [MQTT-5.0 3.3.2.1], [MQTT-5.0 4.7.3-1]
  if (topicEnd === 2 && topicAlias === undefined) throw protocolError('an empty topic name without topic alias')

  const payload = body.subarray(at)
  return { qos: qos as QoS, retain: (flags & 1) !== 0, dup, topic, packetId, payload, properties, topicAlias }
}

function truncated(): Error {
  return malformed('the packet ends within a value')
}
