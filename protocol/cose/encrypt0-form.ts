import { CborReader } from '../cbor/index.ts'
import { ProtocolError } from '../errors.ts'
import { coseTag, headerLabel } from './algorithms.ts'

/** Both tags begin with one of these bytes: one byte settles it for nearly every other payload. */
const firstBytes: ReadonlySet<number | undefined> = new Set([0xc0 | coseTag.encrypt0, 0xd8])

const ivLabel = 5
const ephemeralKeyLabel = -1
/** Bytes of an initialisation vector of AES-GCM (RFC 9053 section 4.1). */
const ivBytes = 12
/** Bytes of the authentication tag, with which the ciphertext of AES-GCM ends. */
const gcmTagBytes = 16
/** By algorithm, A128GCM and A256GCM: bytes of its key under A256KW (RFC 3394 adds 8). */
const wrappedKeyBytes: ReadonlyMap<number, number> = new Map([
  [1, 24],
  [3, 40],
])
/** ECDH-ES + A256KW (RFC 9053 section 6.4). */
const algEcdhEsA256Kw = -31
/** What a topic key's owner may address at once; bounds what a look at one message costs. */
const maxRecipients = 1024

/**
 * Whether a payload has the form of an encrypted message: a COSE_Encrypt0, `{1: 3 or 1}` protected and
 * `{4: key id, 5: IV}` unprotected, or a COSE_Encrypt (RFC 9052 section 5) with recipients by ECDH-ES + A256KW; strict
 * CBOR, nothing else. The form alone: whether anybody can decrypt it only who has the key can know.
 */
export function isEncryptedForm(payload: Uint8Array): boolean {
  if (!firstBytes.has(payload[0])) return false
  try {
    if (payload[0] === 0xd8) readEncrypt(new CborReader(payload))
    else readEncrypt0(new CborReader(payload))
    return true
  } catch (error) {
    if (error instanceof ProtocolError) return false
    throw error
  }
}

function readEncrypt0(reader: CborReader): void {
  reader.tag(coseTag.encrypt0)
  reader.array(3)
  readContent(reader)
  reader.end()
}

function readEncrypt(reader: CborReader): void {
  reader.tag(coseTag.encrypt)
  reader.array(4)
  const keyBytes = readContent(reader)
  const recipients = reader.array()
  if (recipients === 0 || recipients > maxRecipients) throw malformed('number of recipients')
  for (let left = recipients; left > 0; left--) readRecipient(reader, keyBytes)
  reader.end()
}

/** Headers and ciphertext. @returns bytes of the content key under A256KW */
function readContent(reader: CborReader): number {
  const keyBytes = wrappedKeyBytes.get(readProtectedAlgorithm(reader))
  if (keyBytes === undefined) throw malformed('algorithm')
  expectMap(reader, 2)
  expectInt(reader, headerLabel.kid)
  reader.bytes()
  expectInt(reader, ivLabel)
  reader.bytes(ivBytes)
  if (reader.bytes().length < gcmTagBytes) throw malformed('ciphertext')
  return keyBytes
}

/** `[protected {1: -31}, {4: kid, -1: ephemeral COSE_Key}, wrapped key]`. */
function readRecipient(reader: CborReader, keyBytes: number): void {
  reader.array(3)
  if (readProtectedAlgorithm(reader) !== algEcdhEsA256Kw) throw malformed('algorithm of a recipient')
  expectMap(reader, 2)
  expectInt(reader, headerLabel.kid)
  reader.bytes()
  expectInt(reader, ephemeralKeyLabel)
  readP256Form(reader)
  reader.bytes(keyBytes)
}

/** A COSE_Key of a P-256 public key, as a form: whether it is on the curve matters to who decrypts. */
function readP256Form(reader: CborReader): void {
  expectMap(reader, 4)
  for (const part of [1, 2, -1, 1]) expectInt(reader, part)
  for (const coordinate of [-2, -3]) {
    expectInt(reader, coordinate)
    reader.bytes(32)
  }
}

/** Of a protected bucket that names an algorithm and nothing else. */
function readProtectedAlgorithm(reader: CborReader): number {
  const headers = new CborReader(reader.bytes())
  expectMap(headers, 1)
  expectInt(headers, headerLabel.alg)
  const alg = headers.int()
  headers.end()
  return alg
}

function expectMap(reader: CborReader, size: number): void {
  if (reader.map() !== size) throw malformed('number of headers')
}

function expectInt(reader: CborReader, expected: number): void {
  if (reader.int() !== expected) throw malformed(`${expected} is missing`)
}

function malformed(what: string): ProtocolError {
  return new ProtocolError('ERR_COSE_MALFORMED', what)
}
