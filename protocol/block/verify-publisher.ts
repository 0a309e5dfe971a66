import { bytesEqual } from '../bytes.ts'
import { externalAad, isKidOf, type P256PublicKey, parseSign1, sigStructure, verifySign1 } from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { readPublishHeaders } from '../envelope/publish-headers.ts'
import { ProtocolError } from '../errors.ts'
import type { ChainRecord } from '../record/index.ts'

/**
 * Verifies the publisher's signature of a record with outcome `signed`, from the record and the stored body alone, and
 * that the record says of it what it says itself.
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
    throw new ProtocolError('ERR_RECORD_MALFORMED', 'a signed record lacks a field')
  }
  if (body === undefined) throw new ProtocolError('ERR_RECORD_MALFORMED', 'a signed record lacks its payload')
  const sign1 = parseSign1(envelope)
  const headers = readPublishHeaders(sign1)
  const agrees =
    isKidOf(headers.kid, thumbprint) &&
    headers.seq === seq &&
    headers.timeMs === signedTimeMs &&
    sign1.payload === undefined
  if (!agrees) throw new ProtocolError('ERR_RECORD_MALFORMED', 'record and envelope disagree')
  const aad = externalAad(topic)
  if (!bytesEqual(crypto.sha256(sigStructure(sign1.protectedBytes, aad, body)), contentDigest)) {
    throw new ProtocolError('ERR_RECORD_MALFORMED', 'content digest is not that of topic, payload and headers')
  }
  await verifySign1(sign1, key, aad, crypto, body)
}
