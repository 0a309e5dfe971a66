import { sendDirect } from '../aedes-seams.ts'
import type { DirectClient } from './direct-client.ts'

export interface CommonTopicOptions {
  readonly topic: string
  /** Asked when a client subscribes, and again whenever it is told something. */
  readonly mayHear: (client: DirectClient) => boolean
  readonly onError: (error: unknown) => void
}

/**
 * One topic below `$notary/` on which all are told the same. A client that does not keep up misses what it does not take:
 * nothing is queued.
 */
export class CommonTopic {
  readonly #options: CommonTopicOptions
  /** Who listens, and whether it wants to see the retain flag as it was set (Retain As Published of MQTT 5). */
  readonly #listeners = new Map<DirectClient, boolean>()
  #retained: Buffer | undefined

  constructor(options: CommonTopicOptions) {
    this.#options = options
  }

  /** @returns whether it may */
  subscribe(client: DirectClient, retainAsPublished: boolean): boolean {
    if (!this.#options.mayHear(client)) return false
    this.#listeners.set(client, retainAsPublished)
    return true
  }

  unsubscribe(client: DirectClient): void {
    this.#listeners.delete(client)
  }

  /** Whether anybody would be told. */
  get hasListeners(): boolean {
    return this.#listeners.size > 0
  }

  /** Tells everybody who listens. @param retain whoever subscribes later is to be told as well */
  tell(payload: Buffer, retain = false): void {
    if (retain) this.#retained = payload
    for (const [client, retainAsPublished] of this.#listeners) this.#send(client, payload, retain && retainAsPublished)
  }

  /** For a subscription that was just made: with the retain flag. [MQTT-5.0 3.3.1-8], [MQTT-3.1.1 3.3.1-8] */
  tellRetained(client: DirectClient): void {
    if (this.#retained !== undefined && this.#listeners.has(client)) this.#send(client, this.#retained, true)
  }

  /** A block is told of in the middle of a commit, which nothing that concerns one client may fail. */
  #send(client: DirectClient, payload: Buffer, retain: boolean): void {
    const { topic, mayHear, onError } = this.#options
    try {
      if (mayHear(client)) sendDirect(client, { topic, payload, retain }, onError)
    } catch (error) {
      onError(error)
    }
  }
}
