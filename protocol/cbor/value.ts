import { bytesEqual, compareBytes } from '../bytes.ts'
import { ProtocolError } from '../errors.ts'
import { CborReader, majorType } from './reader.ts'
import { CborWriter } from './writer.ts'

/** The CBOR data model as far as our structures use it. Map keys are integers or text. */
export type CborValue =
  | number
  | string
  | boolean
  | null
  | Uint8Array
  | readonly CborValue[]
  | ReadonlyMap<CborKey, CborValue>
export type CborKey = number | string

/** Nesting that `decodeCbor` admits. */
export const maxDepth = 8

/** Deterministic encoding: map keys in bytewise order of their encodings. */
export function encodeCbor(value: CborValue): Uint8Array {
  const writer = new CborWriter()
  writeValue(writer, value)
  return writer.finish()
}

/** Writes any value of the data model. */
export function writeValue(writer: CborWriter, value: CborValue): void {
  if (typeof value === 'number') writer.int(value)
  else if (typeof value === 'string') writer.text(value)
  else if (typeof value === 'boolean') writer.bool(value)
  else if (value === null) writer.nil()
  else if (value instanceof Uint8Array) writer.bytes(value)
  else if (value instanceof Map) writeMap(writer, value)
  else {
    const items = value as readonly CborValue[]
    writer.array(items.length)
    for (const item of items) writeValue(writer, item)
  }
}

function writeMap(writer: CborWriter, map: ReadonlyMap<CborKey, CborValue>): void {
  const entries = [...map].map(([key, value]) => ({ key: encodeCbor(key), value }))
  entries.sort((a, b) => compareBytes(a.key, b.key))
  writer.map(entries.length)
  for (const { key, value } of entries) {
    writer.raw(key)
    writeValue(writer, value)
  }
}

/**
 * Decodes exactly one item, strictly. Byte strings are views into the input.
 * @throws {ProtocolError} ERR_CBOR_*
 */
export function decodeCbor(input: Uint8Array): CborValue {
  const reader = new CborReader(input)
  const value = readValue(reader)
  reader.end()
  return value
}

/** Reads the next item of any supported type. @param depth levels already around it */
export function readValue(reader: CborReader, depth = 0): CborValue {
  switch (reader.peekMajorType()) {
    case majorType.uint:
    case majorType.negative:
      return reader.int()
    case majorType.bytes:
      return reader.bytes()
    case majorType.text:
      return reader.text()
    case majorType.array: {
      const items: CborValue[] = []
      for (let left = enter(reader.array(), depth); left > 0; left--) items.push(readValue(reader, depth + 1))
      return items
    }
    case majorType.map:
      return readMap(reader, depth)
    case majorType.simple:
      if (reader.isNil()) {
        reader.nil()
        return null
      }
      return readSimple(reader)
    default:
      // Tags occur only where a structure has them; those readers expect them by number.
      throw new ProtocolError('ERR_CBOR_UNSUPPORTED', 'unexpected tag')
  }
}

function readSimple(reader: CborReader): boolean {
  try {
    return reader.bool()
  } catch (cause) {
    throw new ProtocolError('ERR_CBOR_UNSUPPORTED', 'float, undefined or other simple value', {}, cause)
  }
}

/** Reads a map whose keys are unique and in bytewise order. */
export function readMap(reader: CborReader, depth = 0): ReadonlyMap<CborKey, CborValue> {
  const map = new Map<CborKey, CborValue>()
  let previousKey: Uint8Array | undefined
  for (let left = enter(reader.map(), depth); left > 0; left--) {
    const start = reader.offset
    const major = reader.peekMajorType()
    if (major !== majorType.uint && major !== majorType.negative && major !== majorType.text) {
      throw new ProtocolError('ERR_CBOR_UNSUPPORTED', 'map key is neither an integer nor text')
    }
    const key = readValue(reader, depth + 1) as CborKey
    const encodedKey = reader.input.subarray(start, reader.offset)
    if (previousKey !== undefined && compareBytes(previousKey, encodedKey) >= 0) {
      const problem = bytesEqual(previousKey, encodedKey) ? 'duplicate map key' : 'map keys out of order'
      throw new ProtocolError('ERR_CBOR_NOT_DETERMINISTIC', problem)
    }
    previousKey = encodedKey
    map.set(key, readValue(reader, depth + 1))
  }
  return map
}

function enter(count: number, depth: number): number {
  if (depth >= maxDepth) throw new ProtocolError('ERR_CBOR_TOO_DEEP', `nested deeper than ${maxDepth}`)
  return count
}
