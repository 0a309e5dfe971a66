import {
  createHash,
  createPrivateKey,
  createPublicKey,
  hash,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto'
import { type CryptoProvider, type P256PrivateKey, type P256PublicKey, toBase64url } from '../protocol/index.ts'

// Making a KeyObject costs as much as a verification, so each key object of ours keeps its own.
const publicKeys = new WeakMap<P256PublicKey, KeyObject>()
const privateKeys = new WeakMap<P256PrivateKey, KeyObject>()

/** Up to this many bytes are copied together and hashed at once: cheaper than a streaming hash object. */
const maxScratchBytes = 4096
/** For each small length a place of its own, since making a view of a larger one costs a tenth of hashing it. */
const maxSmallBytes = 128
const scratches: Uint8Array[] = []
const scratch = new Uint8Array(maxScratchBytes)

function scratchOf(length: number): Uint8Array {
  if (length > maxSmallBytes) return scratch.subarray(0, length)
  scratches[length] ??= new Uint8Array(length)
  return scratches[length]
}

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts
  if (parts.length === 1 && first !== undefined) return oneShot(first)
  let length = 0
  for (const part of parts) length += part.length
  if (length > maxScratchBytes) {
    const streaming = createHash('sha256')
    for (const part of parts) streaming.update(part)
    return streaming.digest()
  }
  const joined = scratchOf(length)
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return oneShot(joined)
}

/** A digest as a string costs a third of one as a Buffer, and turning it into bytes next to nothing. */
function oneShot(data: Uint8Array): Uint8Array {
  return Buffer.from(hash('sha256', data, 'binary'), 'binary')
}

const { latin1Write } = Buffer.prototype as unknown as {
  latin1Write(this: Uint8Array, text: string, offset: number, length: number): number
}

function sha256Into(target: Uint8Array, offset: number, data: Uint8Array): void {
  latin1Write.call(target, hash('sha256', data, 'binary'), offset, 32)
}

function publicKeyObject(key: P256PublicKey): KeyObject {
  let object = publicKeys.get(key)
  if (object === undefined) {
    const jwk = { kty: 'EC', crv: 'P-256', x: toBase64url(key.x), y: toBase64url(key.y) }
    object = createPublicKey({ key: jwk, format: 'jwk' })
    publicKeys.set(key, object)
  }
  return object
}

function privateKeyObject(key: P256PrivateKey): KeyObject {
  let object = privateKeys.get(key)
  if (object === undefined) {
    const { d, x, y } = key
    const jwk = { kty: 'EC', crv: 'P-256', d: toBase64url(d), x: toBase64url(x), y: toBase64url(y) }
    object = createPrivateKey({ key: jwk, format: 'jwk' })
    privateKeys.set(key, object)
  }
  return object
}

function verifyP256(key: P256PublicKey, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  if (signature.length !== 64) return Promise.resolve(false)
  const options = { key: publicKeyObject(key), dsaEncoding: 'ieee-p1363' } as const
  return new Promise((resolve, reject) => {
    // With a callback OpenSSL runs on the thread pool; without one it would hold up every client for 65 µs.
    verify('sha256', message, options, signature, (error, valid) => {
      if (error) reject(error)
      else resolve(valid)
    })
  })
}

/** OpenSSL through Node: the broker's cryptography. Verification never runs on the main thread. */
export const nativeCrypto: CryptoProvider = Object.freeze({
  sha256,
  sha256Into,
  randomBytes: (length) => randomBytes(length),
  signP256: (key, message) => sign('sha256', message, { key: privateKeyObject(key), dsaEncoding: 'ieee-p1363' }),
  verifyP256,
  isOnCurveP256: (key) => {
    try {
      publicKeyObject(key)
      return true
    } catch {
      // OpenSSL refuses to build the key: the answer, not a failure.
      return false
    }
  },
} satisfies CryptoProvider)
