import { type CborValue, encodeCbor } from '../cbor/index.ts'
import {
  coseKeyOfP256,
  emptyMap,
  encodeSign1,
  externalAad,
  kidOf,
  type P256PrivateKey,
  type P256PublicKey,
  parseSign1,
  shortKidBytes,
  sigStructure,
  verifySign1,
} from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { type Envelope, publishProtectedHeaders, readPublishHeaders } from '../envelope/index.ts'
import { requestTopic } from '../topics/index.ts'
import { checkMessageSize, ExchangeFields, malformedExchange, nonceBytes } from './fields.ts'

const field = { ephemeral: 1, nonce: 2, clientId: 3, brokerKid: 4 } as const

/** What a client asks with. */
export interface KeyExchangeRequest {
  /** Made for this exchange and used in no other. */
  readonly ephemeral: P256PublicKey
  /** 16 random bytes. */
  readonly nonce: Uint8Array
  /** Who will use the session: needed over a socket, where nothing else says it; over MQTT it must match. */
  readonly clientId: string | undefined
  /** Prefix of the thumbprint of the broker that is meant, 8 to 32 bytes. */
  readonly brokerKid: Uint8Array | undefined
}

/** A request as it came: parsed, its signature not yet verified. */
export interface ReceivedKeyExchangeRequest extends KeyExchangeRequest {
  /** The COSE_Sign1, which is checked and uses up its sequence number as a publish to the request topic does. */
  readonly envelope: Envelope
  /** SHA-256 of the message. */
  readonly digest: Uint8Array
}

/** A request that only its signature is missing from. */
export interface UnsignedKeyExchangeRequest {
  /** What the client's long-term key signs (RFC 9052 section 4.4). */
  readonly toBeSigned: Uint8Array
  /** @param signature r || s, 64 bytes @returns the message */
  readonly signedWith: (signature: Uint8Array) => Uint8Array
}

/** Makes a request for whoever holds the key elsewhere. @param thumbprint the signer's, 32 bytes */
export function unsignedKeyExchangeRequest(
  thumbprint: Uint8Array,
  request: KeyExchangeRequest & { readonly seq: number; readonly timeMs: number },
): UnsignedKeyExchangeRequest {
  const fields = new Map<number, CborValue>([
    [field.ephemeral, coseKeyOfP256(request.ephemeral)],
    [field.nonce, request.nonce],
  ])
  if (request.clientId !== undefined) fields.set(field.clientId, request.clientId)
  if (request.brokerKid !== undefined) fields.set(field.brokerKid, request.brokerKid)
  const protectedBytes = publishProtectedHeaders(kidOf(thumbprint), request.seq, request.timeMs)
  const payload = encodeCbor(fields)
  return {
    toBeSigned: sigStructure(protectedBytes, externalAad(requestTopic.keyExchange), payload),
    signedWith: (signature) => encodeSign1({ protectedBytes, unprotectedBytes: emptyMap, signature }, payload),
  }
}

/** Signs a request. @param thumbprint the signer's, 32 bytes */
export function signKeyExchangeRequest(
  key: P256PrivateKey,
  thumbprint: Uint8Array,
  request: KeyExchangeRequest & { readonly seq: number; readonly timeMs: number },
  crypto: CryptoProvider,
): Uint8Array {
  const { toBeSigned, signedWith } = unsignedKeyExchangeRequest(thumbprint, request)
  return signedWith(crypto.signP256(key, toBeSigned))
}

/**
 * Parses a request, strictly: the headers of a signed publish, and these fields in this size only. The ephemeral key is
 * a point of the curve. Nothing is verified.
 * @param message at most `maxKeyExchangeBytes`
 * @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED, ERR_KEY_EXCHANGE_MALFORMED, ERR_KEY_UNSUPPORTED,
 * ERR_KEY_INVALID
 */
export function parseKeyExchangeRequest(message: Uint8Array, crypto: CryptoProvider): ReceivedKeyExchangeRequest {
  checkMessageSize(message)
  const sign1 = parseSign1(message)
  const headers = readPublishHeaders(sign1)
  const { payload } = sign1
  if (payload === undefined) throw malformedExchange('no payload')
  const fields = new ExchangeFields(payload)
  const nonce = fields.bytes(field.nonce, nonceBytes)
  const clientId = fields.has(field.clientId) ? fields.text(field.clientId) : undefined
  const brokerKid = fields.has(field.brokerKid) ? fields.bytes(field.brokerKid, shortKidBytes, 32) : undefined
  const ephemeral = fields.key(field.ephemeral, crypto)
  fields.end()
  const envelope: Envelope = { carrier: 'attached', ...headers, sign1, payload, mac: undefined }
  return { envelope, digest: crypto.sha256(message), ephemeral, nonce, clientId, brokerKid }
}

/**
 * Verifies the signature of a request.
 * @param key the one that the kid stands for
 * @throws {ProtocolError} ERR_COSE_ALG_NOT_ALLOWED, ERR_COSE_SIGNATURE_INVALID
 */
export function verifyKeyExchangeRequest(
  request: ReceivedKeyExchangeRequest,
  key: P256PublicKey,
  crypto: CryptoProvider,
): Promise<void> {
  return verifySign1(request.envelope.sign1, key, externalAad(requestTopic.keyExchange), crypto)
}
