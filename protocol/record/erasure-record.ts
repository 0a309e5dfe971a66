import type { CborValue } from '../cbor/index.ts'
import { ProtocolError } from '../errors.ts'
import type { IndexRange } from './index-ranges.ts'
import type { Requester } from './key-event.ts'
import { type ChainRecord, isSignedPublish } from './record.ts'
import type { RecordKind } from './vocabulary.ts'

/** What an erasure takes: payloads alone, or records with their salts and payloads. */
const erasable = { bodies: 1, records: 2 } as const
export type Erasable = keyof typeof erasable

/** Highest sequence number that one key loses its record of. */
export interface ErasedSeq {
  /** Of the key, 32 bytes. */
  readonly thumbprint: Uint8Array
  readonly highest: number
}

/**
 * Something is taken out of the blocks below this record. Headers and leaves stay, and with them every proof. Written
 * and durable before anything is gone, so that whatever is missing and not announced is damage.
 */
export interface ErasureEvent {
  readonly what: Erasable
  /** In ascending order and apart; never the genesis, always below the record itself. */
  readonly ranges: readonly IndexRange[]
  /** The rule that led to it, or the reason that was given. */
  readonly reason: string
  /**
   * Of the keys that signed what is erased, in ascending order of thumbprints: nothing at or below these numbers is
   * accepted any more, since nobody can tell which of them were used.
   */
  readonly seqs: readonly ErasedSeq[]
}

/** Bounds of one record, so that reading one never takes much memory. More is said in several records. */
export const maxErasureRanges = 8192
export const maxErasureSeqs = 2048
export const maxErasureReasonBytes = 1024

const detail = { what: 1, ranges: 2, reason: 3, seqs: 4 } as const
const sha256Bytes = 32

export function erasureRecord(erasure: ErasureEvent, requester: Requester, timeMs: number): ChainRecord {
  const { what, ranges, reason, seqs } = erasure
  const fields = new Map<number, CborValue>([
    [detail.what, erasable[what]],
    [detail.ranges, ranges.flat()],
    [detail.reason, reason],
  ])
  if (seqs.length > 0) {
    fields.set(
      detail.seqs,
      seqs.map(({ thumbprint, highest }) => [thumbprint, highest]),
    )
  }
  return { kind: 'erasure', timeMs, ...requester, detail: fields }
}

/** @throws {ProtocolError} ERR_RECORD_MALFORMED */
export function parseErasure(record: ChainRecord): ErasureEvent {
  const { detail: fields } = record
  if (record.kind !== 'erasure' || fields === undefined) throw malformed('a field is missing')
  const what = fields.get(detail.what) === erasable.bodies ? 'bodies' : 'records'
  const seqs = fields.get(detail.seqs)
  const reason = fields.get(detail.reason)
  const size = seqs === undefined ? 3 : 4
  if (fields.size !== size || fields.get(detail.what) !== erasable[what]) throw malformed('what')
  if (typeof reason !== 'string' || new TextEncoder().encode(reason).length > maxErasureReasonBytes) {
    throw malformed('reason')
  }
  // Numbers are given up with the records that tell which were used.
  if (seqs !== undefined && what === 'bodies') throw malformed('sequence numbers')
  const ranges = parseRanges(fields.get(detail.ranges))
  return { what, ranges, reason, seqs: seqs === undefined ? [] : parseSeqs(seqs) }
}

function parseRanges(value: CborValue | undefined): readonly IndexRange[] {
  if (!Array.isArray(value) || value.length === 0 || value.length % 2 !== 0) throw malformed('ranges')
  if (value.length > 2 * maxErasureRanges) throw malformed('ranges')
  const ranges: IndexRange[] = []
  // The genesis record, at index 0, is never erased; two ranges that touch are one.
  let before = -1
  for (let at = 0; at < value.length; at += 2) {
    const [first, last] = value.slice(at, at + 2) as readonly CborValue[]
    if (typeof first !== 'number' || typeof last !== 'number') throw malformed('ranges')
    if (first <= before + 1 || last < first) throw malformed('ranges')
    ranges.push([first, last])
    before = last
  }
  return ranges
}

function parseSeqs(value: CborValue): readonly ErasedSeq[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > maxErasureSeqs) throw malformed('sequence numbers')
  const seqs: ErasedSeq[] = []
  for (const item of value as readonly CborValue[]) {
    if (!Array.isArray(item) || item.length !== 2) throw malformed('sequence numbers')
    const [thumbprint, highest] = item as readonly CborValue[]
    if (!(thumbprint instanceof Uint8Array) || thumbprint.length !== sha256Bytes) throw malformed('thumbprint')
    if (typeof highest !== 'number' || highest < 0) throw malformed('sequence numbers')
    const before = seqs.at(-1)
    if (before !== undefined && compareBytes(before.thumbprint, thumbprint) >= 0) throw malformed('thumbprints')
    seqs.push({ thumbprint, highest })
  }
  return seqs
}

/** The order that thumbprints have in a record. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (const [i, byte] of a.entries()) {
    const difference = byte - (b[i] ?? -1)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** Kinds that may be erased as a whole. All others govern the records after them, or are evidence, and stay for ever. */
export function mayBeErased(kind: RecordKind): boolean {
  return kind === 'publish' || kind === 'session'
}

/** Whether a record took a sequence number of its signer, for which its erasure has to answer. */
export function tookSeq(
  record: ChainRecord,
): record is ChainRecord & Required<Pick<ChainRecord, 'thumbprint' | 'seq'>> {
  const isSigned = record.kind === 'session' || isSignedPublish(record)
  return isSigned && record.thumbprint !== undefined && record.seq !== undefined
}

function malformed(what: string): ProtocolError {
  return new ProtocolError('ERR_RECORD_MALFORMED', `not the record of an erasure: ${what}`)
}
