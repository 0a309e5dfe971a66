import { malformed, protocolError } from './errors.ts'
import { checkFlags } from './fixed-header.ts'
import { type DisconnectPacket, type ProtocolVersion, packetType } from './packets.ts'
import { readProperties } from './properties.ts'
import { allowedProperties } from './property-ids.ts'
import { reasonCode } from './reason-codes.ts'
import { WireReader } from './wire-reader.ts'

/** Those that a client may send. [MQTT-5.0 3.14.2.1] */
const codesOfClients: ReadonlySet<number> = new Set([
  reasonCode.normalDisconnection,
  reasonCode.disconnectWithWillMessage,
  reasonCode.unspecifiedError,
  reasonCode.malformedPacket,
  reasonCode.protocolError,
  reasonCode.implementationSpecificError,
  reasonCode.topicNameInvalid,
  reasonCode.receiveMaximumExceeded,
  reasonCode.topicAliasInvalid,
  reasonCode.packetTooLarge,
  reasonCode.messageRateTooHigh,
  reasonCode.quotaExceeded,
  reasonCode.administrativeAction,
  reasonCode.payloadFormatInvalid,
])

/**
 * Parses a DISCONNECT of a client. [MQTT-5.0 3.14], [MQTT-3.1.1 3.14]
 *
 * Whether the Session Expiry Interval may be set, which depends on the one of CONNECT, is for the caller to find out.
 * @throws {MqttError} ERR_MQTT_MALFORMED_PACKET, ERR_MQTT_PROTOCOL_ERROR
 */
export function parseDisconnect(flags: number, body: Buffer, version: ProtocolVersion): DisconnectPacket {
  checkFlags(packetType.disconnect, flags, version)
  if (body.length === 0) {
    return { reasonCode: reasonCode.normalDisconnection, sessionExpiryIntervalSeconds: undefined }
  }
  if (version !== 5) throw malformed('a DISCONNECT with a body')
  const code = body[0] as number
  // [MQTT-5.0 3.14.2-1]
  if (!codesOfClients.has(code)) throw protocolError(`reason code ${code} in a DISCONNECT of a client`)
  // Without a Property Length there are no properties. [MQTT-5.0 3.14.2.2.1]
  if (body.length === 1) return { reasonCode: code, sessionExpiryIntervalSeconds: undefined }
  const reader = new WireReader(body, 1)
  const { sessionExpiryInterval } = readProperties(reader, allowedProperties.disconnect)
  reader.finish()
  return { reasonCode: code, sessionExpiryIntervalSeconds: sessionExpiryInterval }
}

/**
 * Checks a PINGREQ, which has nothing to say. [MQTT-5.0 3.12], [MQTT-3.1.1 3.12]
 * @throws {MqttError} ERR_MQTT_MALFORMED_PACKET
 */
export function checkPingreq(flags: number, body: Buffer, version: ProtocolVersion): void {
  checkFlags(packetType.pingreq, flags, version)
  if (body.length !== 0) throw malformed('a PINGREQ with a body')
}
