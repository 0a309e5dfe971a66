import type { X509Certificate } from 'node:crypto'
import { type AuditChain, nativeCrypto, PluginError, type Publisher } from '../../plugins/index.ts'
import {
  type P256PublicKey,
  ProtocolError,
  p256FromJwk,
  shortKidBytes,
  thumbprintOfP256,
  toHex,
} from '../../protocol/index.ts'
import { usernameOf } from '../listeners/certificate-identity.ts'

/**
 * Enrols the key of a client certificate, which the TLS handshake has proved, as one of a publisher, under the common name
 * of the certificate. A key on another curve is none of ours.
 * @throws {PluginError} ERR_KEY_* when it cannot be enrolled: it is the broker's own, or its kid belongs to another
 */
export async function enrollCertificateKey(
  chain: AuditChain,
  certificate: X509Certificate,
  { clientId, username, auth, listener }: Publisher,
): Promise<void> {
  const key = keyOf(certificate)
  if (key === undefined || isKnown(chain, key)) return
  const requester = { clientId, ...(username === undefined ? undefined : { username }), auth, listener }
  const [name, otherName] = nameFor(certificate, key)
  try {
    await chain.enroll(key, name, requester)
  } catch (error) {
    // A renewed certificate has another key, and a name belongs to one key for ever.
    if (!(error instanceof PluginError && error.code === 'ERR_KEY_NAME_TAKEN')) throw error
    await chain.enroll(key, otherName, requester)
  }
}

/** Thumbprint of the key of a client certificate, which the TLS handshake has proved; undefined: on another curve. */
export function certificateThumbprint(certificate: X509Certificate): Uint8Array | undefined {
  const key = keyOf(certificate)
  return key === undefined ? undefined : thumbprintOfP256(key, nativeCrypto)
}

function keyOf({ publicKey }: X509Certificate): P256PublicKey | undefined {
  if (publicKey.asymmetricKeyType !== 'ec') return undefined
  try {
    return p256FromJwk(publicKey.export({ format: 'jwk' }), nativeCrypto)
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

/** Enrolled, or revoked: then a certificate does not bring it back. */
function isKnown({ registry }: AuditChain, key: P256PublicKey): boolean {
  return registry.resolve(thumbprintOfP256(key, nativeCrypto)) !== undefined
}

/** The common name, and where that is taken the same with the kid behind it; without one the kid alone. */
function nameFor(certificate: X509Certificate, key: P256PublicKey): readonly [string, string] {
  const kid = toHex(thumbprintOfP256(key, nativeCrypto).subarray(0, shortKidBytes))
  const commonName = usernameOf(certificate, { useIdentityAsUsername: true }) ?? undefined
  return commonName === undefined ? [kid, kid] : [commonName, `${commonName}#${kid}`]
}
