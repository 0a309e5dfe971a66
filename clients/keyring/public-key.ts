import {
  bytesEqual,
  type CryptoProvider,
  checkedP256,
  fromHex,
  type P256Jwk,
  type P256PublicKey,
  ProtocolError,
  p256FromJwk,
  p256OfPoint,
} from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'

/** A P-256 public key in any of the forms that people have it in. */
export type PublicKeyInput = string | P256Jwk | P256PublicKey

/** SubjectPublicKeyInfo of an uncompressed P-256 point, up to the point (RFC 5480 section 2). */
const spkiStart = fromHex('3059301306072a8648ce3d020106082a8648ce3d030107034200')
/** Far above a key with a few lines of comment. */
const maxPemLength = 16_384

/**
 * Reads a public key: PEM (`PUBLIC KEY`), JWK or coordinates.
 * @throws {ClientError} ERR_PUBLIC_KEY
 */
export function readPublicKey(input: PublicKeyInput, crypto: CryptoProvider): P256PublicKey {
  try {
    if (typeof input === 'string') return fromPem(input, crypto)
    return 'kty' in input ? p256FromJwk(input, crypto) : checkedP256(input.x, input.y, crypto)
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    throw notAKey(cause)
  }
}

function fromPem(pem: string, crypto: CryptoProvider): P256PublicKey {
  if (pem.length > maxPemLength) throw notAKey()
  const [, body] = /-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----/.exec(pem) ?? []
  if (body === undefined) throw notAKey()
  const der = fromBase64(body)
  if (der.length !== spkiStart.length + 65 || !bytesEqual(der.subarray(0, spkiStart.length), spkiStart)) throw notAKey()
  const { x, y } = p256OfPoint(der.subarray(spkiStart.length))
  return checkedP256(x, y, crypto)
}

function fromBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text.replace(/\s/g, '')), (character) => character.charCodeAt(0))
  } catch (cause) {
    throw notAKey(cause)
  }
}

function notAKey(cause?: unknown): ClientError {
  return new ClientError('ERR_PUBLIC_KEY', 'not a P-256 public key in PEM or JWK', {}, cause)
}
