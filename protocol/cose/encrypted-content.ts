import { type CborReader, CborWriter } from '../cbor/index.ts'
import { type CryptoProvider, gcmTagBytes } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'
import { algA128Gcm, algA256Gcm, headerLabel } from './algorithms.ts'
import { malformedEncryption, readLabel, readMapOf, readOnlyAlgorithm } from './encryption-headers.ts'

/** Bytes of an initialisation vector of AES-GCM (RFC 9053 section 4.1). */
export const gcmIvBytes = 12

/** Algorithms for content, with the bytes of their keys: the allow-list. */
const keyBytesOf: ReadonlyMap<number, number> = new Map([
  [algA128Gcm, 16],
  [algA256Gcm, 32],
])

/** What a COSE_Encrypt0 and a COSE_Encrypt have in common, as received; byte strings are views into the message. */
export interface EncryptedContent {
  readonly protectedBytes: Uint8Array
  /** Bytes of the key that the algorithm asks for. */
  readonly keyBytes: number
  /** Says which key; proves nothing. */
  readonly keyId: Uint8Array
  readonly iv: Uint8Array
  /** With the tag at its end. */
  readonly ciphertext: Uint8Array
}

/** Which structure it is, as its Enc_structure says (RFC 9052 section 5.3). */
export type EncryptionContext = 'Encrypt0' | 'Encrypt'

/**
 * Reads `{1: alg}`, `{4: key id, 5: IV}` and the ciphertext, and nothing else.
 * @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED
 */
export function readContent(reader: CborReader): EncryptedContent {
  const protectedBytes = reader.bytes()
  const keyBytes = keyBytesOf.get(readOnlyAlgorithm(protectedBytes))
  if (keyBytes === undefined) throw malformedEncryption('algorithm')
  readMapOf(reader, 2)
  readLabel(reader, headerLabel.kid)
  const keyId = reader.bytes()
  readLabel(reader, headerLabel.iv)
  const iv = reader.bytes(gcmIvBytes)
  const ciphertext = reader.bytes()
  if (ciphertext.length < gcmTagBytes) throw malformedEncryption('ciphertext')
  return { protectedBytes, keyBytes, keyId, iv, ciphertext }
}

/** Writes what {@link readContent} reads. */
export function writeContent(writer: CborWriter, content: Omit<EncryptedContent, 'keyBytes'>): CborWriter {
  return writer
    .bytes(content.protectedBytes)
    .map(2)
    .int(headerLabel.kid)
    .bytes(content.keyId)
    .int(headerLabel.iv)
    .bytes(content.iv)
    .bytes(content.ciphertext)
}

/** Additional data of the AEAD: `["Encrypt0" or "Encrypt", protected, external_aad]` (RFC 9052 section 5.3). */
export function encStructure(
  context: EncryptionContext,
  protectedBytes: Uint8Array,
  externalAad: Uint8Array,
): Uint8Array {
  return new CborWriter(protectedBytes.length + externalAad.length + 24)
    .array(3)
    .text(context)
    .bytes(protectedBytes)
    .bytes(externalAad)
    .finish()
}

/** What is to be encrypted. */
export interface ContentToSeal {
  readonly keyId: Uint8Array
  readonly externalAad: Uint8Array
  readonly plaintext: Uint8Array
}

/**
 * Encrypts with AES-GCM under a random IV.
 * @param key 16 or 32 bytes, which decides on A128GCM or A256GCM
 * @throws {RangeError} for a key of another length
 */
export function sealContent(
  context: EncryptionContext,
  key: Uint8Array,
  { keyId, externalAad, plaintext }: ContentToSeal,
  crypto: CryptoProvider,
): EncryptedContent {
  const [alg] = [...keyBytesOf].find(([, bytes]) => bytes === key.length) ?? []
  if (alg === undefined) throw new RangeError('a key for AES-GCM has 16 or 32 bytes here')
  const protectedBytes = new CborWriter(8).map(1).int(headerLabel.alg).int(alg).finish()
  const iv = crypto.randomBytes(gcmIvBytes)
  const ciphertext = crypto.sealAesGcm(key, iv, encStructure(context, protectedBytes, externalAad), plaintext)
  return { protectedBytes, keyBytes: key.length, keyId, iv, ciphertext }
}

/** @throws {ProtocolError} ERR_COSE_NOT_DECRYPTED */
export function openContent(
  context: EncryptionContext,
  content: EncryptedContent,
  key: Uint8Array,
  externalAad: Uint8Array,
  crypto: CryptoProvider,
): Uint8Array {
  const aad = encStructure(context, content.protectedBytes, externalAad)
  // The key decides on the algorithm, and the message has to agree.
  const plaintext =
    key.length === content.keyBytes ? crypto.openAesGcm(key, content.iv, aad, content.ciphertext) : undefined
  if (plaintext === undefined) throw new ProtocolError('ERR_COSE_NOT_DECRYPTED', 'the ciphertext does not open')
  return plaintext
}
