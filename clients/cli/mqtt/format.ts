import { formatTime } from '../../../protocol/index.ts'
import { usageError } from '../command.ts'
import { messageJson } from './message-json.ts'
import { type ShownMessage, verdictOf } from './shown-message.ts'

/** Writes one message. A JSON that was asked for and cannot be had is undefined. */
export type MessageFormat = (message: ShownMessage) => Buffer | undefined

type Part = (message: ShownMessage) => Buffer | string | undefined

/** What stands between `%` and its letter. */
interface Field {
  readonly width: number
  readonly most: number
  readonly isLeft: boolean
  readonly isZeroPadded: boolean
}

const escapes: Readonly<Record<string, string>> = {
  '\\': '\\',
  '0': '\0',
  a: '\x07',
  e: '\x1b',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

/** Nobody has a terminal that wide. */
const largestWidth = 10_000

/** Parameters that blanks pad and a maximum cuts. */
const texts: Readonly<Record<string, (message: ShownMessage) => string>> = {
  C: ({ properties }) => properties?.contentType ?? '',
  t: ({ topic }) => topic,
  I: ({ receivedAt }) => formatTime('%Y-%m-%dT%H:%M:%S%z', receivedAt),
  // Ours: who signed what, and whether it verified.
  K: ({ verified }) => verified?.kid ?? '',
  s: ({ verified }) => verified?.subject ?? '',
  T: ({ verified }) => verified?.time.toISOString() ?? '',
  v: verdictOf,
}

/** Those that zeros may pad, too; nothing cuts them. */
const numbers: Readonly<Record<string, (message: ShownMessage) => number | undefined>> = {
  A: ({ properties }) => properties?.topicAlias,
  E: ({ properties }) => properties?.messageExpiryInterval,
  F: ({ properties }) =>
    properties?.payloadFormatIndicator === undefined ? undefined : Number(properties.payloadFormatIndicator),
  l: ({ payload }) => payload.length,
  // Mosquitto has 0 with QoS 0.
  m: ({ packetId }) => packetId ?? 0,
  S: ({ properties }) => [properties?.subscriptionIdentifier].flat()[0],
  n: ({ verified }) => verified?.seq,
}

/** Those without a field. */
const others: Readonly<Record<string, Part>> = {
  '%': () => '%',
  D: ({ properties }) => properties?.correlationData ?? '',
  P: ({ properties }) => userProperties(properties?.userProperties),
  q: ({ qos }) => String(qos),
  r: ({ retain }) => (retain ? '1' : '0'),
  e: ({ encrypted }) => (encrypted ? '1' : '0'),
  U: ({ receivedAt }) => `${Math.floor(receivedAt.getTime() / 1000)}.${nanoseconds(receivedAt)}`,
}

/**
 * Compiles the format of `-F`, which is Mosquitto's with six letters more: `%v` one word on whether it verified, `%s` name
 * of the signer, `%K` its kid, `%n` sequence number, `%T` signed time, `%e` whether it was encrypted.
 * @param indent of JSON
 * @throws {ClientError} ERR_USAGE
 */
export function compileFormat(format: string, indent?: string): MessageFormat {
  const parts: Part[] = []
  let at = 0
  while (at < format.length) {
    const next = format.slice(at).search(/[%@\\]/)
    const end = next < 0 ? format.length : at + next
    const literal = format.slice(at, end)
    if (literal !== '') parts.push(() => literal)
    if (end === format.length) break
    const [part, length] = sequenceAt(format, end, indent)
    parts.push(part)
    at = end + length
  }
  return (message) => {
    const written = parts.map((part) => part(message))
    const isWhole = (piece: Buffer | string | undefined): piece is Buffer | string => piece !== undefined
    return written.every(isWhole) ? Buffer.concat(written.map((piece) => Buffer.from(piece))) : undefined
  }
}

/** The sequence at an index, and how long it is. */
function sequenceAt(format: string, index: number, indent: string | undefined): [Part, number] {
  const start = format[index]
  if (start === '%') return parameterAt(format, index, indent)
  // The character itself and not half of one, as of an emoji.
  const [letter] = format.slice(index + 1)
  if (letter === undefined) throw usageError(`-F ends after ${start}`)
  if (start === '@') return [timePart(letter), 1 + letter.length]
  const escaped = Object.hasOwn(escapes, letter) ? escapes[letter] : undefined
  if (escaped === undefined) throw usageError(`-F has no escape \\${letter}`)
  return [() => escaped, 1 + letter.length]
}

function timePart(letter: string): Part {
  if (letter === '@') return () => '@'
  if (letter === 'N') return ({ receivedAt }) => nanoseconds(receivedAt)
  return ({ receivedAt }) => formatTime(`%${letter}`, receivedAt)
}

function parameterAt(format: string, index: number, indent: string | undefined): [Part, number] {
  const found = /^%([-0]*)(\d*)(?:\.(\d*))?(.)/su.exec(format.slice(index))
  if (found === null) throw usageError('-F ends after %')
  const [whole, flags = '', width = '', most, letter = ''] = found
  const isLeft = flags.includes('-')
  const field = {
    width: Number(width),
    most: most === undefined ? Number.POSITIVE_INFINITY : Number(most),
    isLeft,
    isZeroPadded: flags.includes('0') && !isLeft,
  }
  if (field.width > largestWidth) throw usageError(`-F has fields of ${largestWidth} characters at most`)
  return [partOf(letter, field, indent), whole.length]
}

function partOf(letter: string, field: Field, indent: string | undefined): Part {
  const text = own(texts, letter)
  if (text !== undefined) return (message) => padded(text(message).slice(0, field.most), field, ' ')
  if (letter === 'R') return ({ properties }) => responseTopic(properties?.responseTopic, field)
  const number = own(numbers, letter)
  if (number !== undefined)
    return (message) => padded(String(number(message) ?? ''), field, field.isZeroPadded ? '0' : ' ')
  const other = own(others, letter)
  if (other !== undefined) return other
  switch (letter) {
    case 'p':
      return ({ payload }) => paddedBytes(payload, field)
    case 'x':
    case 'X':
      return ({ payload }) => {
        const hex = Buffer.from(payload).toString('hex')
        return padded(letter === 'x' ? hex : hex.toUpperCase(), field, field.isZeroPadded ? '0' : ' ')
      }
    case 'j':
      return (message) => messageJson(message, textOf(message.payload), indent)
    case 'J':
      return (message) => {
        const json = parsedJson(message.payload)
        return json === undefined ? undefined : messageJson(message, json.value, indent)
      }
    default:
      throw usageError(`-F has no letter ${letter}`)
  }
}

/** Without one Mosquitto leaves not even the field. */
function responseTopic(topic: string | undefined, field: Field): string {
  return topic === undefined ? '' : padded(topic.slice(0, field.most), field, ' ')
}

function own<T>(table: Readonly<Record<string, T>>, letter: string): T | undefined {
  return Object.hasOwn(table, letter) ? table[letter] : undefined
}

function padded(text: string, { width, isLeft }: Field, filler: string): string {
  return isLeft ? text.padEnd(width, ' ') : text.padStart(width, filler)
}

function paddedBytes(payload: Uint8Array, { width, isLeft }: Field): Buffer {
  const blanks = Buffer.alloc(Math.max(0, width - payload.length), ' ')
  return Buffer.concat(isLeft ? [payload, blanks] : [blanks, payload])
}

/** Mosquitto shows no payload at all as null. */
function textOf(payload: Uint8Array): string | null {
  return payload.length === 0 ? null : Buffer.from(payload).toString()
}

function parsedJson(payload: Uint8Array): { readonly value: unknown } | undefined {
  if (payload.length === 0) return { value: null }
  try {
    return { value: JSON.parse(Buffer.from(payload).toString()) as unknown }
  } catch {
    return undefined
  }
}

function userProperties(properties: Record<string, string | string[]> | undefined): string {
  return Object.entries(properties ?? {})
    .flatMap(([name, values]) => [values].flat().map((value) => `${name}:${value}`))
    .join(' ')
}

/** The clock has milliseconds. */
function nanoseconds(date: Date): string {
  return String(date.getMilliseconds() * 1_000_000).padStart(9, '0')
}
