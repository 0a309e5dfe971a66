import {
  type CryptoProvider,
  encodeTopicKey,
  encryptionAad,
  isSameP256,
  maxRecipients,
  nobleCrypto,
  type P256PublicKey,
  sealEncrypt,
  thumbprintOfP256,
  topicKeyId,
  topicKeyTopic,
} from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import type { MessageCipher } from './message-cipher.ts'
import type { EncryptionMemory, KeyTransport } from './ports.ts'
import { SharedKeyCipher } from './shared-key-cipher.ts'
import { type TopicKeyState, withKey } from './topic-key-state.ts'
import { TopicKeyring } from './topic-keyring.ts'

export interface TopicKeyOwnerOptions {
  /** Topic filter whose messages are encrypted. */
  readonly filter: string
  /** The owner's public key, with whose private half the transport signs. */
  readonly own: P256PublicKey
  readonly transport: Pick<KeyTransport, 'publish'>
  readonly memory: EncryptionMemory
  readonly crypto?: CryptoProvider
}

const keyBytes = 32

/**
 * Makes the key of a topic filter and hands it to subscribers: one COSE_Encrypt with a recipient for each, signed and
 * retained. Who is taken out does not get the next key; what it could read before it can still read.
 */
export class TopicKeyOwner {
  /** Encrypts and decrypts with the owner's keys. */
  readonly cipher: MessageCipher
  readonly #options: TopicKeyOwnerOptions
  readonly #crypto: CryptoProvider
  readonly #thumbprint: Uint8Array
  readonly #keyring: TopicKeyring
  #work: Promise<void> = Promise.resolve()

  private constructor(options: TopicKeyOwnerOptions) {
    const { filter, own, memory, crypto = nobleCrypto } = options
    this.#options = options
    this.#crypto = crypto
    this.#thumbprint = thumbprintOfP256(own, crypto)
    this.#keyring = new TopicKeyring({ owner: this.#thumbprint, filter, memory, crypto })
    this.cipher = new SharedKeyCipher({ topics: [filter], keys: this.#keyring, memory, crypto })
  }

  /**
   * Goes on with the key and the subscribers that the key store has, or makes the first key; publishes it either way, as
   * the last run may have ended before it did.
   * @throws {ClientError} ERR_ENCRYPTION_KEYS
   */
  static async start(options: TopicKeyOwnerOptions): Promise<TopicKeyOwner> {
    const owner = new TopicKeyOwner(options)
    await owner.#change((state) => (state.epoch === 0 ? owner.#withNewKey(state) : undefined))
    return owner
  }

  /** Who gets the key beside the owner. */
  get subscribers(): readonly P256PublicKey[] {
    return this.#keyring.state.subscribers
  }

  /** Gives a key the present topic key. @throws {ClientError} ERR_ENCRYPTION_KEYS when there are too many already */
  add(subscriber: P256PublicKey): Promise<void> {
    return this.#change((state) => {
      if (state.subscribers.some((key) => isSameP256(key, subscriber))) return undefined
      // The owner is a recipient, too.
      if (state.subscribers.length + 1 >= maxRecipients) {
        throw new ClientError('ERR_ENCRYPTION_KEYS', `a topic key is for ${maxRecipients - 1} subscribers at most`)
      }
      return { ...state, subscribers: [...state.subscribers, subscriber] }
    })
  }

  /** Makes a new topic key, for all but this subscriber. When the promise resolves, nothing is encrypted with the old one. */
  remove(subscriber: P256PublicKey): Promise<void> {
    return this.#change((state) => {
      const subscribers = state.subscribers.filter((key) => !isSameP256(key, subscriber))
      return subscribers.length === state.subscribers.length ? undefined : this.#withNewKey({ ...state, subscribers })
    })
  }

  /** Makes a new topic key for the same subscribers. */
  rotate(): Promise<void> {
    return this.#change((state) => this.#withNewKey(state))
  }

  #withNewKey(state: TopicKeyState): TopicKeyState {
    // By the clock, so that an owner who lost its key store does not begin below what its subscribers have.
    return withKey(state, Math.max(state.epoch + 1, Date.now()), this.#crypto.randomBytes(keyBytes))
  }

  #change(change: (state: TopicKeyState) => TopicKeyState | undefined): Promise<void> {
    const done = this.#work.then(async () => {
      const state = await this.#keyring.store(change)
      const message = this.#keyMessage(state)
      this.#keyring.use(state)
      // Without waiting in between: no message under a new key is sent before the key.
      await this.#options.transport.publish(this.#topic, message, { qos: 1, retain: true })
    })
    this.#work = done.catch(() => {
      // Whoever asked for the change is told; the next one goes on from what the key store has.
    })
    return done
  }

  get #topic(): string {
    return topicKeyTopic(this.#thumbprint, this.#options.filter)
  }

  #keyMessage({ epoch, keys, subscribers }: TopicKeyState): Uint8Array {
    const { filter, own } = this.#options
    const key = keys.get(epoch)?.key
    if (key === undefined) throw new ClientError('ERR_ENCRYPTION_KEYS', `the key store lacks the key of ${filter}`)
    const content = {
      keyId: topicKeyId(epoch),
      externalAad: encryptionAad(this.#topic, this.#thumbprint),
      plaintext: encodeTopicKey({ filter, epoch, key }),
    }
    return sealEncrypt([own, ...subscribers], content, this.#crypto)
  }
}
