import { majorType } from '../cbor/index.ts'
import { recordField } from './codec.ts'
import { recordVersion } from './record.ts'
import { authKinds, outcomes, recordKinds } from './vocabulary.ts'

/** What a publish that nobody signed is held against: its leaf and its body. */
export interface PlainPublish {
  readonly timeMs: number
  /** Where its 32 bytes begin in the input. */
  readonly payloadSha256At: number
  readonly payloadSize: number
}

const auths = new Set<number>(Object.values(authKinds))
const plainOutcomes = new Set<number>([outcomes.unsigned, outcomes['unknown-key'], outcomes.will])
const sha256Bytes = 32

/**
 * Reads what has to be verified of a publish that nobody signed, and makes nothing of the rest, for the records that
 * nearly all of most chains are. Takes a quarter of what `decodeRecord` does, by reading only the forms that such a
 * record has.
 * @param start where the record begins @param end where it ends; within `encoded`
 * @returns undefined for every other record, well-formed or not, and for some of these: those with properties, with
 *   text that is not ASCII, or with another stored topic. Only `decodeRecord` can judge them.
 */
export function readPlainPublish(encoded: Uint8Array, start = 0, end = encoded.length): PlainPublish | undefined {
  const pairs = (encoded[start] as number) - (majorType.map << 5)
  // Bytes are compared with the numbers themselves: below 24 they are one another.
  if (pairs > maxInHead || !beginsAsPublish(encoded, start + 1)) return undefined
  let at = start + 6
  const timeMs = uintAt(encoded, at)
  at += uintBytes(encoded[at] as number)
  let payloadSha256At = 0
  let payloadSize = notRead
  let previous: number = recordField.timeMs
  for (let left = pairs - 3; left > 0; left--) {
    const key = encoded[at++] as number
    // Also refuses what is behind the end, once more is wanted than is there.
    if (!(key > previous && at < end)) return undefined
    previous = key
    if (key === recordField.payloadSha256) {
      if (encoded[at] !== byteStringOfByteLength || encoded[at + 1] !== sha256Bytes) return undefined
      payloadSha256At = at + 2
      at += 2 + sha256Bytes
    } else if (key === recordField.payloadSize) {
      payloadSize = uintAt(encoded, at)
      at += uintBytes(encoded[at] as number)
    } else if (isText(key)) {
      at = afterAscii(encoded, at, end)
      if (at === notRead) return undefined
    } else if (!isValueOf(key, encoded[at++] as number)) return undefined
  }
  const isWhole = at === end && timeMs !== notRead && payloadSha256At > 0 && payloadSize !== notRead
  return isWhole ? { timeMs, payloadSha256At, payloadSize } : undefined
}

const notRead = -1
/** The largest argument of a CBOR head of one byte. */
const maxInHead = 23
const byteStringOfByteLength = (majorType.bytes << 5) | 24
const textString = majorType.text << 5
const [cborFalse, cborTrue] = [0xf4, 0xf5]

/** Version and kind, and the key of the time. */
function beginsAsPublish(encoded: Uint8Array, at: number): boolean {
  return (
    encoded[at] === recordField.version &&
    encoded[at + 1] === recordVersion &&
    encoded[at + 2] === recordField.kind &&
    encoded[at + 3] === recordKinds.publish &&
    encoded[at + 4] === recordField.timeMs
  )
}

function isText(key: number): boolean {
  const { topic, clientId, username, listener } = recordField
  return key === topic || key === clientId || key === username || key === listener
}

/** Whether a value of one byte is one that such a publish has. */
function isValueOf(key: number, value: number): boolean {
  switch (key) {
    case recordField.auth:
      return auths.has(value)
    case recordField.qos:
      return value <= 2
    case recordField.retain:
      return value === cborFalse || value === cborTrue
    case recordField.outcome:
      return plainOutcomes.has(value)
    default:
      return false
  }
}

/** Bytes of the unsigned integer that begins with this one. */
function uintBytes(first: number): number {
  return first <= maxInHead ? 1 : 1 + (1 << (first - maxInHead - 1))
}

/** The unsigned integer at a place; {@link notRead} when that is none. */
function uintAt(encoded: Uint8Array, at: number): number {
  return argumentAt(encoded, at, encoded[at] as number)
}

/**
 * The argument of the head at a place, in its shortest form (RFC 8949 section 4.2.1) and below 2^53; or {@link notRead}.
 * @param first the byte there, less its major type
 */
function argumentAt(encoded: Uint8Array, at: number, first: number): number {
  if (first >= 0 && first <= maxInHead) return first
  switch (first) {
    case 24:
      return atLeast(24, encoded[at + 1] as number)
    case 25:
      return atLeast(0x100, ((encoded[at + 1] as number) << 8) | (encoded[at + 2] as number))
    case 26:
      return atLeast(0x1_0000, uint32At(encoded, at + 1))
    case 27: {
      const high = uint32At(encoded, at + 1)
      return high > 0x1f_ffff ? notRead : atLeast(0x1_0000_0000, high * 0x1_0000_0000 + uint32At(encoded, at + 5))
    }
    default:
      return notRead
  }
}

function atLeast(least: number, value: number): number {
  return value >= least ? value : notRead
}

function uint32At(encoded: Uint8Array, at: number): number {
  const high = ((encoded[at] as number) << 8) | (encoded[at + 1] as number)
  return high * 0x1_0000 + (((encoded[at + 2] as number) << 8) | (encoded[at + 3] as number))
}

/** Where the text string at a place ends; {@link notRead} when that is none, too long for it, or not ASCII. */
function afterAscii(encoded: Uint8Array, at: number, end: number): number {
  const first = (encoded[at] as number) - textString
  const length = argumentAt(encoded, at, first)
  if (length === notRead) return notRead
  const start = at + uintBytes(first)
  const stop = start + length
  if (stop > end) return notRead
  let all = 0
  for (let place = start; place < stop; place++) all |= encoded[place] as number
  return all < 0x80 ? stop : notRead
}
