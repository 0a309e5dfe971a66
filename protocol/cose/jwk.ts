import { fromBase64url, toBase64url } from '../bytes.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'
import { checkedP256, type P256PublicKey } from './cose-key.ts'

/** A P-256 public key as JSON Web Key (RFC 7517, RFC 7518 section 6.2). */
export interface P256Jwk {
  readonly kty: 'EC'
  readonly crv: 'P-256'
  readonly x: string
  readonly y: string
}

export function p256ToJwk(key: P256PublicKey): P256Jwk {
  return { kty: 'EC', crv: 'P-256', x: toBase64url(key.x), y: toBase64url(key.y) }
}

/**
 * Reads a public key from a JWK that came from outside. One with a private part is refused, so that nobody gets used
 * to sending it.
 * @throws {ProtocolError} ERR_KEY_UNSUPPORTED, ERR_KEY_INVALID
 */
export function p256FromJwk(value: unknown, crypto: CryptoProvider): P256PublicKey {
  const jwk = value as Partial<Record<'kty' | 'crv' | 'x' | 'y' | 'd', unknown>> | null
  if (typeof jwk !== 'object' || jwk === null || jwk.kty !== 'EC' || jwk.crv !== 'P-256') {
    throw new ProtocolError('ERR_KEY_UNSUPPORTED', 'not a JWK of an EC key on P-256')
  }
  if (jwk.d !== undefined) throw new ProtocolError('ERR_KEY_UNSUPPORTED', 'a private key; send the public one')
  return checkedP256(coordinate(jwk.x), coordinate(jwk.y), crypto)
}

function coordinate(text: unknown): Uint8Array {
  if (typeof text !== 'string') throw new ProtocolError('ERR_KEY_INVALID', 'a JWK coordinate is base64url text')
  try {
    return fromBase64url(text)
  } catch (cause) {
    throw new ProtocolError('ERR_KEY_INVALID', 'a JWK coordinate is not base64url', {}, cause)
  }
}
