import { CborReader, CborWriter, encodeCbor } from '../cbor/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'
import { algEcdhEsA256Kw, coseTag, headerLabel } from './algorithms.ts'
import { checkedP256, coseKeyOfP256, isKidOf, kidOf, type P256PublicKey, thumbprintOfP256 } from './cose-key.ts'
import { keyEncryptionKey } from './ecdh-es.ts'
import {
  type ContentToSeal,
  type EncryptedContent,
  openContent,
  readContent,
  sealContent,
  writeContent,
} from './encrypted-content.ts'
import { malformedEncryption, readLabel, readMapOf, readOnlyAlgorithm } from './encryption-headers.ts'

/** What one message may address; bounds what a look at it costs. */
export const maxRecipients = 1024

const ephemeralKeyLabel = -1
/** What RFC 3394 adds to a key. */
const wrapBytes = 8

const recipientProtected = new CborWriter(8).map(1).int(headerLabel.alg).int(algEcdhEsA256Kw).finish()

/** One recipient as received: whether its ephemeral key is a point of the curve is looked at by {@link openEncrypt}. */
export interface Recipient {
  /** Prefix of the thumbprint of whose key it is, as the sender says. */
  readonly kid: Uint8Array
  readonly ephemeral: P256PublicKey
  readonly wrappedKey: Uint8Array
}

/** A COSE_Encrypt as received; byte strings are views into the message. */
export interface Encrypt extends EncryptedContent {
  readonly recipients: readonly Recipient[]
}

/** Who opens messages. */
export interface KeyAgreement {
  /** RFC 9679 thumbprint of the public key, 32 bytes. */
  readonly thumbprint: Uint8Array
  /** ECDH with the private key: the x coordinate of the shared point, 32 bytes. */
  agree(publicKey: P256PublicKey): Promise<Uint8Array>
}

/**
 * Parses one tagged COSE_Encrypt (RFC 9052 section 5.1) under the strict profile: content as in a COSE_Encrypt0, and 1 to
 * {@link maxRecipients} recipients by ECDH-ES + A256KW (RFC 9053 section 6.4). Nothing is decrypted.
 * @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED
 */
export function parseEncrypt(message: Uint8Array): Encrypt {
  const reader = new CborReader(message)
  reader.tag(coseTag.encrypt)
  reader.array(4)
  const content = readContent(reader)
  const count = reader.array()
  if (count === 0 || count > maxRecipients) throw malformedEncryption('number of recipients')
  const recipients = Array.from({ length: count }, () => readRecipient(reader, content.keyBytes + wrapBytes))
  reader.end()
  return { ...content, recipients }
}

/** `[protected {1: -31}, {4: kid, -1: ephemeral COSE_Key}, wrapped key]`. */
function readRecipient(reader: CborReader, wrappedBytes: number): Recipient {
  reader.array(3)
  if (readOnlyAlgorithm(reader.bytes()) !== algEcdhEsA256Kw) throw malformedEncryption('algorithm of a recipient')
  readMapOf(reader, 2)
  readLabel(reader, headerLabel.kid)
  const kid = reader.bytes()
  readLabel(reader, ephemeralKeyLabel)
  const ephemeral = readP256(reader)
  return { kid, ephemeral, wrappedKey: reader.bytes(wrappedBytes) }
}

/** The members of a COSE_Key on P-256 (RFC 9053 section 7.1.1) in their order: kty 1 is EC2 (2), crv -1 is P-256 (1). */
function readP256(reader: CborReader): P256PublicKey {
  readMapOf(reader, 4)
  for (const part of [1, 2, -1, 1, -2]) readLabel(reader, part)
  const x = reader.bytes(32)
  readLabel(reader, -3)
  return { x, y: reader.bytes(32) }
}

/**
 * Encrypts for several keys: the content under a key made for this message, and that key for each of them.
 * @param recipients 1 to {@link maxRecipients} points of the curve
 * @throws {ProtocolError} ERR_KEY_INVALID
 * @throws {RangeError} for another number of recipients
 */
export function sealEncrypt(
  recipients: readonly P256PublicKey[],
  content: ContentToSeal,
  crypto: CryptoProvider,
): Uint8Array {
  if (recipients.length === 0 || recipients.length > maxRecipients) {
    throw new RangeError(`a message is for 1 to ${maxRecipients} recipients`)
  }
  const contentKey = crypto.randomBytes(32)
  const writer = new CborWriter(content.plaintext.length + recipients.length * 160 + 96).tag(coseTag.encrypt).array(4)
  writeContent(writer, sealContent('Encrypt', contentKey, content, crypto)).array(recipients.length)
  for (const recipient of recipients) writeRecipient(writer, recipient, contentKey, crypto)
  return writer.finish()
}

function writeRecipient(
  writer: CborWriter,
  recipient: P256PublicKey,
  contentKey: Uint8Array,
  crypto: CryptoProvider,
): void {
  // One for each recipient: an ephemeral key is used with one static key only.
  const ephemeral = crypto.generateP256()
  const kek = keyEncryptionKey(crypto.ecdhP256(ephemeral, recipient), recipientProtected, crypto)
  writer
    .array(3)
    .bytes(recipientProtected)
    .map(2)
    .int(headerLabel.kid)
    .bytes(kidOf(thumbprintOfP256(recipient, crypto)))
    .int(ephemeralKeyLabel)
    .raw(encodeCbor(coseKeyOfP256(ephemeral)))
    .bytes(crypto.wrapAesKey(kek, contentKey))
}

/**
 * Decrypts as one of the recipients, over the bytes received.
 * @throws {ProtocolError} ERR_COSE_NOT_A_RECIPIENT, ERR_COSE_NOT_DECRYPTED, ERR_KEY_INVALID
 */
export async function openEncrypt(
  encrypt: Encrypt,
  own: KeyAgreement,
  externalAad: Uint8Array,
  crypto: CryptoProvider,
): Promise<Uint8Array> {
  const recipient = encrypt.recipients.find(({ kid }) => isKidOf(kid, own.thumbprint))
  if (recipient === undefined) throw new ProtocolError('ERR_COSE_NOT_A_RECIPIENT', 'encrypted for other keys')
  const { x, y } = recipient.ephemeral
  // Attacker-controlled, and `own` may be hardware or WebCrypto: what those throw for such a point is no code of ours.
  const ephemeral = checkedP256(x, y, crypto)
  const kek = keyEncryptionKey(await own.agree(ephemeral), recipientProtected, crypto)
  const contentKey = crypto.unwrapAesKey(kek, recipient.wrappedKey)
  if (contentKey === undefined) throw new ProtocolError('ERR_COSE_NOT_DECRYPTED', 'the wrapped key does not open')
  return openContent('Encrypt', encrypt, contentKey, externalAad, crypto)
}
