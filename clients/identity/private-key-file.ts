import {
  createCipheriv,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  pbkdf2Sync,
  randomBytes,
} from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, statSync, unlinkSync, writeSync } from 'node:fs'
import {
  encryptPrivateKey,
  fromBase64url,
  isEncryptedPem,
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

/**
 * Reads a P-256 private key in PEM (PKCS #8 or SEC 1).
 * @param passphrase needed when {@link isEncryptedKeyFile}
 * @throws {ClientError} ERR_IDENTITY_FILE, ERR_PASSPHRASE
 */
export function loadIdentity(path: string, passphrase?: string): Identity {
  const jwk = opened(path, passphrase, createPrivateKey, 'a private key').export({ format: 'jwk' })
  if (jwk.crv !== 'P-256' || jwk.d === undefined || jwk.x === undefined || jwk.y === undefined) {
    throw new ClientError('ERR_IDENTITY_FILE', `${path} is not an ECDSA P-256 key`)
  }
  const key = { d: fromBase64url(jwk.d), x: fromBase64url(jwk.x), y: fromBase64url(jwk.y) }
  return { key, thumbprint: thumbprintOfP256(key, nobleCrypto), path }
}

/**
 * Reads the public key of a PEM file that holds either half: enrolling one's own key file never sends the private part.
 * @param passphrase needed when {@link isEncryptedKeyFile}
 * @throws {ClientError} ERR_IDENTITY_FILE, ERR_PASSPHRASE
 */
export function loadPublicKey(path: string, passphrase?: string): P256PublicKey {
  const object = opened(path, passphrase, createPublicKey, 'a key')
  try {
    return p256FromJwk(object.export({ format: 'jwk' }), nobleCrypto)
  } catch (cause) {
    throw new ClientError('ERR_IDENTITY_FILE', `${path} is not a P-256 key in PEM`, {}, cause)
  }
}

function opened(
  path: string,
  passphrase: string | undefined,
  open: (input: { key: string; passphrase?: string }) => KeyObject,
  what: string,
): KeyObject {
  const key = readKeyFile(path)
  const isEncrypted = isEncryptedPem(key)
  if (isEncrypted && passphrase === undefined) {
    throw new ClientError('ERR_PASSPHRASE', `${path} is protected by a passphrase, and none was given`)
  }
  try {
    return open({ key, ...(isEncrypted && passphrase !== undefined ? { passphrase } : undefined) })
  } catch (cause) {
    if (isEncrypted) throw new ClientError('ERR_PASSPHRASE', `the passphrase does not open ${path}`, {}, cause)
    throw new ClientError('ERR_IDENTITY_FILE', `${path} is not ${what} in PEM`, {}, cause)
  }
}

function readKeyFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new ClientError('ERR_IDENTITY_FILE', `${path} cannot be read`, {}, cause)
  }
}

/** Whether a key file needs a passphrase. @throws {ClientError} ERR_IDENTITY_FILE when it cannot be read */
export function isEncryptedKeyFile(path: string): boolean {
  return isEncryptedPem(readKeyFile(path))
}

const othersMayRead = 0o044

/** Whether a private key lies there for others to read: it has no passphrase, and its mode lets them. */
export function isOpenToOthers(path: string): boolean {
  const pem = readKeyFile(path)
  return pem.includes('PRIVATE KEY-----') && !isEncryptedPem(pem) && (statSync(path).mode & othersMayRead) !== 0
}

/** A new key pair in two files. */
export interface GeneratedIdentity {
  readonly privatePath: string
  readonly publicPath: string
  readonly publicKey: P256Jwk
  readonly thumbprint: Uint8Array
}

/**
 * Makes a key pair: private key at `path` (PKCS #8, mode 0600), public key beside it. Never overwrites.
 * @param passphrase protects the private key; undefined: it is not protected
 * @throws {ClientError} ERR_IDENTITY_FILE
 */
export function generateIdentity(path: string, passphrase?: string): GeneratedIdentity {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const publicPath = path.endsWith('.pem') ? `${path.slice(0, -'.pem'.length)}.pub.pem` : `${path}.pub.pem`
  writeNew(path, privateKeyPem(privateKey, passphrase), 0o600)
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

function privateKeyPem(key: KeyObject, passphrase: string | undefined): string {
  if (passphrase === undefined) return key.export({ type: 'pkcs8', format: 'pem' }).toString()
  return encryptPrivateKey(key.export({ type: 'pkcs8', format: 'der' }), passphrase, {
    randomBytes,
    pbkdf2Sha256: (text, salt, iterations, length) => pbkdf2Sync(text, salt, iterations, length, 'sha256'),
    aes256Cbc: (aesKey, iv, plaintext) => {
      const cipher = createCipheriv('aes-256-cbc', aesKey, iv)
      return Buffer.concat([cipher.update(plaintext), cipher.final()])
    },
  })
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
