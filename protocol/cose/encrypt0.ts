import { CborReader, CborWriter } from '../cbor/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { coseTag } from './algorithms.ts'
import {
  type ContentToSeal,
  type EncryptedContent,
  openContent,
  readContent,
  sealContent,
  writeContent,
} from './encrypted-content.ts'

/**
 * Parses one tagged COSE_Encrypt0 (RFC 9052 section 5.2) under the strict profile: `{1: 3 or 1}` protected,
 * `{4: key id, 5: IV}` unprotected, ciphertext carried. Nothing is decrypted.
 * @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED
 */
export function parseEncrypt0(message: Uint8Array): EncryptedContent {
  const reader = new CborReader(message)
  reader.tag(coseTag.encrypt0)
  reader.array(3)
  const content = readContent(reader)
  reader.end()
  return content
}

/** Makes a COSE_Encrypt0 with AES-GCM. @param key 16 or 32 bytes @throws {RangeError} for another length */
export function sealEncrypt0(key: Uint8Array, content: ContentToSeal, crypto: CryptoProvider): Uint8Array {
  const writer = new CborWriter(content.plaintext.length + content.keyId.length + 64).tag(coseTag.encrypt0).array(3)
  return writeContent(writer, sealContent('Encrypt0', key, content, crypto)).finish()
}

/** Decrypts over the bytes received. @throws {ProtocolError} ERR_COSE_NOT_DECRYPTED */
export function openEncrypt0(
  encrypt0: EncryptedContent,
  key: Uint8Array,
  externalAad: Uint8Array,
  crypto: CryptoProvider,
): Uint8Array {
  return openContent('Encrypt0', encrypt0, key, externalAad, crypto)
}
