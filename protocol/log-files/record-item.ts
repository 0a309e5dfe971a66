import type { BlockEntry } from '../block/index.ts'
import { CborReader, CborWriter } from '../cbor/index.ts'

/** Bytes of the length before each item of a bundle of records, big-endian. */
export const recordLengthBytes = 4

/**
 * What a bundle of records has for one of them: its length, then CBOR as blocks have it: `[salt, record, body / nil]`, or
 * nil where the record was erased.
 */
export function encodeRecordItem({ salt, record, body }: BlockEntry): Uint8Array {
  const kept = record === undefined ? 0 : salt.length + record.length + (body?.length ?? 0)
  const writer = new CborWriter(recordLengthBytes + 64 + kept).skip(recordLengthBytes)
  if (record === undefined) writer.nil()
  else {
    writer.array(3).bytes(salt).bytes(record)
    if (body === undefined) writer.nil()
    else writer.bytes(body)
  }
  const length = new Uint8Array(recordLengthBytes)
  new DataView(length.buffer).setUint32(0, writer.length - recordLengthBytes)
  return writer.patch(0, length).finish()
}

/**
 * Inverse of {@link encodeRecordItem}. Byte strings are views into the item.
 * @param item without its length
 * @param leaf that it belongs to, which lies elsewhere
 * @throws {ProtocolError} ERR_CBOR_*
 */
export function decodeRecordItem(item: Uint8Array, leaf: Uint8Array): BlockEntry {
  const reader = new CborReader(item)
  if (reader.isNil()) {
    reader.nil()
    reader.end()
    return { leaf, salt: undefined, record: undefined, body: undefined }
  }
  reader.array(3)
  const salt = reader.bytes(16)
  const record = reader.bytes()
  let body: Uint8Array | undefined
  if (reader.isNil()) reader.nil()
  else body = reader.bytes()
  reader.end()
  return { leaf, salt, record, body }
}
