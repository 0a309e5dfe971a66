import { CborReader, CborWriter } from '../cbor/index.ts'
import { ProtocolError } from '../errors.ts'
import { parseSignedHeader, type SignedHeader } from './header.ts'

export const blockVersion = 1

/** What is stored for one record. */
export interface KeptEntry {
  readonly leaf: Uint8Array
  readonly salt: Uint8Array
  /** Encoded record. */
  readonly record: Uint8Array
  /** Application payload; undefined for records that have none, and for those whose payload was erased. */
  readonly body: Uint8Array | undefined
}

/** What is left of a record that was erased: the tree still holds its leaf, which says nothing about it. */
export interface ErasedEntry {
  readonly leaf: Uint8Array
  readonly salt: undefined
  readonly record: undefined
  readonly body: undefined
}

/** One place in the tree. Whether its record is there has to be asked first. */
export type BlockEntry = KeptEntry | ErasedEntry

/** One group commit: one value in the store. */
export interface Block extends SignedHeader {
  readonly entries: readonly BlockEntry[]
}

/** CBOR `[1, signed header, [+ leaf], [+ [salt, record, body / nil] / nil]]`; nil in place of what was erased. */
export function encodeBlock(signed: Uint8Array, entries: readonly BlockEntry[]): Uint8Array {
  let size = signed.length + 32
  for (const entry of entries) size += 45 + 16 + 24 + (entry.record?.length ?? 0) + (entry.body?.length ?? 0)
  const writer = new CborWriter(size).array(4).int(blockVersion).bytes(signed).array(entries.length)
  for (const entry of entries) writer.bytes(entry.leaf)
  writer.array(entries.length)
  for (const entry of entries) {
    if (entry.record === undefined) {
      writer.nil()
      continue
    }
    writer.array(3).bytes(entry.salt).bytes(entry.record)
    if (entry.body === undefined) writer.nil()
    else writer.bytes(entry.body)
  }
  return writer.finish()
}

/**
 * Decodes a stored block without verifying it. Byte strings are views into the input.
 * @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED, ERR_BLOCK_MALFORMED
 */
export function decodeBlock(encoded: Uint8Array): Block {
  const reader = new CborReader(encoded)
  const header = readHeader(reader)
  const leaves: Uint8Array[] = []
  for (let left = reader.array(); left > 0; left--) leaves.push(reader.bytes())
  const entries: BlockEntry[] = []
  reader.array(leaves.length)
  for (const leaf of leaves) {
    if (reader.isNil()) {
      reader.nil()
      entries.push({ leaf, salt: undefined, record: undefined, body: undefined })
      continue
    }
    reader.array(3)
    const salt = reader.bytes(16)
    const record = reader.bytes()
    let body: Uint8Array | undefined
    if (reader.isNil()) reader.nil()
    else body = reader.bytes()
    entries.push({ leaf, salt, record, body })
  }
  reader.end()
  if (entries.length === 0) throw malformed('empty')
  return { ...header, entries }
}

/**
 * The header of a stored block alone, without reading what follows or verifying anything.
 * @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED, ERR_BLOCK_MALFORMED
 */
export function headerOfBlock(encoded: Uint8Array): SignedHeader {
  return readHeader(new CborReader(encoded))
}

function readHeader(reader: CborReader): SignedHeader {
  reader.array(4)
  if (reader.uint() !== blockVersion) throw malformed('version')
  return parseSignedHeader(reader.bytes())
}

function malformed(what: string): ProtocolError {
  return new ProtocolError('ERR_BLOCK_MALFORMED', `not a block of version ${blockVersion}: ${what}`)
}
