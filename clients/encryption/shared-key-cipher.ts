import {
  bytesEqual,
  type CryptoProvider,
  type EncryptedContent,
  type EncryptionKey,
  isKeyTopic,
  isValidTopicFilter,
  openMessage,
  ProtocolError,
  parseEncrypt0,
  sealMessage,
  senderKey,
  TopicMemory,
  TopicSet,
  toBase64url,
  toHex,
  utf8,
} from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import type { MessageCipher } from './message-cipher.ts'
import type { UsageMemory } from './ports.ts'
import { UsageCounter } from './usage-counter.ts'

type Sender = Uint8Array | undefined

/** Where the keys of a cipher come from. The same key is the same object each time. */
export interface KeySource {
  /** The key to encrypt with now; undefined when there is none. */
  sealingKey(sender: Sender): EncryptionKey | undefined
  /** The key of this id, once key messages that came before are dealt with. */
  openingKey(id: Uint8Array, sender: Sender): Promise<EncryptionKey | undefined>
}

export interface SharedKeyCipherOptions {
  /** Topic filters whose messages are encrypted; never those of topics that carry keys. */
  readonly topics: readonly string[]
  readonly keys: KeySource
  readonly memory: UsageMemory
  readonly crypto: CryptoProvider
}

/** Senders whose derived keys are kept at once. */
const maxSenders = 1000
const usageLabel = utf8('notarymq/1 enc usage')

/** Encrypts with a key that several clients have; each sender with one derived from it. */
export class SharedKeyCipher implements MessageCipher {
  readonly #topics: TopicSet
  readonly #keys: KeySource
  readonly #usage: UsageCounter
  readonly #crypto: CryptoProvider
  readonly #derived = new WeakMap<EncryptionKey, TopicMemory<SenderKey>>()

  /** @throws {ClientError} ERR_ENCRYPTION_KEYS */
  constructor(options: SharedKeyCipherOptions) {
    for (const filter of options.topics) {
      if (!isValidTopicFilter(filter)) throw new ClientError('ERR_ENCRYPTION_KEYS', `${filter} is no topic filter`)
    }
    this.#topics = new TopicSet(options.topics)
    this.#keys = options.keys
    this.#usage = new UsageCounter(options.memory)
    this.#crypto = options.crypto
  }

  covers(topic: string): boolean {
    return this.#topics.has(topic) && !isKeyTopic(topic)
  }

  async seal(topic: string, payload: Uint8Array, sender: Sender): Promise<Uint8Array> {
    for (;;) {
      const key = this.#sealingKey(topic, sender)
      await this.#usage.take(this.#of(key, sender).usageName)
      // A key that was replaced in the meantime encrypts nothing any more.
      if (bytesEqual(this.#sealingKey(topic, sender).id, key.id)) {
        return sealMessage(this.#of(key, sender), topic, payload, sender, this.#crypto)
      }
    }
  }

  /** As {@link seal}, under a key that is not in use yet. */
  async sealUnder(key: EncryptionKey, topic: string, payload: Uint8Array, sender: Sender): Promise<Uint8Array> {
    const derived = this.#of(key, sender)
    await this.#usage.take(derived.usageName)
    return sealMessage(derived, topic, payload, sender, this.#crypto)
  }

  async open(topic: string, message: Uint8Array, sender: Sender): Promise<Uint8Array> {
    const encrypt0 = notDecryptedOnError(() => parseEncrypt0(message))
    const key = await this.#keys.openingKey(encrypt0.keyId, sender)
    if (key === undefined) throw noKey(topic)
    return this.openUnder(key, topic, encrypt0, sender)
  }

  /** @throws {ClientError} ERR_NOT_DECRYPTED */
  openUnder(key: EncryptionKey, topic: string, message: EncryptedContent, sender: Sender): Uint8Array {
    return notDecryptedOnError(() => openMessage(this.#of(key, sender), topic, message, sender, this.#crypto))
  }

  #sealingKey(topic: string, sender: Sender): EncryptionKey {
    const key = this.covers(topic) ? this.#keys.sealingKey(sender) : undefined
    if (key === undefined) throw noKey(topic)
    return key
  }

  #of(key: EncryptionKey, sender: Sender): SenderKey {
    let senders = this.#derived.get(key)
    if (senders === undefined) {
      senders = new TopicMemory(maxSenders)
      this.#derived.set(key, senders)
    }
    return senders.of(sender === undefined ? '' : toBase64url(sender), () => {
      const derived = senderKey(key, sender, this.#crypto)
      // Named by its digest: a key file that is renamed or written again does not begin to count anew.
      return { ...derived, usageName: toHex(this.#crypto.sha256(usageLabel, derived.key)) }
    })
  }
}

interface SenderKey extends EncryptionKey {
  readonly usageName: string
}

function notDecryptedOnError<T>(run: () => T): T {
  try {
    return run()
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    throw new ClientError('ERR_NOT_DECRYPTED', 'a message does not open with its key', {}, cause)
  }
}

/** Nothing is sent in clear instead. */
export function noKey(topic: string): ClientError {
  return new ClientError('ERR_NO_ENCRYPTION_KEY', `no key for messages to ${topic}`, { topic })
}
