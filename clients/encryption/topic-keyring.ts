import { type CryptoProvider, type EncryptionKey, epochOfKeyId, topicKeyTopic } from '../../protocol/index.ts'
import type { EncryptionMemory } from './ports.ts'
import type { KeySource } from './shared-key-cipher.ts'
import { decodeTopicKeyState, encodeTopicKeyState, noTopicKey, type TopicKeyState } from './topic-key-state.ts'

export interface TopicKeyringOptions {
  /** Thumbprint of the owner, 32 bytes. */
  readonly owner: Uint8Array
  /** Topic filter that the keys are for. */
  readonly filter: string
  readonly memory: EncryptionMemory
  readonly crypto: CryptoProvider
  /** Resolves when all key messages so far are dealt with; none come to the owner. */
  readonly settled?: () => Promise<void>
}

/** The keys of a topic filter, in memory and in the key store. */
export class TopicKeyring implements KeySource {
  readonly #options: TopicKeyringOptions
  readonly #name: string
  #state: TopicKeyState = noTopicKey

  constructor(options: TopicKeyringOptions) {
    this.#options = options
    this.#name = topicKeyTopic(options.owner, options.filter)
  }

  get state(): TopicKeyState {
    return this.#state
  }

  sealingKey(): EncryptionKey | undefined {
    return this.#state.keys.get(this.#state.epoch)
  }

  async openingKey(id: Uint8Array): Promise<EncryptionKey | undefined> {
    await this.#options.settled?.()
    const epoch = epochOfKeyId(id)
    return epoch === undefined ? undefined : this.#state.keys.get(epoch)
  }

  /**
   * Changes what the key store has, also when another process changes it at the same time, but not yet what is encrypted
   * with: that is for {@link use}.
   * @param change undefined: nothing is to be changed
   * @returns what the key store has now
   * @throws {ClientError} ERR_ENCRYPTION_KEYS
   */
  async store(change: (state: TopicKeyState) => TopicKeyState | undefined): Promise<TopicKeyState> {
    const { memory, crypto } = this.#options
    for (;;) {
      const stored = await memory.get(this.#name)
      const state = stored === undefined ? noTopicKey : decodeTopicKeyState(stored, crypto)
      const next = change(state)
      if (next === undefined) return state
      if (await memory.set(this.#name, encodeTopicKeyState(next), stored)) return next
    }
  }

  use(state: TopicKeyState): void {
    this.#state = state
  }
}
