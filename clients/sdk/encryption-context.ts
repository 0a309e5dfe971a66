import type { CryptoProvider } from '../../protocol/index.ts'
import type { EncryptionMemory, KeyTransport, MessageCipher } from '../encryption/index.ts'

/** What ciphers need of the client that they encrypt for: to be spread into the options of each. */
export interface EncryptionContext {
  /** Key messages go over the client itself. Needs its `identity` to publish, and its `keyring` to subscribe. */
  readonly transport: KeyTransport
  /** The client's key store. */
  readonly memory: EncryptionMemory
  /** Told as the client's event `error`. */
  readonly onError: (error: unknown) => void
  readonly crypto: CryptoProvider
}

/** Makes the cipher of a client; called once, when the client is connected for the first time. */
export type MakeCipher = (context: EncryptionContext) => MessageCipher | Promise<MessageCipher>
