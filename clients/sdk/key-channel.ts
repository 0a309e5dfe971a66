import { isKeyTopic, TopicSet } from '../../protocol/index.ts'
import type { KeyMessage, KeyTransport } from '../encryption/index.ts'
import { ClientError } from '../errors.ts'
import type { NotaryClient } from './notary-client.ts'
import { subscribed } from './subscribed.ts'

export interface KeyChannelOptions {
  readonly client: Pick<NotaryClient, 'publishAsync' | 'subscribeAsync'>
  /** Whether the client has an identity. */
  readonly signs: boolean
  /** Whether it has a keyring. */
  readonly verifies: boolean
}

/** Key messages of ciphers, over the client that they encrypt for. */
export class KeyChannel implements KeyTransport {
  readonly #options: KeyChannelOptions
  readonly #filters = new Set<string>()
  readonly #listeners = new Set<(message: KeyMessage) => void>()
  #topics = new TopicSet([])
  #isComplete = false
  /** A session that goes on brings them before any cipher could ask for them. */
  #early: { readonly message: KeyMessage; readonly settle: (isTaken: boolean) => void }[] = []

  constructor(options: KeyChannelOptions) {
    this.#options = options
  }

  /** @throws {ClientError} ERR_OPTIONS without identity, and what the client throws */
  async publish(...[topic, payload, options]: Parameters<KeyTransport['publish']>): Promise<void> {
    if (!this.#options.signs) throw new ClientError('ERR_OPTIONS', 'key messages need an `identity`, which signs them')
    await this.#options.client.publishAsync(topic, payload, options)
  }

  /** @throws {ClientError} ERR_OPTIONS without keyring, ERR_REFUSED, ERR_CONNECTION */
  async subscribe(filter: string): Promise<void> {
    if (!this.#options.verifies) throw new ClientError('ERR_OPTIONS', 'key messages need a `keyring` with their sender')
    this.#topics = new TopicSet([...this.#filters.add(filter)])
    this.#early = this.#early.filter(({ message, settle }) => {
      const isTaken = this.#tell(message)
      if (isTaken) settle(true)
      return !isTaken
    })
    await subscribed(this.#options.client, filter)
  }

  onMessage(listener: (message: KeyMessage) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** @returns whether a cipher asked for it; the ciphers are told of it then, and the application is not */
  take(message: KeyMessage): boolean | Promise<boolean> {
    if (this.#tell(message)) return true
    if (this.#isComplete || !isKeyTopic(message.topic)) return false
    return new Promise((settle) => this.#early.push({ message, settle }))
  }

  /** The ciphers are made: what none of them asked for is for the application. */
  complete(): void {
    this.#isComplete = true
    for (const { settle } of this.#early.splice(0)) settle(false)
  }

  #tell(message: KeyMessage): boolean {
    if (!this.#topics.has(message.topic)) return false
    for (const listener of this.#listeners) listener(message)
    return true
  }
}
