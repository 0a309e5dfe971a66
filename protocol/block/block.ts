import { CborReader, CborWriter } from '../cbor/index.ts'
import { ProtocolError } from '../errors.ts'
import { saltBytes } from '../record/index.ts'
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
  const scan = scanBlock(encoded)
  const entries: BlockEntry[] = []
  for (let at = 0; at < scan.count; at++) entries.push(entryOf(scan, at))
  return { ...scan.header, entries }
}

/** Where parts of one kind begin in a block, by entry, and their lengths: both 0 for one that is not there. */
export interface Places {
  readonly starts: Uint32Array
  readonly lengths: Uint32Array
}

/** A block of which is known where everything lies: half of what hashing its parts costs would be views of them. */
export interface BlockScan {
  readonly encoded: Uint8Array
  readonly header: SignedHeader
  /** Entries, one at least. */
  readonly count: number
  readonly leaves: Places
  readonly salts: Places
  readonly records: Places
  readonly bodies: Places
}

/**
 * As {@link decodeBlock}, without making anything of its parts.
 * @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED, ERR_BLOCK_MALFORMED
 */
export function scanBlock(encoded: Uint8Array): BlockScan {
  const reader = new CborReader(encoded)
  const header = readHeader(reader)
  const count = reader.array()
  const [leaves, salts, records, bodies] = [placesOf(count), placesOf(count), placesOf(count), placesOf(count)]
  for (let at = 0; at < count; at++) scanBytes(reader, leaves, at)
  reader.array(count)
  for (let at = 0; at < count; at++) {
    if (reader.isNil()) {
      reader.nil()
      continue
    }
    reader.array(3)
    scanBytes(reader, salts, at, saltBytes)
    scanBytes(reader, records, at)
    if (reader.isNil()) reader.nil()
    else scanBytes(reader, bodies, at)
  }
  reader.end()
  if (count === 0) throw malformed('empty')
  return { encoded, header, count, leaves, salts, records, bodies }
}

const placesOf = (count: number): Places => ({ starts: new Uint32Array(count), lengths: new Uint32Array(count) })

function scanBytes(reader: CborReader, { starts, lengths }: Places, at: number, exactLength?: number): void {
  starts[at] = reader.skipBytes(exactLength)
  lengths[at] = reader.argument
}

/** One entry of a block, with views into it. @param at place in the block, from 0 on */
export function entryOf({ encoded, leaves, salts, records, bodies }: BlockScan, at: number): BlockEntry {
  const leaf = partAt(encoded, leaves, at)
  if (leaf === undefined) throw new RangeError('no such entry')
  const [salt, record] = [partAt(encoded, salts, at), partAt(encoded, records, at)]
  if (salt === undefined || record === undefined) return { leaf, salt: undefined, record: undefined, body: undefined }
  return { leaf, salt, record, body: partAt(encoded, bodies, at) }
}

function partAt(encoded: Uint8Array, { starts, lengths }: Places, at: number): Uint8Array | undefined {
  const start = starts[at]
  return start ? encoded.subarray(start, start + (lengths[at] as number)) : undefined
}

/** The records of a block alone. */
export interface BlockOfRecords extends SignedHeader {
  /** Encoded; undefined in the place of one that was erased. */
  readonly entries: readonly (Uint8Array | undefined)[]
}

/**
 * As {@link decodeBlock}, without salts, bodies and leaves, which are passed over.
 * @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED, ERR_BLOCK_MALFORMED
 */
export function decodeRecordsOfBlock(encoded: Uint8Array): BlockOfRecords {
  const reader = new CborReader(encoded)
  const header = readHeader(reader)
  const count = reader.array()
  for (let left = count; left > 0; left--) reader.skip()
  const entries: (Uint8Array | undefined)[] = []
  for (let left = reader.array(count); left > 0; left--) {
    if (reader.isNil()) {
      reader.nil()
      entries.push(undefined)
      continue
    }
    reader.array(3)
    reader.skip()
    entries.push(reader.bytes())
    reader.skip()
  }
  reader.end()
  if (count === 0) throw malformed('empty')
  return { ...header, entries }
}

/**
 * One entry of a stored block: the others, and the header, are passed over and not checked for their form.
 * @param at place in the block, from 0 on
 * @returns undefined when the block has no such entry
 * @throws {ProtocolError} ERR_CBOR_*, ERR_BLOCK_MALFORMED
 */
export function decodeEntry(encoded: Uint8Array, at: number): BlockEntry | undefined {
  const reader = new CborReader(encoded)
  readVersion(reader)
  reader.bytes()
  const count = reader.array()
  if (at < 0 || at >= count) return undefined
  for (let left = at; left > 0; left--) reader.skip()
  const leaf = reader.bytes()
  for (let left = count - at - 1; left > 0; left--) reader.skip()
  reader.array(count)
  for (let left = at; left > 0; left--) reader.skip()
  return readEntry(reader, leaf)
}

function readEntry(reader: CborReader, leaf: Uint8Array): BlockEntry {
  if (reader.isNil()) {
    reader.nil()
    return { leaf, salt: undefined, record: undefined, body: undefined }
  }
  reader.array(3)
  const salt = reader.bytes(16)
  const record = reader.bytes()
  if (!reader.isNil()) return { leaf, salt, record, body: reader.bytes() }
  reader.nil()
  return { leaf, salt, record, body: undefined }
}

/**
 * The header of a stored block alone, without reading what follows or verifying anything.
 * @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED, ERR_BLOCK_MALFORMED
 */
export function headerOfBlock(encoded: Uint8Array): SignedHeader {
  return readHeader(new CborReader(encoded))
}

function readHeader(reader: CborReader): SignedHeader {
  readVersion(reader)
  return parseSignedHeader(reader.bytes())
}

function readVersion(reader: CborReader): void {
  reader.array(4)
  if (reader.uint() !== blockVersion) throw malformed('version')
}

function malformed(what: string): ProtocolError {
  return new ProtocolError('ERR_BLOCK_MALFORMED', `not a block of version ${blockVersion}: ${what}`)
}
