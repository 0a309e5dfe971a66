import { type Connack, type ProtocolVersion, packetType } from './packets.ts'
import { propertyId } from './property-ids.ts'
import { WireWriter } from './wire-writer.ts'

/** [MQTT-5.0 3.13], [MQTT-3.1.1 3.13] */
export const pingresp: Buffer = Buffer.from([packetType.pingresp << 4, 0])

/**
 * Encodes a CONNACK. [MQTT-5.0 3.2], [MQTT-3.1.1 3.2]
 *
 * Session Present is 0 in MQTT 3.1, which has no such bit, and with every refusal [MQTT-5.0 3.2.2-6],
 * [MQTT-3.1.1 3.2.2-4]. Properties come in Mosquitto's order; those that it never sends come last.
 * @throws {MqttError} ERR_MQTT_STRING_TOO_LONG
 */
export function encodeConnack(version: ProtocolVersion, connack: Connack): Buffer {
  const { sessionPresent, code } = connack
  const writer = new WireWriter().byte(sessionPresent && code === 0 && version !== 3 ? 1 : 0).byte(code)
  if (version === 5) writer.properties(connackProperties(connack))
  return writer.finishPacket(packetType.connack << 4)
}

function connackProperties(connack: Connack): WireWriter {
  const writer = new WireWriter()
  const { serverKeepAliveSeconds, topicAliasMaximum, assignedClientId, retainAvailable, maximumPacketSize } = connack
  const { receiveMaximum, maximumQos, sessionExpiryIntervalSeconds, responseInformation } = connack
  if (serverKeepAliveSeconds !== undefined) writer.byte(propertyId.serverKeepAlive).uint16(serverKeepAliveSeconds)
  if (topicAliasMaximum !== undefined) writer.byte(propertyId.topicAliasMaximum).uint16(topicAliasMaximum)
  if (assignedClientId !== undefined) writer.byte(propertyId.assignedClientIdentifier).string(assignedClientId)
  if (retainAvailable !== undefined) writer.byte(propertyId.retainAvailable).byte(retainAvailable ? 1 : 0)
  if (maximumPacketSize !== undefined) writer.byte(propertyId.maximumPacketSize).uint32(maximumPacketSize)
  if (receiveMaximum !== undefined) writer.byte(propertyId.receiveMaximum).uint16(receiveMaximum)
  if (maximumQos !== undefined) writer.byte(propertyId.maximumQos).byte(maximumQos)
  if (sessionExpiryIntervalSeconds !== undefined) {
    writer.byte(propertyId.sessionExpiryInterval).uint32(sessionExpiryIntervalSeconds)
  }
  if (responseInformation !== undefined) writer.byte(propertyId.responseInformation).string(responseInformation)
  return writer
}

/**
 * Encodes a SUBACK. [MQTT-5.0 3.9], [MQTT-3.1.1 3.9]
 * @param codes one per topic filter, in their order: granted QoS, 0x80, or with MQTT 5 a Reason Code
 */
export function encodeSuback(packetId: number, codes: readonly number[], version: ProtocolVersion): Buffer {
  const writer = new WireWriter().uint16(packetId)
  if (version === 5) writer.byte(0)
  return writer.bytes(Uint8Array.from(codes)).finishPacket(packetType.suback << 4)
}

/**
 * Encodes an UNSUBACK. [MQTT-5.0 3.11], [MQTT-3.1.1 3.11]
 * @param codes one Reason Code per topic filter, in their order; not sent before MQTT 5
 */
export function encodeUnsuback(packetId: number, codes: readonly number[], version: ProtocolVersion): Buffer {
  const writer = new WireWriter().uint16(packetId)
  if (version === 5) writer.byte(0).bytes(Uint8Array.from(codes))
  return writer.finishPacket(packetType.unsuback << 4)
}

/** Encodes the DISCONNECT of a server, which only MQTT 5 has. [MQTT-5.0 3.14] */
export function encodeDisconnect(reasonCode: number): Buffer {
  return new WireWriter().byte(reasonCode).finishPacket(packetType.disconnect << 4)
}
