import { type Rate, TokenBucket } from '../../plugins/index.ts'
import type { Edge } from '../edge/edge.ts'

/**
 * Slows a publisher at its socket to the rate that it may have (`notary_publish_rate`): nothing is refused or lost. It is
 * read again as soon as the next publish may come, so a PINGREQ behind it waits no longer than that.
 */
export class PublishPace {
  readonly #edge: Pick<Edge, 'hold' | 'release'>
  readonly #bucket: TokenBucket
  #timer: NodeJS.Timeout | undefined

  /** @param now a clock in milliseconds that does not go back */
  constructor(edge: Pick<Edge, 'hold' | 'release'>, rate: Rate, now?: () => number) {
    this.#edge = edge
    this.#bucket = new TokenBucket(rate, now)
  }

  /** A publish was read. */
  enter(): void {
    this.#bucket.take()
    if (this.#bucket.waitMs === 0) return
    this.#edge.hold()
    this.#wait()
  }

  /** The connection has ended. */
  stop(): void {
    clearTimeout(this.#timer)
  }

  #wait(): void {
    // A timer may fire up to a millisecond early.
    this.#timer = setTimeout(() => {
      if (this.#bucket.waitMs > 0) this.#wait()
      else this.#edge.release()
    }, Math.ceil(this.#bucket.waitMs))
    this.#timer.unref()
  }
}
