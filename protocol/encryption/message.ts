import { concatBytes, utf8 } from '../bytes.ts'
import { CborWriter } from '../cbor/index.ts'
import { contextLabel, type EncryptedContent, openEncrypt0, sealEncrypt0 } from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'

/** A symmetric key with the name that messages call it by. */
export interface EncryptionKey {
  /** What stands in header 4 of a message. Public. */
  readonly id: Uint8Array
  /** 16 bytes for A128GCM, 32 bytes for A256GCM. */
  readonly key: Uint8Array
}

/** With random IVs of 96 bits, no key encrypts more messages (NIST SP 800-38D section 8.3). */
export const maxMessagesPerKey = 2 ** 32

const senderLabel = utf8(`${contextLabel} enc`)
const nothing = new Uint8Array(0)
/** In place of the thumbprint of a sender who does not sign; no key has it. */
const nobody = new Uint8Array(32)

/**
 * The AEAD key of one sender under a key that several have: HKDF-SHA256(key, info = "notarymq/1 enc" || thumbprint), as
 * long as the key. So no two senders can come to the same key and IV, and each counts its own messages.
 * @param sender 32 bytes; undefined for messages that nobody signs, whose senders share one key
 */
export function senderKey(
  { id, key }: EncryptionKey,
  sender: Uint8Array | undefined,
  crypto: CryptoProvider,
): EncryptionKey {
  return { id, key: crypto.hkdfSha256(key, nothing, concatBytes(senderLabel, sender ?? nobody), key.length) }
}

/**
 * `["notarymq/1", topic, sender thumbprint]`, with `h''` for no sender: a ciphertext opens on its topic and under the
 * signature of its sender only.
 */
export function encryptionAad(topic: string, sender: Uint8Array | undefined): Uint8Array {
  return new CborWriter(topic.length + 64)
    .array(3)
    .text(contextLabel)
    .text(topic)
    .bytes(sender ?? nothing)
    .finish()
}

/** Encrypts an application payload. @param key of this sender, see {@link senderKey} @returns COSE_Encrypt0 */
export function sealMessage(
  key: EncryptionKey,
  topic: string,
  payload: Uint8Array,
  sender: Uint8Array | undefined,
  crypto: CryptoProvider,
): Uint8Array {
  const content = { keyId: key.id, externalAad: encryptionAad(topic, sender), plaintext: payload }
  return sealEncrypt0(key.key, content, crypto)
}

/**
 * Decrypts an application payload.
 * @param key of this sender, see {@link senderKey}
 * @throws {ProtocolError} ERR_COSE_NOT_DECRYPTED
 */
export function openMessage(
  key: EncryptionKey,
  topic: string,
  message: EncryptedContent,
  sender: Uint8Array | undefined,
  crypto: CryptoProvider,
): Uint8Array {
  return openEncrypt0(message, key.key, encryptionAad(topic, sender), crypto)
}
