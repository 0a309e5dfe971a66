import { createPublicKey } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import {
  type CryptoProvider,
  decodeP256CoseKey,
  fromBase64url,
  type P256PublicKey,
  p256FromJwk,
} from '../../protocol/index.ts'
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
  return asP256('an ECDSA P-256 key', () => p256FromJwk(jwk, crypto))
}

/** Reads a COSE_Key (RFC 9052 section 7) with the required members only. @throws {PluginError} ERR_KEY_FILE */
function parsePublicCoseKey(encoded: Uint8Array, crypto: CryptoProvider): P256PublicKey {
  return asP256('a public COSE_Key on P-256', () => decodeP256CoseKey(encoded, crypto))
}

/** Reads a JWK (RFC 7517), given as text. @throws {PluginError} ERR_KEY_FILE */
function parsePublicJwk(text: string, crypto: CryptoProvider): P256PublicKey {
  let jwk: unknown
  try {
    jwk = JSON.parse(text)
  } catch (cause) {
    throw new PluginError('ERR_KEY_FILE', 'not JSON', {}, cause)
  }
  return asP256('a public JWK on P-256', () => p256FromJwk(jwk, crypto))
}

/** Reads a public key as text: PEM, JWK, or a COSE_Key in base64url. @throws {PluginError} ERR_KEY_FILE */
export function parsePublicKeyText(text: string, crypto: CryptoProvider): P256PublicKey {
  const trimmed = text.trim()
  if (trimmed.startsWith('{')) return parsePublicJwk(trimmed, crypto)
  if (!/^[A-Za-z0-9_-]+$/.test(trimmed)) return parsePublicKeyPem(trimmed, crypto)
  return asP256('a public COSE_Key on P-256 in base64url', () => decodeP256CoseKey(fromBase64url(trimmed), crypto))
}

function asP256(what: string, read: () => P256PublicKey): P256PublicKey {
  try {
    return read()
  } catch (cause) {
    throw new PluginError('ERR_KEY_FILE', `not ${what}`, {}, cause)
  }
}

/** How a file is read, by the end of its name. */
const readers: Readonly<Record<string, (content: Buffer, crypto: CryptoProvider) => P256PublicKey>> = {
  '.pem': (content, crypto) => parsePublicKeyPem(content.toString('utf8'), crypto),
  '.jwk': (content, crypto) => parsePublicJwk(content.toString('utf8'), crypto),
  '.cbor': readCoseKeyFile,
  '.cose': readCoseKeyFile,
}

/** A COSE_Key as it is, or as text in base64url; its first byte, a map of 4, is not one of base64url. */
function readCoseKeyFile(content: Buffer, crypto: CryptoProvider): P256PublicKey {
  const isBinary = content[0] === 0xa4
  return isBinary ? parsePublicCoseKey(content, crypto) : parsePublicKeyText(content.toString('latin1'), crypto)
}

/**
 * Reads every `NAME.pem`, `NAME.jwk`, `NAME.cbor` and `NAME.cose` of a directory, in the order of their names.
 * @throws {PluginError} ERR_KEY_FILE naming the file
 */
export function readKeysDirectory(directory: string, crypto: CryptoProvider): readonly NamedKey[] {
  let files: string[]
  try {
    files = readdirSync(directory)
  } catch (cause) {
    throw new PluginError('ERR_KEY_FILE', `cannot read the keys directory ${directory}`, {}, cause)
  }
  return files.sort().flatMap((file) => {
    const extension = extname(file)
    const read = readers[extension]
    if (read === undefined) return []
    const path = join(directory, file)
    try {
      return [{ name: basename(file, extension), key: read(readFileSync(path), crypto) }]
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new PluginError('ERR_KEY_FILE', `${path}: ${why}`, {}, cause)
    }
  })
}
