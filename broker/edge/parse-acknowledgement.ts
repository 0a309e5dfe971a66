import { malformed, protocolError } from './errors.ts'
import { checkFlags } from './fixed-header.ts'
import { type AcknowledgementPacket, type ProtocolVersion, packetType } from './packets.ts'
import { readProperties } from './properties.ts'
import { allowedProperties } from './property-ids.ts'
import { reasonCode } from './reason-codes.ts'
import { WireReader } from './wire-reader.ts'

/** [MQTT-5.0 3.4.2.1], [MQTT-5.0 3.5.2.1] */
const codesOfReceipt: ReadonlySet<number> = new Set([
  reasonCode.success,
  reasonCode.noMatchingSubscribers,
  reasonCode.unspecifiedError,
  reasonCode.implementationSpecificError,
  reasonCode.notAuthorized,
  reasonCode.topicNameInvalid,
  reasonCode.packetIdentifierInUse,
  reasonCode.quotaExceeded,
  reasonCode.payloadFormatInvalid,
])

/** [MQTT-5.0 3.6.2.1], [MQTT-5.0 3.7.2.1] */
const codesOfRelease: ReadonlySet<number> = new Set([reasonCode.success, reasonCode.packetIdentifierNotFound])

/**
 * Parses PUBACK, PUBREC, PUBREL or PUBCOMP. [MQTT-5.0 3.4] to 3.7, [MQTT-3.1.1 3.4] to 3.7
 * @param type which of the four
 * @throws {MqttError} ERR_MQTT_MALFORMED_PACKET, ERR_MQTT_PROTOCOL_ERROR
 */
export function parseAcknowledgement(
  type: number,
  flags: number,
  body: Buffer,
  version: ProtocolVersion,
): AcknowledgementPacket {
  checkFlags(type, flags, version)
  if (body.length < 2) throw malformed('an acknowledgement without packet id')
  const packetId = ((body[0] as number) << 8) | (body[1] as number)
  if (packetId === 0) throw protocolError('packet id 0')
  if (body.length === 2) return { packetId, reasonCode: reasonCode.success }
  if (version !== 5) throw malformed('bytes after the end of the packet')

  const code = body[2] as number
  const codes = type === packetType.puback || type === packetType.pubrec ? codesOfReceipt : codesOfRelease
  // [MQTT-5.0 3.4.2-1], [MQTT-5.0 3.5.2-1], [MQTT-5.0 3.6.2-1], [MQTT-5.0 3.7.2-1]
  if (!codes.has(code)) throw protocolError(`reason code ${code} in a packet of type ${type}`)
  // Without a Property Length there are no properties. [MQTT-5.0 3.4.2.2.1]
  if (body.length > 3) {
    const reader = new WireReader(body, 3)
    readProperties(reader, allowedProperties.acknowledgement)
    reader.finish()
  }
  return { packetId, reasonCode: code }
}
