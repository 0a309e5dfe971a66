import { bytesEqual, CborReader, CborWriter } from '../../protocol/index.ts'
import { nativeCrypto } from '../native-crypto.ts'
import { encodeOffsets } from './offset-set.ts'
import { bytesOfTerm, type IndexedField, indexedFields, type Term, termOfBytes } from './terms.ts'

/** Another one means other bytes or other terms. */
const formatVersion = 2

const digestBytes = 16
/** About as much as a chunk has; larger ones make a search read more, smaller ones the summary longer. */
const chunkBytes = 8 * 1024

/** A run of terms, in their order, with where they stand. */
export interface ChunkInfo {
  readonly firstTerm: Term
  readonly digest: Uint8Array
}

/** What a segment has, and to what it belongs. Written last: a segment without one is not there. */
export interface SegmentSummary {
  /** Records of the segment. */
  readonly size: number
  /** SHA-256 of the header of the block that holds the last record of the segment. */
  readonly headerHash: Uint8Array
  readonly chunks: Readonly<Record<IndexedField, readonly ChunkInfo[]>>
}

/** A chunk with its place. */
export interface EncodedChunk {
  readonly field: IndexedField
  readonly number: number
  readonly content: Uint8Array
}

/** A digest of 16 bytes, then CBOR `[version, size, header hash, [+ [* [first term, digest of the chunk]]]]`, by field. */
export function encodeSummary({ size, headerHash, chunks }: SegmentSummary): Uint8Array {
  const writer = new CborWriter().array(4).int(formatVersion).int(size).bytes(headerHash).array(indexedFields.length)
  for (const field of indexedFields) {
    writer.array(chunks[field].length)
    for (const { firstTerm, digest } of chunks[field]) writer.array(2).bytes(bytesOfTerm(firstTerm)).bytes(digest)
  }
  const content = writer.finish()
  return Buffer.concat([digestOf(content), content])
}

/** @throws {ProtocolError} ERR_CBOR_*; {RangeError} another version, or altered */
export function decodeSummary(encoded: Uint8Array): SegmentSummary {
  const content = encoded.subarray(digestBytes)
  checkDigest(content, encoded.subarray(0, digestBytes))
  const reader = new CborReader(content)
  reader.array(4)
  if (reader.uint() !== formatVersion) throw new RangeError(`not of version ${formatVersion}`)
  const size = reader.uint()
  const headerHash = reader.bytes(32)
  reader.array(indexedFields.length)
  const chunks = {} as Record<IndexedField, ChunkInfo[]>
  for (const field of indexedFields) {
    chunks[field] = []
    for (let left = reader.array(); left > 0; left--) {
      reader.array(2)
      chunks[field].push({ firstTerm: termOfBytes(reader.bytes()), digest: reader.bytes(digestBytes) })
    }
  }
  reader.end()
  return { size, headerHash, chunks }
}

/**
 * The terms of one field in chunks: CBOR `[* [term, offsets]]` each.
 * @param terms with the places of their records, ascending
 * @param size records of the segment
 */
export function encodeChunks(
  field: IndexedField,
  terms: ReadonlyMap<Term, readonly number[]>,
  size: number,
): { infos: readonly ChunkInfo[]; chunks: readonly EncodedChunk[] } {
  const infos: ChunkInfo[] = []
  const chunks: EncodedChunk[] = []
  let pending: { term: Term; offsets: Uint8Array }[] = []
  let pendingBytes = 0
  const flush = () => {
    const [first] = pending
    if (first === undefined) return
    const writer = new CborWriter(pendingBytes + 16).array(pending.length)
    for (const { term, offsets } of pending) writer.array(2).bytes(bytesOfTerm(term)).bytes(offsets)
    const content = writer.finish()
    infos.push({ firstTerm: first.term, digest: digestOf(content) })
    chunks.push({ field, number: chunks.length, content })
    pending = []
    pendingBytes = 0
  }
  for (const term of [...terms.keys()].sort()) {
    const offsets = encodeOffsets(terms.get(term) ?? [], size)
    pending.push({ term, offsets })
    pendingBytes += term.length + offsets.length + 8
    if (pendingBytes >= chunkBytes) flush()
  }
  flush()
  return { infos, chunks }
}

/** @throws {ProtocolError} ERR_CBOR_*; {RangeError} altered */
export function* decodeChunk(content: Uint8Array, { digest }: ChunkInfo): Iterable<readonly [Term, Uint8Array]> {
  checkDigest(content, digest)
  const reader = new CborReader(content)
  for (let left = reader.array(); left > 0; left--) {
    reader.array(2)
    yield [termOfBytes(reader.bytes()), reader.bytes()]
  }
  reader.end()
}

/** Numbers of the chunks that may have terms with this beginning. */
export function* chunksWith(chunks: readonly ChunkInfo[], prefix: Term): Iterable<number> {
  const after = chunks.findIndex(({ firstTerm }) => firstTerm > prefix)
  const first = Math.max(0, (after === -1 ? chunks.length : after) - 1)
  for (const [number, { firstTerm }] of chunks.entries()) {
    if (number === first || (number > first && firstTerm.startsWith(prefix))) yield number
  }
}

function digestOf(content: Uint8Array): Uint8Array {
  return nativeCrypto.sha256(content).subarray(0, digestBytes)
}

function checkDigest(content: Uint8Array, digest: Uint8Array): void {
  if (!bytesEqual(digestOf(content), digest)) throw new RangeError('altered')
}
