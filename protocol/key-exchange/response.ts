import { bytesEqual } from '../bytes.ts'
import { type CborValue, encodeCbor } from '../cbor/index.ts'
import {
  algEsp256,
  coseKeyOfP256,
  externalAad,
  isKidOf,
  type P256PrivateKey,
  type P256PublicKey,
  parseSign1,
  signerHeaders,
  signerKidOf,
  signSign1,
  thumbprintOfP256,
  verifySign1,
} from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { sidBytes } from '../envelope/index.ts'
import { ProtocolError } from '../errors.ts'
import { keyExchangeResponseTopic } from '../topics/index.ts'
import { checkMessageSize, ExchangeFields, malformedExchange, nonceBytes } from './fields.ts'

const field = {
  ephemeral: 1,
  nonce: 2,
  sid: 3,
  expiryMs: 4,
  requestDigest: 5,
  brokerTimeMs: 6,
  highestSeq: 7,
} as const

/** What the broker answers. */
export interface KeyExchangeResponse {
  /** Made for this exchange and used in no other. */
  readonly ephemeral: P256PublicKey
  /** 16 random bytes. */
  readonly nonce: Uint8Array
  /** Names the session in hop MACs, 8 bytes. */
  readonly sid: Uint8Array
  /** End of the session, by the broker's clock, milliseconds since 1970. */
  readonly expiryMs: number
  /** SHA-256 of the request that is answered. */
  readonly requestDigest: Uint8Array
  /** The broker's clock: lets a device without one sign with a time that is not refused. */
  readonly brokerTimeMs: number
  /** Highest accepted sequence number of the client's key, the request included: where a device without storage goes on. */
  readonly highestSeq: number
}

/**
 * Signs a response with the broker's key.
 * @param thumbprint the broker's, 32 bytes
 * @param clientId whose response topic the signature is for
 */
export function signKeyExchangeResponse(
  key: P256PrivateKey,
  thumbprint: Uint8Array,
  clientId: string,
  response: KeyExchangeResponse,
  crypto: CryptoProvider,
): Uint8Array {
  const fields = new Map<number, CborValue>([
    [field.ephemeral, coseKeyOfP256(response.ephemeral)],
    [field.nonce, response.nonce],
    [field.sid, response.sid],
    [field.expiryMs, response.expiryMs],
    [field.requestDigest, response.requestDigest],
    [field.brokerTimeMs, response.brokerTimeMs],
    [field.highestSeq, response.highestSeq],
  ])
  const aad = externalAad(keyExchangeResponseTopic(clientId))
  // Without -65537, so that a response never passes for a publish of the broker's.
  return signSign1(key, signerHeaders(algEsp256, thumbprint), aad, encodeCbor(fields), crypto)
}

/** What a client knows about the response that it waits for. */
export interface ExpectedKeyExchangeResponse {
  /** The broker's key, pinned or given. */
  readonly brokerKey: P256PublicKey
  /** SHA-256 of the request that was sent. */
  readonly requestDigest: Uint8Array
  readonly clientId: string
}

/**
 * Parses and verifies a response, on the client's side: it is by that broker key, for that client, to that request.
 * @param message at most `maxKeyExchangeBytes`
 * @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_*, ERR_KEY_EXCHANGE_MALFORMED, ERR_KEY_EXCHANGE_MISMATCH,
 * ERR_KEY_UNSUPPORTED, ERR_KEY_INVALID
 */
export async function verifyKeyExchangeResponse(
  message: Uint8Array,
  expected: ExpectedKeyExchangeResponse,
  crypto: CryptoProvider,
): Promise<KeyExchangeResponse> {
  checkMessageSize(message)
  const sign1 = parseSign1(message)
  const { payload } = sign1
  const kid = signerKidOf(sign1)
  if (kid === undefined) throw malformedExchange('headers')
  if (payload === undefined) throw malformedExchange('no payload')
  if (!isKidOf(kid, thumbprintOfP256(expected.brokerKey, crypto))) throw mismatch('signed by another key')
  await verifySign1(sign1, expected.brokerKey, externalAad(keyExchangeResponseTopic(expected.clientId)), crypto)
  const response = readResponse(payload, crypto)
  if (!bytesEqual(response.requestDigest, expected.requestDigest)) throw mismatch('an answer to another request')
  return response
}

function readResponse(payload: Uint8Array, crypto: CryptoProvider): KeyExchangeResponse {
  const fields = new ExchangeFields(payload)
  const response = {
    ephemeral: fields.key(field.ephemeral, crypto),
    nonce: fields.bytes(field.nonce, nonceBytes),
    sid: fields.bytes(field.sid, sidBytes),
    expiryMs: fields.uint(field.expiryMs),
    requestDigest: fields.bytes(field.requestDigest, 32),
    brokerTimeMs: fields.uint(field.brokerTimeMs),
    highestSeq: fields.uint(field.highestSeq),
  }
  fields.end()
  return response
}

function mismatch(what: string): ProtocolError {
  return new ProtocolError('ERR_KEY_EXCHANGE_MISMATCH', what)
}
