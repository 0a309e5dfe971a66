import type { Ed25519PrivateKey, P256PrivateKey, P256PublicKey } from './cose/cose-key.ts'
import { ProtocolError } from './errors.ts'

/**
 * The one way cryptography comes into `protocol/`, which itself runs anywhere. The broker passes OpenSSL on the thread
 * pool (`plugins/native-crypto.ts`), browsers and small tools pass `nobleCrypto`; both are held to the same vectors.
 */
export interface CryptoProvider {
  /** SHA-256 of the concatenation of the parts, 32 bytes. */
  sha256(...parts: readonly Uint8Array[]): Uint8Array
  /**
   * SHA-256 of each of many messages, for less than one by one.
   * @param data that the messages are parts of; fastest when they lie close together, one after the other
   * @param starts of the messages
   * @param lengths of the messages, in the same order
   * @returns digests side by side
   * @throws {RangeError} when a message goes beyond the data
   */
  sha256Each(data: Uint8Array, starts: ArrayLike<number>, lengths: ArrayLike<number>): Uint8Array
  /** Bytes from a cryptographically secure generator. */
  randomBytes(length: number): Uint8Array
  /** ECDSA P-256 with SHA-256 over `message`. @returns signature r || s, 64 bytes */
  signP256(key: P256PrivateKey, message: Uint8Array): Uint8Array
  /**
   * ECDSA P-256 with SHA-256. High-S signatures are valid: half of those that OpenSSL makes are.
   * @param signature r || s, 64 bytes; any other length is false
   */
  verifyP256(key: P256PublicKey, message: Uint8Array, signature: Uint8Array): Promise<boolean>
  /** True when (x, y) is a point of P-256 other than infinity. */
  isOnCurveP256(key: P256PublicKey): boolean
  /** A new key pair from a cryptographically secure generator. */
  generateP256(): P256PrivateKey
  /**
   * ECDH on P-256: the x coordinate of the shared point, 32 bytes. The public key need not have been checked.
   * @throws {ProtocolError} ERR_KEY_INVALID when it is not a point of the curve, or the coordinate is all zero
   */
  ecdhP256(privateKey: P256PrivateKey, publicKey: P256PublicKey): Uint8Array
  /** Ed25519 (RFC 8032). @returns signature, 64 bytes */
  signEd25519(key: Ed25519PrivateKey, message: Uint8Array): Uint8Array
  /** @param publicKey 32 bytes @param signature 64 bytes; any other length is false */
  verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
  /** HMAC-SHA-256 (RFC 2104) of the concatenation of the parts, 32 bytes. */
  hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array
  /**
   * HKDF with SHA-256 (RFC 5869), extract and expand.
   * @param length of the result, at most {@link maxHkdfBytes}
   * @throws {RangeError} when more is asked for
   */
  hkdfSha256(ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array
  /**
   * AES-GCM (NIST SP 800-38D) with a tag of 16 bytes.
   * @param key 16 or 32 bytes @param iv 12 bytes, never used twice with a key @returns ciphertext, then tag
   */
  sealAesGcm(key: Uint8Array, iv: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array
  /** Inverse of {@link sealAesGcm}. @returns undefined when the tag does not fit key, iv, aad and ciphertext */
  openAesGcm(key: Uint8Array, iv: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined
  /** AES key wrap (RFC 3394). @param kek 32 bytes @param key 16 or 32 bytes @returns 8 bytes more than the key */
  wrapAesKey(kek: Uint8Array, key: Uint8Array): Uint8Array
  /** Inverse of {@link wrapAesKey}. @returns undefined when `kek` did not wrap it */
  unwrapAesKey(kek: Uint8Array, wrapped: Uint8Array): Uint8Array | undefined
  /** Whether both hold the same bytes, in a time that depends on their lengths only. */
  isEqualInConstantTime(a: Uint8Array, b: Uint8Array): boolean
}

/** 255 blocks of the hash: the most that HKDF-Expand yields (RFC 5869 section 2.3). */
export const maxHkdfBytes = 255 * 32

/** Bytes of the tag with which a ciphertext of AES-GCM ends. */
export const gcmTagBytes = 16

/** @throws {RangeError} for a length that HKDF with SHA-256 cannot yield */
export function checkHkdfLength(length: number): void {
  if (length > maxHkdfBytes) throw new RangeError(`HKDF-SHA-256 yields at most ${maxHkdfBytes} bytes`)
}

/**
 * The result of an ECDH, unless it is all zero: an honest peer gets there with a chance of 2^-255, and such a secret is
 * known to everybody.
 * @throws {ProtocolError} ERR_KEY_INVALID
 */
export function checkedSharedSecret(secret: Uint8Array): Uint8Array {
  if (secret.every((byte) => byte === 0)) throw new ProtocolError('ERR_KEY_INVALID', 'the shared secret is all zero')
  return secret
}

/** What both providers throw when ECDH refuses a key. */
export function keyRefusedByEcdh(cause: unknown): ProtocolError {
  return new ProtocolError('ERR_KEY_INVALID', 'not a key that ECDH on P-256 can be done with', {}, cause)
}
