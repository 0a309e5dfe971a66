import { p256 } from '@noble/curves/nist.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes } from './bytes.ts'
import { uncompressedPoint } from './cose/cose-key.ts'
import type { CryptoProvider } from './crypto-provider.ts'

/**
 * Pure JavaScript cryptography, for browsers and as the oracle of the native path. Signatures are deterministic
 * (RFC 6979) and low-S.
 */
export const nobleCrypto: CryptoProvider = Object.freeze({
  sha256: (...parts) => sha256(parts.length === 1 ? (parts[0] as Uint8Array) : concatBytes(...parts)),
  sha256Into: (target, offset, data) => target.set(sha256(data), offset),
  randomBytes: (length) => globalThis.crypto.getRandomValues(new Uint8Array(length)),
  signP256: (key, message) => p256.sign(message, key.d, { lowS: true, prehash: true, format: 'compact' }),
  verifyP256: async (key, message, signature) => {
    if (signature.length !== 64) return false
    return p256.verify(signature, message, uncompressedPoint(key), { lowS: false, prehash: true, format: 'compact' })
  },
  isOnCurveP256: (key) => p256.utils.isValidPublicKey(uncompressedPoint(key), false),
} satisfies CryptoProvider)
