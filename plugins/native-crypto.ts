import {
  createCipheriv,
  createDecipheriv,
  createECDH,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  hash,
  hkdfSync,
  type KeyObject,
  randomBytes,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto'
import {
  type CryptoProvider,
  checkedSharedSecret,
  checkHkdfLength,
  type Ed25519PrivateKey,
  gcmTagBytes,
  hashOneByOne,
  keyRefusedByEcdh,
  type P256PrivateKey,
  type P256PublicKey,
  p256OfPoint,
  Sha256Lanes,
  toBase64url,
  uncompressedPoint,
  type WebAssemblyEngine,
} from '../protocol/index.ts'

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

/** Not in the types of Node. Made when it is first asked for: a command that hashes nothing starts without. */
const { WebAssembly } = globalThis as { WebAssembly?: WebAssemblyEngine }
let lanes: { readonly opened: Sha256Lanes | undefined } | undefined

function sha256Each(data: Uint8Array, starts: ArrayLike<number>, lengths: ArrayLike<number>): Uint8Array {
  lanes ??= { opened: Sha256Lanes.open(WebAssembly) }
  return lanes.opened?.hashEach(data, starts, lengths, oneShot) ?? hashOneByOne(data, starts, lengths, oneShot)
}

const hmacBlockBytes = 64
const innerPad = 0x36
const outerPad = 0x5c
const outerBlock = new Uint8Array(hmacBlockBytes + 32)

/** RFC 2104 with two one-shot hashes: 3 µs for a hop MAC, where a streaming HMAC object costs 5. */
function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  let length = hmacBlockBytes
  for (const part of parts) length += part.length
  if (length > maxScratchBytes || key.length > hmacBlockBytes) {
    const streaming = createHmac('sha256', key)
    for (const part of parts) streaming.update(part)
    return streaming.digest()
  }
  const inner = scratchOf(length)
  let at = hmacBlockBytes
  padKey(inner, key, innerPad)
  for (const part of parts) {
    inner.set(part, at)
    at += part.length
  }
  padKey(outerBlock, key, outerPad)
  sha256Into(outerBlock, hmacBlockBytes, inner)
  return oneShot(outerBlock)
}

function padKey(block: Uint8Array, key: Uint8Array, pad: number): void {
  for (let i = 0; i < key.length; i++) block[i] = pad ^ (key[i] as number)
  block.fill(pad, key.length, hmacBlockBytes)
}

function generateP256(): P256PrivateKey {
  const pair = createECDH('prime256v1')
  const point = pair.generateKeys()
  const d = new Uint8Array(32)
  const scalar = pair.getPrivateKey()
  // OpenSSL leaves out leading zeros.
  d.set(scalar, d.length - scalar.length)
  return { d, ...p256OfPoint(point) }
}

/** Without key objects: making them for keys that are used once costs more than the exchange itself. */
function ecdhP256(privateKey: P256PrivateKey, publicKey: P256PublicKey): Uint8Array {
  const pair = createECDH('prime256v1')
  let secret: Uint8Array
  try {
    pair.setPrivateKey(privateKey.d)
    secret = pair.computeSecret(uncompressedPoint(publicKey))
  } catch (cause) {
    throw keyRefusedByEcdh(cause)
  }
  return checkedSharedSecret(secret)
}

const gcmCipher = (key: Uint8Array) => (key.length === 16 ? 'aes-128-gcm' : 'aes-256-gcm')

function sealAesGcm(key: Uint8Array, iv: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv(gcmCipher(key), key, iv, { authTagLength: gcmTagBytes })
  cipher.setAAD(aad)
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

function openAesGcm(key: Uint8Array, iv: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined {
  const end = ciphertext.length - gcmTagBytes
  if (end < 0) return undefined
  const decipher = createDecipheriv(gcmCipher(key), key, iv, { authTagLength: gcmTagBytes })
  decipher.setAAD(aad)
  decipher.setAuthTag(ciphertext.subarray(end))
  const plaintext = decipher.update(ciphertext.subarray(0, end))
  try {
    return Buffer.concat([plaintext, decipher.final()])
  } catch {
    // The tag does not fit: the answer, not a failure.
    return undefined
  }
}

const keyWrapCipher = 'aes256-wrap'
/** Initial value of RFC 3394 section 2.2.3.1. */
const keyWrapIv = new Uint8Array(8).fill(0xa6)

function wrapAesKey(kek: Uint8Array, key: Uint8Array): Uint8Array {
  const cipher = createCipheriv(keyWrapCipher, kek, keyWrapIv)
  return Buffer.concat([cipher.update(key), cipher.final()])
}

function unwrapAesKey(kek: Uint8Array, wrapped: Uint8Array): Uint8Array | undefined {
  const decipher = createDecipheriv(keyWrapCipher, kek, keyWrapIv)
  try {
    return Buffer.concat([decipher.update(wrapped), decipher.final()])
  } catch {
    // Another key wrapped it: the answer, not a failure.
    return undefined
  }
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

/** As {@link nativeCrypto} verifies, in this thread: for threads that have nothing else to do. */
export function verifyP256Here(key: P256PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64) return false
  return verify('sha256', message, { key: publicKeyObject(key), dsaEncoding: 'ieee-p1363' }, signature)
}

/** Made for every use: the log key signs once in a while. */
function ed25519PrivateKeyObject({ seed, publicKey }: Ed25519PrivateKey): KeyObject {
  const jwk = { kty: 'OKP', crv: 'Ed25519', d: toBase64url(seed), x: toBase64url(publicKey) }
  return createPrivateKey({ key: jwk, format: 'jwk' })
}

function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: toBase64url(publicKey) }
  return verify(null, message, createPublicKey({ key: jwk, format: 'jwk' }), signature)
}

/** OpenSSL through Node: the broker's cryptography. Verification never runs on the main thread. */
export const nativeCrypto: CryptoProvider = Object.freeze({
  sha256,
  sha256Each,
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
  generateP256,
  ecdhP256,
  signEd25519: (key, message) => sign(null, message, ed25519PrivateKeyObject(key)),
  verifyEd25519,
  hmacSha256,
  hkdfSha256: (ikm, salt, info, length) => {
    checkHkdfLength(length)
    return new Uint8Array(hkdfSync('sha256', ikm, salt, info, length))
  },
  sealAesGcm,
  openAesGcm,
  wrapAesKey,
  unwrapAesKey,
  isEqualInConstantTime: (a, b) => a.length === b.length && timingSafeEqual(a, b),
} satisfies CryptoProvider)
