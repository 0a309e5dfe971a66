import type { BlockEntry } from '../block/index.ts'
import { CborReader, CborWriter } from '../cbor/index.ts'

/** Bytes of the length before each item of a bundle of records, big-endian. */
export const recordLengthBytes = 4

/** What a bundle of records has for one of them: its length, then CBOR `[salt, record, body / nil]`, as blocks have it. */
export function encodeRecordItem({ salt, record, body }: Omit<BlockEntry, 'leaf'>): Uint8Array {
  const writer = new CborWriter(recordLengthBytes + 64 + salt.length + record.length + (body?.length ?? 0))
  writer.skip(recordLengthBytes).array(3).bytes(salt).bytes(record)
  if (body === undefined) writer.nil()
  else writer.bytes(body)
  const length = new Uint8Array(recordLengthBytes)
  new DataView(length.buffer).setUint32(0, writer.length - recordLengthBytes)
  return writer.patch(0, length).finish()
}

/**
 * Inverse of {@link encodeRecordItem}. Byte strings are views into the item.
 * @param item without its length
 * @throws {ProtocolError} ERR_CBOR_*
 */
export function decodeRecordItem(item: Uint8Array): Omit<BlockEntry, 'leaf'> {
  const reader = new CborReader(item)
  reader.array(3)
  const salt = reader.bytes(16)
  const record = reader.bytes()
  let body: Uint8Array | undefined
  if (reader.isNil()) reader.nil()
  else body = reader.bytes()
  reader.end()
  return { salt, record, body }
}
