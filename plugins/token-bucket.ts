/** How often something may be done. */
export interface Rate {
  /** In the long run. */
  readonly perSecond: number
  /** At once, after a quiet time. Default: what one second allows. */
  readonly burst?: number
}

/** `take` is true for at most `burst` calls at once, and for `perSecond` calls a second after that. */
export class TokenBucket {
  readonly #perMs: number
  readonly #burst: number
  readonly #now: () => number
  #tokens: number
  #atMs: number

  /** @param now milliseconds; default: a clock that does not go back */
  constructor({ perSecond, burst = perSecond }: Rate, now: () => number = () => performance.now()) {
    this.#perMs = perSecond / 1000
    this.#burst = burst
    this.#now = now
    this.#tokens = burst
    this.#atMs = now()
  }

  /** How long from now `take` will be false, in milliseconds; 0 when it is true now. */
  get waitMs(): number {
    this.#refill()
    return this.#tokens >= 1 ? 0 : (1 - this.#tokens) / this.#perMs
  }

  take(): boolean {
    this.#refill()
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }

  #refill(): void {
    const nowMs = this.#now()
    // A clock that was set back gives nothing and takes nothing.
    const elapsedMs = Math.max(nowMs - this.#atMs, 0)
    this.#tokens = Math.min(this.#burst, this.#tokens + elapsedMs * this.#perMs)
    this.#atMs = nowMs
  }
}
