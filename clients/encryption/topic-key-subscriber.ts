import {
  type CryptoProvider,
  type Encrypt,
  encryptionAad,
  epochOfKeyId,
  type KeyAgreement,
  nobleCrypto,
  openEncrypt,
  ProtocolError,
  parseEncrypt,
  parseTopicKey,
  toBase64url,
  topicKeyTopic,
} from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import { KeyMessageInbox } from './key-message-inbox.ts'
import type { MessageCipher } from './message-cipher.ts'
import type { EncryptionMemory, KeyMessage, KeyTransport } from './ports.ts'
import { SharedKeyCipher } from './shared-key-cipher.ts'
import { withKey } from './topic-key-state.ts'
import { TopicKeyring } from './topic-keyring.ts'

export interface TopicKeySubscriberOptions {
  /** Topic filter whose messages are encrypted, as the owner has it. */
  readonly filter: string
  /** Thumbprint of the owner, from whom alone keys are taken, 32 bytes. */
  readonly owner: Uint8Array
  /** This client's key. */
  readonly own: KeyAgreement
  readonly transport: Pick<KeyTransport, 'subscribe' | 'onMessage'>
  readonly memory: EncryptionMemory
  /** Told of key messages of the owner that are not what they should be. */
  readonly onError: (error: unknown) => void
  readonly crypto?: CryptoProvider
}

/**
 * Takes the keys of a topic filter from their owner. A newer key takes the place of an older one and never the other way
 * round, whatever a broker plays again; who is no recipient of the newest key does not encrypt any more.
 */
export class TopicKeySubscriber {
  /** Encrypts and decrypts with the keys that came. */
  readonly cipher: MessageCipher
  readonly #options: TopicKeySubscriberOptions
  readonly #crypto: CryptoProvider
  readonly #keyring: TopicKeyring
  readonly #inbox: KeyMessageInbox
  readonly #topic: string
  readonly #ready: Promise<void>
  #setReady: () => void = () => {}

  private constructor(options: TopicKeySubscriberOptions) {
    const { filter, owner, memory, transport, onError, crypto = nobleCrypto } = options
    this.#options = options
    this.#crypto = crypto
    this.#topic = topicKeyTopic(owner, filter)
    this.#ready = new Promise((resolve) => {
      this.#setReady = resolve
    })
    const settled = () => this.#inbox.settled()
    this.#keyring = new TopicKeyring({ owner, filter, memory, crypto, settled })
    this.cipher = new SharedKeyCipher({ topics: [filter], keys: this.#keyring, memory, crypto })
    this.#inbox = new KeyMessageInbox({
      transport,
      from: toBase64url(owner),
      handle: (message) => this.#handle(message),
      onError,
    })
  }

  /** Goes on with the keys that the key store has, and listens for newer ones. @throws {ClientError} ERR_ENCRYPTION_KEYS */
  static async start(options: TopicKeySubscriberOptions): Promise<TopicKeySubscriber> {
    const subscriber = new TopicKeySubscriber(options)
    subscriber.#use(await subscriber.#keyring.store(() => undefined))
    await options.transport.subscribe(subscriber.#topic)
    return subscriber
  }

  /** Resolves when there is a key to encrypt with. */
  whenReady(): Promise<void> {
    return this.#ready
  }

  /** Listens no more. */
  close(): void {
    this.#inbox.close()
  }

  async #handle({ topic, payload }: KeyMessage): Promise<void> {
    if (topic !== this.#topic) return
    const message = parseEncrypt(payload)
    const epoch = epochOfKeyId(message.keyId)
    if (epoch === undefined) throw new ClientError('ERR_NOT_DECRYPTED', 'a topic key without an epoch')
    const key = await this.#keyIn(message, epoch)
    const state = await this.#keyring.store((known) => {
      const isOlder = epoch < known.epoch || known.keys.has(epoch)
      if (isOlder) return undefined
      return key === undefined ? { ...known, epoch } : withKey(known, epoch, key)
    })
    this.#use(state)
  }

  #use(state: TopicKeyring['state']): void {
    this.#keyring.use(state)
    if (state.keys.has(state.epoch)) this.#setReady()
  }

  /** @returns undefined when this client is no recipient */
  async #keyIn(message: Encrypt, epoch: number): Promise<Uint8Array | undefined> {
    const { filter, owner, own } = this.#options
    try {
      const aad = encryptionAad(this.#topic, owner)
      const topicKey = parseTopicKey(await openEncrypt(message, own, aad, this.#crypto))
      if (topicKey.filter === filter && topicKey.epoch === epoch) return topicKey.key
    } catch (error) {
      if (error instanceof ProtocolError && error.code === 'ERR_COSE_NOT_A_RECIPIENT') return undefined
      throw error
    }
    throw new ClientError('ERR_NOT_DECRYPTED', 'a topic key of another filter or epoch than its message says')
  }
}
