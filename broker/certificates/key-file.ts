import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, webcrypto } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { CertificateError } from './errors.ts'

export const signingAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/**
 * The private key of a file, made when there is none (PKCS#8 PEM, mode 0600). A key is never replaced: devices remember it.
 * @throws {CertificateError} ERR_CERTIFICATE_FILE
 */
export async function keyPairOf(path: string): Promise<webcrypto.CryptoKeyPair> {
  const key = existsSync(path) ? readKey(path) : makeKey(path)
  const { subtle } = webcrypto
  const secret = key.export({ type: 'pkcs8', format: 'der' })
  const open = createPublicKey(key).export({ type: 'spki', format: 'der' })
  return {
    privateKey: await subtle.importKey('pkcs8', secret, signingAlgorithm, false, ['sign']),
    publicKey: await subtle.importKey('spki', open, signingAlgorithm, true, ['verify']),
  }
}

function readKey(path: string): KeyObject {
  let key: KeyObject
  try {
    key = createPrivateKey(readText(path))
  } catch (cause) {
    if (cause instanceof CertificateError) throw cause
    throw new CertificateError(
      'ERR_CERTIFICATE_FILE',
      `${path} is no private key without a passphrase`,
      { path },
      cause,
    )
  }
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new CertificateError('ERR_CERTIFICATE_FILE', `${path} is not an ECDSA P-256 key`, { path })
  }
  return key
}

function makeKey(path: string): KeyObject {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  write(path, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), { mode: 0o600, flag: 'wx' })
  return privateKey
}

/** @throws {CertificateError} ERR_CERTIFICATE_FILE */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new CertificateError('ERR_CERTIFICATE_FILE', `${path} cannot be read`, { path }, cause)
  }
}

/** Whole or not at all: a broker may read it at the same time. @throws {CertificateError} ERR_CERTIFICATE_FILE */
export function replaceFile(path: string, content: string): void {
  const temporary = `${path}.${process.pid}.new`
  write(temporary, content, { mode: 0o644, flag: 'w' })
  renameSync(temporary, path)
}

function write(path: string, content: string, options: { readonly mode: number; readonly flag: 'w' | 'wx' }): void {
  try {
    writeFileSync(path, content, { ...options, flush: true })
  } catch (cause) {
    throw new CertificateError('ERR_CERTIFICATE_FILE', `${path} cannot be written`, { path }, cause)
  }
}
