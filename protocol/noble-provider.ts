import { aeskw, gcm } from '@noble/ciphers/aes.js'
import { ed25519 } from '@noble/curves/ed25519.js'
import { p256 } from '@noble/curves/nist.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes } from './bytes.ts'
import { type P256PrivateKey, type P256PublicKey, p256OfPoint, uncompressedPoint } from './cose/cose-key.ts'
import { type CryptoProvider, checkedSharedSecret, checkHkdfLength, keyRefusedByEcdh } from './crypto-provider.ts'
import { hashOneByOne } from './sha256/index.ts'

function ecdhP256(privateKey: P256PrivateKey, publicKey: P256PublicKey): Uint8Array {
  let point: Uint8Array
  try {
    point = p256.getSharedSecret(privateKey.d, uncompressedPoint(publicKey), false)
  } catch (cause) {
    throw keyRefusedByEcdh(cause)
  }
  return checkedSharedSecret(p256OfPoint(point).x)
}

function isEqualInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number)
  return difference === 0
}

/** @returns undefined when the library refuses: with sizes checked by the callers, it found the bytes not authentic */
function authentic(open: () => Uint8Array): Uint8Array | undefined {
  try {
    return open()
  } catch {
    // The answer, not a failure.
    return undefined
  }
}

/**
 * Pure JavaScript cryptography, for browsers and as the oracle of the native path. Signatures are deterministic
 * (RFC 6979) and low-S.
 */
export const nobleCrypto: CryptoProvider = Object.freeze({
  sha256: (...parts) => sha256(parts.length === 1 ? (parts[0] as Uint8Array) : concatBytes(...parts)),
  sha256Each: (data, starts, lengths) => hashOneByOne(data, starts, lengths, sha256),
  randomBytes: (length) => globalThis.crypto.getRandomValues(new Uint8Array(length)),
  signP256: (key, message) => p256.sign(message, key.d, { lowS: true, prehash: true, format: 'compact' }),
  verifyP256: async (key, message, signature) => {
    if (signature.length !== 64) return false
    return p256.verify(signature, message, uncompressedPoint(key), { lowS: false, prehash: true, format: 'compact' })
  },
  isOnCurveP256: (key) => p256.utils.isValidPublicKey(uncompressedPoint(key), false),
  generateP256: () => {
    const { secretKey } = p256.keygen()
    return { d: secretKey, ...p256OfPoint(p256.getPublicKey(secretKey, false)) }
  },
  ecdhP256,
  signEd25519: (key, message) => ed25519.sign(message, key.seed),
  verifyEd25519: (publicKey, message, signature) =>
    // RFC 8032 and not ZIP 215, so that both providers give the same answers.
    signature.length === 64 && ed25519.verify(signature, message, publicKey, { zip215: false }),
  hmacSha256: (key, ...parts) => hmac(sha256, key, concatBytes(...parts)),
  hkdfSha256: (ikm, salt, info, length) => {
    checkHkdfLength(length)
    return hkdf(sha256, ikm, salt, info, length)
  },
  sealAesGcm: (key, iv, aad, plaintext) => gcm(key, iv, aad).encrypt(plaintext),
  openAesGcm: (key, iv, aad, ciphertext) => authentic(() => gcm(key, iv, aad).decrypt(ciphertext)),
  wrapAesKey: (kek, key) => aeskw(kek).encrypt(key),
  unwrapAesKey: (kek, wrapped) => authentic(() => aeskw(kek).decrypt(wrapped)),
  isEqualInConstantTime,
} satisfies CryptoProvider)
