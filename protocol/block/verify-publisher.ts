import { bytesEqual } from '../bytes.ts'
import {
  externalAad,
  isKidOf,
  type P256PublicKey,
  parseSign1,
  type Sign1,
  sigStructure,
  verifySign1,
} from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { readPublishHeaders } from '../envelope/publish-headers.ts'
import { ProtocolError } from '../errors.ts'
import { type ChainRecord, parseSeqReuse, type SessionEvent } from '../record/index.ts'
import { requestTopic } from '../topics/index.ts'

/** What a record says that a key signed. */
interface Claim {
  readonly topic: string
  readonly thumbprint: Uint8Array
  readonly seq: number | undefined
  /** Undefined where the record does not say it. */
  readonly signedTimeMs: number | undefined
  /** Undefined where the record that says it was erased. */
  readonly contentDigest: Uint8Array | undefined
}

/**
 * Verifies the publisher's signature of a record of a signed publish or will, from the record and the stored body
 * alone, and that the record says of it what it says itself.
 * @throws {ProtocolError} ERR_RECORD_MALFORMED, ERR_CBOR_*, ERR_COSE_*
 */
export async function verifyPublisherSignature(
  record: ChainRecord,
  body: Uint8Array | undefined,
  key: P256PublicKey,
  crypto: CryptoProvider,
): Promise<void> {
  const { topic, envelope, thumbprint, seq, signedTimeMs, contentDigest } = record
  if (topic === undefined || envelope === undefined || thumbprint === undefined || contentDigest === undefined) {
    throw malformed('a signed record lacks a field')
  }
  if (body === undefined) throw malformed('a signed record lacks its payload')
  const sign1 = parseSign1(envelope)
  if (sign1.payload !== undefined) throw malformed('the envelope holds the payload again')
  if (signedTimeMs === undefined) throw malformed('a signed record lacks its time')
  await verifyClaim({ topic, thumbprint, seq, signedTimeMs, contentDigest }, sign1, body, key, crypto)
}

/** Verifies the request that a session record holds. @throws {ProtocolError} ERR_RECORD_MALFORMED, ERR_CBOR_*, ERR_COSE_* */
export async function verifySessionRequest(
  session: SessionEvent,
  key: P256PublicKey,
  crypto: CryptoProvider,
): Promise<void> {
  const sign1 = parseSign1(session.request)
  if (sign1.payload === undefined) throw malformed('a request holds its payload')
  await verifyClaim({ ...session, topic: requestTopic.keyExchange }, sign1, sign1.payload, key, crypto)
}

/**
 * Verifies that both envelopes of a seq-reuse record are what it says: by the key, under the number, with different
 * contents. Without their payloads only what they say can be compared.
 * @param acceptedDigest content digest of the accepted record; undefined when that was erased
 * @throws {ProtocolError} ERR_RECORD_MALFORMED, ERR_CBOR_*, ERR_COSE_*
 */
export async function verifySeqReuse(
  record: ChainRecord,
  acceptedDigest: Uint8Array | undefined,
  key: P256PublicKey,
  crypto: CryptoProvider,
): Promise<void> {
  const { thumbprint, seq, acceptedTopic, refusedTopic, ...reuse } = parseSeqReuse(record)
  const { signedTimeMs, contentDigest } = reuse
  const accepted = { topic: acceptedTopic, thumbprint, seq, signedTimeMs: undefined, contentDigest: acceptedDigest }
  const refused = { topic: refusedTopic, thumbprint, seq, signedTimeMs, contentDigest }
  const sides = [
    [accepted, reuse.acceptedSign1],
    [refused, reuse.refusedSign1],
  ] as const
  for (const [claim, sign1] of sides) {
    if (sign1.payload === undefined) checkHeaders(claim, sign1)
    else await verifyClaim(claim, sign1, sign1.payload, key, crypto)
  }
  const { payload } = reuse.acceptedSign1
  if (payload === undefined) return
  if (bytesEqual(digestOf(reuse.acceptedSign1, acceptedTopic, payload, crypto), contentDigest)) {
    throw malformed('both sides have the same content')
  }
}

function digestOf(sign1: Sign1, topic: string, payload: Uint8Array, crypto: CryptoProvider): Uint8Array {
  return crypto.sha256(sigStructure(sign1.protectedBytes, externalAad(topic), payload))
}

async function verifyClaim(
  claim: Claim,
  sign1: Sign1,
  payload: Uint8Array,
  key: P256PublicKey,
  crypto: CryptoProvider,
): Promise<void> {
  checkHeaders(claim, sign1)
  const { topic, contentDigest } = claim
  if (contentDigest !== undefined && !bytesEqual(digestOf(sign1, topic, payload, crypto), contentDigest)) {
    throw malformed('content digest is not that of topic, payload and headers')
  }
  await verifySign1(sign1, key, externalAad(topic), crypto, payload)
}

function checkHeaders({ thumbprint, seq, signedTimeMs }: Claim, sign1: Sign1): void {
  const headers = readPublishHeaders(sign1)
  const agrees =
    isKidOf(headers.kid, thumbprint) &&
    headers.seq === seq &&
    (signedTimeMs === undefined || headers.timeMs === signedTimeMs)
  if (!agrees) throw malformed('record and envelope disagree')
}

function malformed(what: string): ProtocolError {
  return new ProtocolError('ERR_RECORD_MALFORMED', what)
}
