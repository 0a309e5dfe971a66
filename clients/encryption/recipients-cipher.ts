import {
  type CryptoProvider,
  encryptionAad,
  isForRecipients,
  isKeyTopic,
  openEncrypt,
  type P256PublicKey,
  ProtocolError,
  parseEncrypt,
  sealEncrypt,
} from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import type { MessageCipher } from './message-cipher.ts'
import { noKey } from './shared-key-cipher.ts'

/** The content key is in the message itself. */
const noKeyId = new Uint8Array(0)

/** Who decrypts: thumbprint and ECDH of a private key. The SDK's `Signer` is one. */
export interface Recipient {
  /** 32 bytes. */
  readonly thumbprint: Uint8Array
  agree(publicKey: P256PublicKey): Promise<Uint8Array>
}

export interface RecipientsOptions {
  /** Keys that are to read what is sealed; none: only opens. */
  readonly recipients: readonly P256PublicKey[]
  /** Whose key opens; undefined: only seals. */
  readonly own: Recipient | undefined
  readonly crypto: CryptoProvider
}

/**
 * Encrypts each message for the public keys of its readers, as a COSE_Encrypt (tag 96): nothing needs to be agreed on
 * before. Topics that carry keys are not covered. It costs 160 bytes and an ECDH for each reader and message; for many of them a topic key is cheaper.
 */
export function recipientsCipher({ recipients, own, crypto }: RecipientsOptions): MessageCipher {
  return {
    covers: (topic) => recipients.length > 0 && !isKeyTopic(topic),
    seal: async (topic, payload, sender) => {
      if (recipients.length === 0) throw noKey(topic)
      const content = { keyId: noKeyId, externalAad: encryptionAad(topic, sender), plaintext: payload }
      return sealEncrypt(recipients, content, crypto)
    },
    open: async (topic, message, sender) => {
      if (own === undefined || !isForRecipients(message)) throw noKey(topic)
      try {
        return await openEncrypt(parseEncrypt(message), own, encryptionAad(topic, sender), crypto)
      } catch (cause) {
        if (!(cause instanceof ProtocolError)) throw cause
        if (cause.code === 'ERR_COSE_NOT_A_RECIPIENT') throw noKey(topic)
        throw new ClientError('ERR_NOT_DECRYPTED', 'a message does not open with the key of its reader', {}, cause)
      }
    },
  }
}
