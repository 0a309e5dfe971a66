import { type ProtocolVersion, packetType, type UserProperty } from './packets.ts'
import { propertyId } from './property-ids.ts'
import { WireWriter } from './wire-writer.ts'

/** Largest acknowledgement that {@link writeAcknowledgement} writes, in bytes. */
export const maxAcknowledgementBytes = 5

/**
 * Writes PUBACK, PUBREC, PUBREL or PUBCOMP: four bytes, with MQTT 5 and another code than success five.
 * [MQTT-5.0 3.4.2.1], [MQTT-3.1.1 3.4]
 * @param type which of the four
 * @param reasonCode not sent before MQTT 5
 * @returns the offset after the packet
 */
export function writeAcknowledgement(
  target: Buffer,
  offset: number,
  type: number,
  packetId: number,
  reasonCode: number,
  version: ProtocolVersion,
): number {
  const hasCode = version === 5 && reasonCode !== 0
  target[offset] = (type << 4) | (type === packetType.pubrel ? 2 : 0)
  target[offset + 1] = hasCode ? 3 : 2
  target[offset + 2] = packetId >>> 8
  target[offset + 3] = packetId
  if (!hasCode) return offset + 4
  target[offset + 4] = reasonCode
  return offset + 5
}

/** {@link writeAcknowledgement} into a buffer of its own. */
export function encodeAcknowledgement(
  type: number,
  packetId: number,
  reasonCode: number,
  version: ProtocolVersion,
): Buffer {
  const packet = Buffer.allocUnsafe(version === 5 && reasonCode !== 0 ? 5 : 4)
  writeAcknowledgement(packet, 0, type, packetId, reasonCode, version)
  return packet
}

/** An acknowledgement of MQTT 5 with User Properties. [MQTT-5.0 3.4.2.2], [MQTT-5.0 3.5.2.2] */
export function encodeAcknowledgementWith(
  userProperties: readonly UserProperty[],
  type: number,
  packetId: number,
  reasonCode: number,
): Buffer {
  const properties = new WireWriter()
  for (const [name, value] of userProperties) properties.byte(propertyId.userProperty).string(name).string(value)
  const body = new WireWriter().uint16(packetId).byte(reasonCode).properties(properties)
  return body.finishPacket((type << 4) | (type === packetType.pubrel ? 2 : 0))
}
