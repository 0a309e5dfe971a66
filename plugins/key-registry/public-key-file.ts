import { createPublicKey } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { type CryptoProvider, type P256PublicKey, p256FromJwk } from '../../protocol/index.ts'
import { PluginError } from '../errors.ts'

/** A public key with the name that its file gives it. */
export interface NamedKey {
  readonly name: string
  readonly key: P256PublicKey
}

/**
 * Reads a P-256 public key in PEM (SPKI). A private key is refused, though the public one could be taken out of it:
 * whoever hands private keys around should notice.
 * @throws {PluginError} ERR_KEY_FILE
 */
export function parsePublicKeyPem(pem: string, crypto: CryptoProvider): P256PublicKey {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) {
    throw new PluginError('ERR_KEY_FILE', 'this is a private key; only the public one belongs here')
  }
  let jwk: unknown
  try {
    jwk = createPublicKey(pem).export({ format: 'jwk' })
  } catch (cause) {
    throw new PluginError('ERR_KEY_FILE', 'not a public key in PEM', {}, cause)
  }
  try {
    return p256FromJwk(jwk, crypto)
  } catch (cause) {
    throw new PluginError('ERR_KEY_FILE', 'not an ECDSA P-256 key', {}, cause)
  }
}

/**
 * Reads every `NAME.pem` of a directory, in the order of their names.
 * @throws {PluginError} ERR_KEY_FILE naming the file
 */
export function readKeysDirectory(directory: string, crypto: CryptoProvider): readonly NamedKey[] {
  let files: string[]
  try {
    files = readdirSync(directory)
  } catch (cause) {
    throw new PluginError('ERR_KEY_FILE', `cannot read the keys directory ${directory}`, {}, cause)
  }
  const pems = files.filter((file) => extname(file) === '.pem').sort()
  return pems.map((file) => {
    const path = join(directory, file)
    try {
      return { name: basename(file, '.pem'), key: parsePublicKeyPem(readFileSync(path, 'utf8'), crypto) }
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new PluginError('ERR_KEY_FILE', `${path}: ${why}`, {}, cause)
    }
  })
}
