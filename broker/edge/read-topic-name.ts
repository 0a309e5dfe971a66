import { checkTopicName, invalidName, maxTopicLevels } from './topic-names.ts'
import { readUtf8 } from './utf8.ts'

/** What a byte means in a topic name: 0 an ordinary character, otherwise one of the following. */
const separator = 1
const wildcard = 2
const notPrintableAscii = 3
const meanings = new Uint8Array(256).fill(notPrintableAscii)
meanings.fill(0, 0x20, 0x7f)
meanings[0x2f] = separator
meanings[0x2b] = wildcard
meanings[0x23] = wildcard

/**
 * Topic names read last, by a hash of their bytes. Devices repeat theirs: to compare is cheaper than to make a string,
 * and a string that was used as a key before need not be hashed again by what looks it up. A slot holds whatever came
 * last, so hostile names cost others a miss, never memory.
 */
const slots = 4096
const longestRemembered = 128
const remembered: string[] = new Array(slots).fill('')

/**
 * Reads and checks a topic name of at least one byte, see `checkTopicName`.
 * @throws {MqttError} ERR_MQTT_TOPIC_NAME_INVALID, ERR_MQTT_MALFORMED_PACKET
 */
export function readTopicName(buffer: Buffer, start: number, end: number): string {
  let levels = 1
  let sum = 0
  for (let at = start; at < end; at++) {
    const byte = buffer[at] as number
    const meaning = meanings[byte] as number
    if (meaning === separator) levels++
    else if (meaning === wildcard) throw invalidName('a wildcard in a topic name')
    else if (meaning === notPrintableAscii) return readAnyTopicName(buffer, start, end)
    sum = (Math.imul(sum, 31) + byte) | 0
  }
  if (levels > maxTopicLevels) throw invalidName(`a topic name of more than ${maxTopicLevels} levels`)
  const length = end - start
  if (length > longestRemembered) return buffer.toString('latin1', start, end)
  const slot = (sum ^ (sum >>> 15)) & (slots - 1)
  const candidate = remembered[slot] as string
  if (candidate.length === length && isEqual(candidate, buffer, start)) return candidate
  const name = buffer.toString('latin1', start, end)
  remembered[slot] = name
  return name
}

function isEqual(text: string, buffer: Buffer, start: number): boolean {
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) !== buffer[start + index]) return false
  }
  return true
}

function readAnyTopicName(buffer: Buffer, start: number, end: number): string {
  const name = readUtf8(buffer, start, end)
  checkTopicName(name)
  return name
}
