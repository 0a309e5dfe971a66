import { CborWriter } from '../cbor/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { algA256Kw } from './algorithms.ts'

const nothing = new Uint8Array(0)
const kekBytes = 32

/**
 * COSE_KDF_Context (RFC 9053 section 5.2) with nothing said about either party:
 * `[alg, [nil, nil, nil], [nil, nil, nil], [bits of the key, recipient's protected headers]]`.
 * @param alg what the derived key is for
 */
export function kdfContext(alg: number, keyBits: number, recipientProtected: Uint8Array): Uint8Array {
  const writer = new CborWriter(32).array(4).int(alg)
  for (const _party of ['U', 'V']) writer.array(3).nil().nil().nil()
  return writer.array(2).int(keyBits).bytes(recipientProtected).finish()
}

/**
 * The key that ECDH-ES + A256KW wraps with (RFC 9053 section 6.4.1): HKDF-SHA-256 of the shared secret, without salt.
 * @param sharedX x coordinate of the shared point, 32 bytes
 */
export function keyEncryptionKey(
  sharedX: Uint8Array,
  recipientProtected: Uint8Array,
  crypto: CryptoProvider,
): Uint8Array {
  return crypto.hkdfSha256(sharedX, nothing, kdfContext(algA256Kw, kekBytes * 8, recipientProtected), kekBytes)
}
