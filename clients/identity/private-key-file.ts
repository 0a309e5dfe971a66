import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs'
import {
  fromBase64url,
  nobleCrypto,
  type P256Jwk,
  type P256PrivateKey,
  type P256PublicKey,
  p256FromJwk,
  thumbprintOfP256,
} from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'

/** What a client signs with. */
export interface Identity {
  readonly key: P256PrivateKey
  /** RFC 9679 thumbprint, 32 bytes. */
  readonly thumbprint: Uint8Array
  /** File it came from; its sequence number lives beside it. */
  readonly path: string
}

/** Reads a P-256 private key in PEM (PKCS#8 or SEC 1). @throws {ClientError} ERR_IDENTITY_FILE */
export function loadIdentity(path: string): Identity {
  let object: KeyObject
  try {
    object = createPrivateKey(readFileSync(path))
  } catch (cause) {
    throw new ClientError('ERR_IDENTITY_FILE', `${path} is not a private key in PEM`, {}, cause)
  }
  const jwk = object.export({ format: 'jwk' })
  if (jwk.crv !== 'P-256' || jwk.d === undefined || jwk.x === undefined || jwk.y === undefined) {
    throw new ClientError('ERR_IDENTITY_FILE', `${path} is not an ECDSA P-256 key`)
  }
  const key = { d: fromBase64url(jwk.d), x: fromBase64url(jwk.x), y: fromBase64url(jwk.y) }
  return { key, thumbprint: thumbprintOfP256(key, nobleCrypto), path }
}

/**
 * Reads the public key of a PEM file that holds either half: enrolling one's own key file never sends the private part.
 * @throws {ClientError} ERR_IDENTITY_FILE
 */
export function loadPublicKey(path: string): P256PublicKey {
  try {
    return p256FromJwk(createPublicKey(readFileSync(path)).export({ format: 'jwk' }), nobleCrypto)
  } catch (cause) {
    throw new ClientError('ERR_IDENTITY_FILE', `${path} is not a P-256 key in PEM`, {}, cause)
  }
}

/** A new key pair in two files. */
export interface GeneratedIdentity {
  readonly privatePath: string
  readonly publicPath: string
  readonly publicKey: P256Jwk
  readonly thumbprint: Uint8Array
}

/**
 * Makes a key pair: private key at `path` (PKCS#8, mode 0600), public key beside it. Never overwrites.
 * @throws {ClientError} ERR_IDENTITY_FILE
 */
export function generateIdentity(path: string): GeneratedIdentity {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const publicPath = path.endsWith('.pem') ? `${path.slice(0, -'.pem'.length)}.pub.pem` : `${path}.pub.pem`
  writeNew(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), 0o600)
  try {
    writeNew(publicPath, publicKey.export({ type: 'spki', format: 'pem' }), 0o644)
  } catch (error) {
    // Half a pair would stand in the way of the next attempt.
    unlinkSync(path)
    throw error
  }
  const jwk = publicKey.export({ format: 'jwk' }) as unknown as P256Jwk
  const thumbprint = thumbprintOfP256(p256FromJwk(jwk, nobleCrypto), nobleCrypto)
  return { privatePath: path, publicPath, publicKey: jwk, thumbprint }
}

function writeNew(path: string, content: string | Buffer, mode: number): void {
  let file: number
  try {
    file = openSync(path, 'wx', mode)
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code === 'EEXIST' ? 'exists already' : 'cannot be written'
    throw new ClientError('ERR_IDENTITY_FILE', `${path} ${why}`, {}, cause)
  }
  try {
    writeSync(file, content.toString())
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
