import { TopicSet } from '../../protocol/index.ts'
import type { KeyMessage, KeyTransport } from '../encryption/index.ts'
import { ClientError } from '../errors.ts'
import { ErrorWithSubackPacket } from '../mqtt-js.ts'
import type { NotaryClient } from './notary-client.ts'

export interface KeyChannelOptions {
  readonly client: Pick<NotaryClient, 'publishAsync' | 'subscribeAsync'>
  /** Whether the client has an identity, and a keyring. */
  readonly signs: boolean
  readonly verifies: boolean
}

/** Key messages of ciphers, over the client that they encrypt for. */
export class KeyChannel implements KeyTransport {
  readonly #options: KeyChannelOptions
  readonly #filters = new Set<string>()
  #topics = new TopicSet([])
  readonly #listeners = new Set<(message: KeyMessage) => void>()

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
    try {
      await this.#options.client.subscribeAsync(filter, { qos: 1 })
    } catch (cause) {
      const isRefused = cause instanceof ErrorWithSubackPacket
      const [code, what] = isRefused ? (['ERR_REFUSED', 'refused'] as const) : (['ERR_CONNECTION', 'lost'] as const)
      throw new ClientError(code, `the subscription to ${filter} was ${what}`, { topic: filter }, cause)
    }
  }

  onMessage(listener: (message: KeyMessage) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** @returns whether ciphers asked for it; they are told of it then, and the application is not */
  take(message: KeyMessage): boolean {
    if (!this.#topics.has(message.topic)) return false
    for (const listener of this.#listeners) listener(message)
    return true
  }
}
