import { CborReader } from '../cbor/index.ts'
import { ProtocolError } from '../errors.ts'
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
 * Reads what has to be verified of a publish that nobody signed, and makes nothing of the rest: half the time of
 * `decodeRecord`, for the records that nearly all of most chains are.
 * @param start where the record begins @param end where it ends; within `encoded`
 * @returns undefined for every other record, well-formed or not, and for some of these: those with properties, with
 *   text that is not ASCII, or with another stored topic. Only `decodeRecord` can judge them.
 */
export function readPlainPublish(encoded: Uint8Array, start = 0, end = encoded.length): PlainPublish | undefined {
  try {
    return read(new CborReader(encoded, start, end))
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

function read(reader: CborReader): PlainPublish | undefined {
  const pairs = reader.map()
  if (reader.int() !== recordField.version || reader.int() !== recordVersion) return undefined
  if (reader.int() !== recordField.kind || reader.int() !== recordKinds.publish) return undefined
  if (reader.int() !== recordField.timeMs) return undefined
  const timeMs = reader.uint()
  let payloadSha256At: number | undefined
  let payloadSize: number | undefined
  let previous: number = recordField.timeMs
  for (let left = pairs - 3; left > 0; left--) {
    const key = reader.int()
    if (key <= previous) return undefined
    previous = key
    if (key === recordField.payloadSha256) payloadSha256At = reader.skipBytes(sha256Bytes)
    else if (key === recordField.payloadSize) payloadSize = reader.uint()
    else if (!pass(reader, key)) return undefined
  }
  reader.end()
  if (payloadSha256At === undefined || payloadSize === undefined) return undefined
  return { timeMs, payloadSha256At, payloadSize }
}

/** @returns false: a value that such a publish has not, or that takes a closer look */
function pass(reader: CborReader, key: number): boolean {
  switch (key) {
    case recordField.topic:
    case recordField.clientId:
    case recordField.username:
    case recordField.listener:
      return reader.skipText()
    case recordField.auth:
      return auths.has(reader.int())
    case recordField.qos:
      return reader.uint() <= 2
    case recordField.retain:
      reader.bool()
      return true
    case recordField.outcome:
      return plainOutcomes.has(reader.int())
    default:
      return false
  }
}
