import { malformed } from './errors.ts'

/**
 * Reads a UTF-8 Encoded String without its length. A BOM is a character like others [MQTT-5.0 1.5.4-3].
 *
 * Refused beside ill-formed UTF-8, surrogates [MQTT-5.0 1.5.4-1] and U+0000 [MQTT-5.0 1.5.4-2]: control characters
 * (U+0001 to U+001F, U+007F to U+009F) and noncharacters (U+FDD0 to U+FDEF, the last two of each plane). The standard
 * leaves these to the receiver (1.5.4, 3.1.1: 1.5.3); Mosquitto 2.0.11 closes for them in every string and version.
 * @throws {MqttError} ERR_MQTT_MALFORMED_PACKET
 */
export function readUtf8(buffer: Buffer, start: number, end: number): string {
  for (let at = start; at < end; at++) {
    const byte = buffer[at] as number
    if (byte < 0x20 || byte > 0x7e) {
      if (!areCharactersAllowed(buffer, at, end)) throw malformed('a string is not UTF-8, or has forbidden characters')
      return buffer.toString('utf8', start, end)
    }
  }
  // ASCII only: copied without being decoded again.
  return buffer.toString('latin1', start, end)
}

function areCharactersAllowed(buffer: Buffer, start: number, end: number): boolean {
  let at = start
  while (at < end) {
    const first = buffer[at] as number
    if (first < 0x80) {
      if (first < 0x20 || first === 0x7f) return false
      at++
      continue
    }
    const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
    if (first < 0xc2 || first > 0xf4 || at + length > end) return false
    let codePoint = first & (0x7f >> length)
    for (let index = 1; index < length; index++) {
      const next = buffer[at + index] as number
      if ((next & 0xc0) !== 0x80) return false
      codePoint = (codePoint << 6) | (next & 0x3f)
    }
    if (!isCharacterAllowed(codePoint, length)) return false
    at += length
  }
  return true
}

/** @param length bytes that the encoding took: more than needed is no UTF-8 (RFC 3629 section 3) */
function isCharacterAllowed(codePoint: number, length: number): boolean {
  if (length === 2) return codePoint >= 0xa0
  if (length === 3 && codePoint < 0x800) return false
  if (length === 4 && (codePoint < 0x10000 || codePoint > 0x10ffff)) return false
  if (codePoint >= 0xd800 && codePoint <= 0xdfff) return false
  if (codePoint >= 0xfdd0 && codePoint <= 0xfdef) return false
  return (codePoint & 0xfffe) !== 0xfffe
}
