import type { P256PrivateKey, P256PublicKey } from './cose/cose-key.ts'

/**
 * The one way cryptography comes into `protocol/`, which itself runs anywhere. The broker passes OpenSSL on the thread
 * pool (`plugins/native-crypto.ts`), browsers and small tools pass `nobleCrypto`; both are held to the same vectors.
 */
export interface CryptoProvider {
  /** SHA-256 of the concatenation of the parts, 32 bytes. */
  sha256(...parts: readonly Uint8Array[]): Uint8Array
  /** SHA-256 of `data` to `target[offset .. offset + 31]`: for what is only hashed again. They may overlap. */
  sha256Into(target: Uint8Array, offset: number, data: Uint8Array): void
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
}
