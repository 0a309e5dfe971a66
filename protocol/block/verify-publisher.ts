import { bytesEqual } from '../bytes.ts'
import {
  externalAad,
  headerLabel,
  isKidOf,
  type P256PublicKey,
  parseSign1,
  sigStructure,
  verifySign1,
} from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
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
  const kid = sign1.protectedHeaders.get(headerLabel.kid)
  const mark = sign1.protectedHeaders.get(headerLabel.notaryPublish)
  const agrees =
    kid instanceof Uint8Array &&
    isKidOf(kid, thumbprint) &&
    Array.isArray(mark) &&
    mark[0] === seq &&
    mark[1] === signedTimeMs &&
    sign1.payload === undefined
  if (!agrees) throw new ProtocolError('ERR_RECORD_MALFORMED', 'record and envelope disagree')
  const aad = externalAad(topic)
  if (!bytesEqual(crypto.sha256(sigStructure(sign1.protectedBytes, aad, body)), contentDigest)) {
    throw new ProtocolError('ERR_RECORD_MALFORMED', 'content digest is not that of topic, payload and headers')
  }
  await verifySign1(sign1, key, aad, crypto, body)
}
