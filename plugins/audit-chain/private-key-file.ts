import { createCipheriv, createPrivateKey, type KeyObject, pbkdf2Sync, randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { encryptPrivateKey, isEncryptedPem, parsePassphrase } from '../../protocol/index.ts'
import { PluginError } from '../errors.ts'
import { replaceFileDurably } from './durable-file.ts'

const privateMode = 0o600

/** A private key of the notary, as it was found. */
export interface StoredPrivateKey {
  readonly key: KeyObject
  readonly isEncrypted: boolean
}

/**
 * Reads a private key in PEM.
 * @param passphrase not needed where the file is not encrypted
 * @throws {PluginError} ERR_KEY_FILE, ERR_KEY_PASSPHRASE
 */
export function readPrivateKeyFile(path: string, passphrase: string | undefined): StoredPrivateKey {
  let pem: string
  try {
    pem = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new PluginError('ERR_KEY_FILE', `cannot read the private key ${path}`, {}, cause)
  }
  const isEncrypted = isEncryptedPem(pem)
  if (isEncrypted && passphrase === undefined) {
    throw new PluginError('ERR_KEY_PASSPHRASE', `${path} is protected by a passphrase, and none was given`)
  }
  try {
    return { key: createPrivateKey({ key: pem, ...(isEncrypted ? { passphrase } : undefined) }), isEncrypted }
  } catch (cause) {
    if (isEncrypted) throw new PluginError('ERR_KEY_PASSPHRASE', `the passphrase does not open ${path}`, {}, cause)
    throw new PluginError('ERR_KEY_FILE', `cannot read the private key ${path}`, {}, cause)
  }
}

/**
 * Writes a private key so that after a crash the old or the new file is there; only its owner may read it.
 * @param passphrase undefined: without protection
 */
export function writePrivateKeyFile(path: string, key: KeyObject, passphrase: string | undefined): Promise<void> {
  return replaceFileDurably(path, privateKeyPem(key, passphrase), privateMode)
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

/** Name of the systemd credential that holds the passphrase. */
const passphraseCredential = 'notarymq-passphrase'

/**
 * The passphrase of the notary's private keys.
 * @param file what the configuration names; it wins
 * @param credentialsDirectory where systemd put the credentials of the service
 * @returns undefined when there is neither
 * @throws {PluginError} ERR_KEY_PASSPHRASE
 */
export function readKeyPassphrase(
  file: string | undefined,
  credentialsDirectory: string | undefined,
): string | undefined {
  const credential = credentialsDirectory === undefined ? undefined : join(credentialsDirectory, passphraseCredential)
  const path = file ?? (credential !== undefined && existsSync(credential) ? credential : undefined)
  if (path === undefined) return undefined
  let content: Uint8Array
  try {
    content = readFileSync(path)
  } catch (cause) {
    throw new PluginError('ERR_KEY_PASSPHRASE', `cannot read the passphrase file ${path}`, {}, cause)
  }
  const passphrase = parsePassphrase(content)
  if (passphrase === undefined) {
    throw new PluginError('ERR_KEY_PASSPHRASE', `${path} is not one line of text with at most 1024 bytes`)
  }
  return passphrase
}
