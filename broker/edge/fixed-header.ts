import { malformed, protocolError } from './errors.ts'
import { type ProtocolVersion, packetType } from './packets.ts'

/** PUBREL, SUBSCRIBE and UNSUBSCRIBE have a 1 in their second flag; all other packets but PUBLISH have zeros. */
const flagsOfQos1 = 0b0010

/**
 * Checks the flags of a fixed header, for every type but PUBLISH. [MQTT-5.0 2.1.3-1], [MQTT-3.1.1 2.2.2-2]
 *
 * In MQTT 3.1 the three types with a 1 are messages of QoS 1, whose DUP may be set when they are sent again; bits that
 * have no use there are not reserved, so they are not looked at.
 * @throws {MqttError} ERR_MQTT_MALFORMED_PACKET
 */
export function checkFlags(type: number, flags: number, version: ProtocolVersion): void {
  const isQos1 = type === packetType.pubrel || type === packetType.subscribe || type === packetType.unsubscribe
  const seen = version === 3 ? (isQos1 ? flags & 0b0110 : 0) : flags
  if (seen !== (isQos1 ? flagsOfQos1 : 0)) throw malformed(`flags ${flags} in a packet of type ${type}`)
}

/**
 * Checks that a client may send packets of this type. AUTH is refused in every version: the edge agrees on no
 * authentication method, and without one a client must not send it [MQTT-5.0 4.12.0-7].
 * @throws {MqttError} ERR_MQTT_MALFORMED_PACKET for a type that does not exist, ERR_MQTT_PROTOCOL_ERROR for the others
 */
export function checkClientPacketType(type: number, version: ProtocolVersion): void {
  switch (type) {
    case packetType.connect:
    case packetType.publish:
    case packetType.puback:
    case packetType.pubrec:
    case packetType.pubrel:
    case packetType.pubcomp:
    case packetType.subscribe:
    case packetType.unsubscribe:
    case packetType.pingreq:
    case packetType.disconnect:
      return
    case packetType.auth:
      // Before MQTT 5 this type is reserved. [MQTT-3.1.1 2.2.1]
      throw version === 5 ? protocolError('AUTH without an authentication method') : malformed('packet type 15')
    case packetType.connack:
    case packetType.suback:
    case packetType.unsuback:
    case packetType.pingresp:
      throw protocolError(`a client sent a packet of type ${type}, which only servers send`)
    default:
      throw malformed(`packet type ${type}`)
  }
}
