import { createPrivateKey } from 'node:crypto'
import { type P256PrivateKey, p256ToJwk, toBase64url } from '../../protocol/index.ts'

/** A private key as WebCrypto imports it (RFC 5958), DER. */
export function encodePkcs8(key: P256PrivateKey): Uint8Array {
  const { kty, crv, x, y } = p256ToJwk(key)
  const object = createPrivateKey({ key: { kty, crv, x, y, d: toBase64url(key.d) }, format: 'jwk' })
  return object.export({ type: 'pkcs8', format: 'der' })
}
