import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { blockTopic, ProtocolError, parseSignedHeader } from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import type { AdminClient } from './admin-client.ts'

/** How long nothing is asked after an answer, however much comes. */
const restMs = 200
/** How often to ask a broker that does not tell its blocks to this client. */
const pollMs = 1000

/** Knows when it is worth asking a broker for records that were not there before: by `$notary/audit/block`. */
export class ChainGrowth extends EventTarget {
  readonly #ended: AbortSignal
  readonly #signal: AbortSignal
  /** Either of them. */
  readonly #ending: AbortSignal
  /** Records in the chain, as the newest header that came says; undefined: the broker tells none. */
  #size: number | undefined
  #failure: ClientError | undefined

  private constructor(ended: AbortSignal, signal: AbortSignal) {
    super()
    this.#ended = ended
    this.#signal = signal
    this.#ending = AbortSignal.any([ended, signal])
  }

  /**
   * Whatever becomes durable from now on is not missed.
   * @param signal ends all waiting
   * @throws {ClientError} ERR_CONNECTION
   */
  static async follow(admin: Pick<AdminClient, 'hear' | 'ended'>, signal: AbortSignal): Promise<ChainGrowth> {
    const growth = new ChainGrowth(admin.ended, signal)
    const isTold = await admin.hear(blockTopic, (header) => growth.#take(header))
    if (isTold) growth.#size ??= 0
    return growth
  }

  /**
   * Resolves when there may be a record from an index on.
   * @returns the last index to ask for; undefined when the signal came first
   * @throws {ClientError} ERR_CONNECTION: the connection ended; ERR_ADMIN: what was told is no block
   */
  async reaches(index: number): Promise<number | undefined> {
    const signal = this.#ending
    await wait(this.#size === undefined ? pollMs : restMs, undefined, { signal }).catch(unlessAborted(signal))
    while (this.#size !== undefined && this.#size <= index && !signal.aborted && this.#failure === undefined) {
      await once(this, 'grown', { signal }).catch(unlessAborted(signal))
    }
    if (this.#signal.aborted) return undefined
    if (this.#failure !== undefined) throw this.#failure
    if (this.#ended.aborted) throw new ClientError('ERR_CONNECTION', 'the connection ended')
    return this.#size === undefined ? Number.MAX_SAFE_INTEGER : this.#size - 1
  }

  #take(header: Uint8Array): void {
    try {
      this.#size = Math.max(this.#size ?? 0, parseSignedHeader(header).header.treeSize)
    } catch (cause) {
      if (!(cause instanceof ProtocolError)) throw cause
      this.#failure = new ClientError('ERR_ADMIN', 'what the broker tells as a block is none', {}, cause)
    }
    this.dispatchEvent(new Event('grown'))
  }
}

/** Passes on what is not the end of a wait by its signal. */
function unlessAborted(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!signal.aborted) throw error
  }
}
