import type { KeyMessage, MessageCipher } from '../encryption/index.ts'
import type { EncryptionContext, MakeCipher } from './encryption-context.ts'
import { KeyChannel, type KeyChannelOptions } from './key-channel.ts'

export interface ClientCipherOptions extends Omit<EncryptionContext, 'transport'>, KeyChannelOptions {
  readonly encryption: MessageCipher | MakeCipher | undefined
}

/** The cipher of a client, which may have to be made with the help of the client itself. */
export class ClientCipher {
  #cipher: MessageCipher | undefined
  readonly #options: ClientCipherOptions
  readonly #channel: KeyChannel
  readonly #made: Promise<void>
  #setMade: () => void = () => {}

  constructor(options: ClientCipherOptions) {
    this.#options = options
    this.#channel = new KeyChannel(options)
    this.#made = new Promise((resolve) => {
      this.#setMade = resolve
    })
  }

  /** Undefined: nothing is encrypted, or the cipher is not made yet. */
  get present(): MessageCipher | undefined {
    return this.#cipher
  }

  /** To be called once, when the client can publish. @throws what the application's function throws */
  async make(): Promise<void> {
    const { encryption, memory, onError, crypto } = this.#options
    this.#cipher =
      typeof encryption === 'function'
        ? await encryption({ transport: this.#channel, memory, onError, crypto })
        : encryption
    this.#channel.complete()
    this.#setMade()
  }

  /** Resolves when it is known what encrypts, if anything does. */
  async whenMade(): Promise<MessageCipher | undefined> {
    await this.#made
    return this.#cipher
  }

  /** @returns whether it is a key message that a cipher asked for, which the application is not told of */
  take(message: KeyMessage): boolean | Promise<boolean> {
    return this.#channel.take(message)
  }
}
