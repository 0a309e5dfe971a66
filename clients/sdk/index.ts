/** The public API: `notarymq/client`. */

export type { DroppedReceipts } from '../../protocol/index.ts'
export {
  cipherByTopic,
  type EncryptionMemory,
  type KeyMessage,
  type KeyTransport,
  type MessageCipher,
  PairwiseCipher,
  type PairwiseOptions,
  type PreSharedKeyOptions,
  parsePreSharedKeys,
  preSharedKeyCipher,
  type Recipient,
  type RecipientsOptions,
  recipientsCipher,
  TopicKeyOwner,
  type TopicKeyOwnerOptions,
  TopicKeySubscriber,
  type TopicKeySubscriberOptions,
  type UsageMemory,
} from '../encryption/index.ts'
export { ClientError, type ClientErrorCode, clientErrors } from '../errors.ts'
export { IndexedDbKeyStore } from '../key-store/indexed-db-key-store.ts'
export type { KeyStore } from '../key-store/key-store.ts'
export { MemoryKeyStore } from '../key-store/memory-key-store.ts'
export { Keyring, type KeyringKey } from '../keyring/keyring.ts'
export type { PublicKeyInput } from '../keyring/public-key.ts'
export { connectAsync } from './connect.ts'
export type { EncryptionContext, MakeCipher } from './encryption-context.ts'
export type { NotaryClientEvents } from './events.ts'
export type { IncomingMessage, UnverifiedReason, Verified } from './incoming-message.ts'
export type { Equivocation } from './log-guard.ts'
export { NotaryClient } from './notary-client.ts'
export type { NotaryClientOptions, NotaryOptions } from './options.ts'
export type { VerifiedReceipt } from './receipts.ts'
export type { RejectedPublish } from './rejected.ts'
export {
  generateWebCryptoKeys,
  importWebCryptoKeys,
  type Signer,
  softwareSigner,
  type WebCryptoKey,
  type WebCryptoKeys,
  webCryptoSigner,
} from './signer.ts'
export { webCrypto } from './web-crypto.ts'
