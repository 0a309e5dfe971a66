import type { KeyMessage, KeyTransport } from './ports.ts'

export interface KeyMessageInboxOptions {
  readonly transport: Pick<KeyTransport, 'onMessage'>
  /** Thumbprint, in base64url, of the key whose messages are listened to. */
  readonly from: string
  readonly handle: (message: KeyMessage) => Promise<void>
  /** Told of messages that were signed by that key and are not what they should be. */
  readonly onError: (error: unknown) => void
}

/** Key messages of one sender, handled one after the other; everybody else's are passed over. */
export class KeyMessageInbox {
  readonly #onError: (error: unknown) => void
  readonly close: () => void
  #work: Promise<void> = Promise.resolve()

  constructor({ transport, from, handle, onError }: KeyMessageInboxOptions) {
    this.#onError = onError
    this.close = transport.onMessage((message) => {
      if (message.verified?.kid === from) this.#do(() => handle(message))
    })
  }

  /** Resolves when everything that came until now is dealt with. Waits for nothing that the broker has to do. */
  settled(): Promise<void> {
    return this.#work
  }

  #do(step: () => Promise<void>): void {
    this.#work = this.#work.then(step).catch(this.#onError)
  }
}
