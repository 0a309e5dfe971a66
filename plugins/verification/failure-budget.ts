import { type Rate, TokenBucket } from '../token-bucket.ts'

/** Whoever holds the right key has no failures, so ten are an accident and more are an attack, or a broken device. */
export const defaultFailureBudget = { burst: 10, perSecond: 1 } as const satisfies Rate

/** What a connection may cost us in signatures and MACs that turn out invalid. */
export class FailureBudget {
  readonly #bucket: TokenBucket | undefined

  /**
   * @param allowed failures at once, and per second after that; a burst of 0: as many as it likes
   * @param now a clock in milliseconds that does not go back
   */
  constructor(allowed: Rate, now?: () => number) {
    this.#bucket = allowed.burst === 0 ? undefined : new TokenBucket(allowed, now)
  }

  /** Enters a failed verification. @returns false when that was one too many: the connection is to be closed */
  spend(): boolean {
    return this.#bucket?.take() ?? true
  }
}
