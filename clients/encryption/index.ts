/** End-to-end encryption, for Node and browsers: see docs/encryption.md. */
export { cipherByTopic } from './cipher-by-topic.ts'
export type { MessageCipher } from './message-cipher.ts'
export { PairwiseCipher, type PairwiseOptions } from './pairwise-cipher.ts'
export type { EncryptionMemory, KeyMessage, KeyTransport, UsageMemory } from './ports.ts'
export { type PreSharedKeyOptions, parsePreSharedKeys, preSharedKeyCipher } from './pre-shared-keys.ts'
export { type Recipient, type RecipientsOptions, recipientsCipher } from './recipients-cipher.ts'
export { TopicKeyOwner, type TopicKeyOwnerOptions } from './topic-key-owner.ts'
export { TopicKeySubscriber, type TopicKeySubscriberOptions } from './topic-key-subscriber.ts'
