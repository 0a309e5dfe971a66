import type { CborValue } from '../cbor/index.ts'
import { encodeSign1, parseSign1, type Sign1 } from '../cose/index.ts'
import { ProtocolError } from '../errors.ts'
import type { Requester } from './key-event.ts'
import type { ChainRecord } from './record.ts'

/** A signed envelope as evidence: the COSE_Sign1 with its payload, whichever way it was carried. */
export interface SignedEvidence {
  readonly topic: string
  readonly sign1: Sign1
  /** Undefined when it was erased. */
  readonly payload: Uint8Array | undefined
}

/**
 * One key signed two contents under one sequence number. It proves that the key did, and nothing about why: a counter
 * that was set back looks the same as a stolen key.
 */
export interface SeqReuseEvent {
  readonly thumbprint: Uint8Array
  readonly seq: number
  /** Of the refused publish. */
  readonly signedTimeMs: number
  /** SHA-256 of the Sig_structure of the refused publish. */
  readonly contentDigest: Uint8Array
  /** Index of the record that has the number. */
  readonly acceptedIndex: number
  /** Topic of that record. */
  readonly acceptedTopic: string
  /** Topic of the refused publish. */
  readonly refusedTopic: string
  /** COSE_Sign1 of the accepted publish. */
  readonly accepted: Uint8Array
  /** COSE_Sign1 of the refused publish. */
  readonly refused: Uint8Array
}

const detail = { acceptedIndex: 1, acceptedTopic: 2, accepted: 3, refused: 4 } as const

/** Above this many bytes the two envelopes are recorded without their payloads. */
const maxEvidenceBytes = 256 * 1024

/**
 * The two envelopes as the record keeps them: with their payloads (field by field as received, so that both signatures
 * verify from the record alone), or both with nil where they would be too large together, or one is gone.
 */
export function evidenceOf(
  accepted: SignedEvidence,
  refused: SignedEvidence,
): Pick<SeqReuseEvent, 'accepted' | 'refused'> {
  if (accepted.payload !== undefined && refused.payload !== undefined) {
    const whole = {
      accepted: encodeSign1(accepted.sign1, accepted.payload),
      refused: encodeSign1(refused.sign1, refused.payload),
    }
    if (whole.accepted.length + whole.refused.length <= maxEvidenceBytes) return whole
  }
  return { accepted: encodeSign1(accepted.sign1, undefined), refused: encodeSign1(refused.sign1, undefined) }
}

/** @param requester whoever sent the refused publish */
export function seqReuseRecord(reuse: SeqReuseEvent, requester: Requester, timeMs: number): ChainRecord {
  const { refusedTopic: topic, thumbprint, seq, signedTimeMs, contentDigest } = reuse
  return {
    kind: 'seq-reuse',
    timeMs,
    topic,
    ...requester,
    thumbprint,
    seq,
    signedTimeMs,
    contentDigest,
    detail: new Map<number, CborValue>([
      [detail.acceptedIndex, reuse.acceptedIndex],
      [detail.acceptedTopic, reuse.acceptedTopic],
      [detail.accepted, reuse.accepted],
      [detail.refused, reuse.refused],
    ]),
  }
}

/** @throws {ProtocolError} ERR_RECORD_MALFORMED, ERR_CBOR_*, ERR_COSE_MALFORMED */
export function parseSeqReuse(record: ChainRecord): SeqReuseEvent & { acceptedSign1: Sign1; refusedSign1: Sign1 } {
  const { topic: refusedTopic, thumbprint, seq, signedTimeMs, contentDigest, detail: fields } = record
  if (record.kind !== 'seq-reuse' || fields?.size !== 4 || refusedTopic === undefined) throw malformed()
  if (thumbprint === undefined || seq === undefined || signedTimeMs === undefined || contentDigest === undefined) {
    throw malformed()
  }
  const acceptedIndex = fields.get(detail.acceptedIndex)
  const acceptedTopic = fields.get(detail.acceptedTopic)
  const accepted = fields.get(detail.accepted)
  const refused = fields.get(detail.refused)
  if (typeof acceptedIndex !== 'number' || acceptedIndex < 0 || typeof acceptedTopic !== 'string') throw malformed()
  if (!(accepted instanceof Uint8Array) || !(refused instanceof Uint8Array)) throw malformed()
  const acceptedSign1 = parseSign1(accepted)
  const refusedSign1 = parseSign1(refused)
  // Both or neither: one payload alone would show the content of one side only.
  if ((acceptedSign1.payload === undefined) !== (refusedSign1.payload === undefined)) throw malformed()
  const identity = { thumbprint, seq, signedTimeMs, contentDigest }
  const evidence = { acceptedIndex, acceptedTopic, refusedTopic, accepted, refused }
  return { ...identity, ...evidence, acceptedSign1, refusedSign1 }
}

function malformed(): ProtocolError {
  return new ProtocolError('ERR_RECORD_MALFORMED', 'not the record of a reused sequence number')
}
