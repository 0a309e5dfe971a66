/** New connections a listener takes: so many per second in the long run, so many at once. */
export interface ConnectRate {
  readonly perSecond: number
  /** After a quiet time. Default: what one second allows. */
  readonly burst?: number
}

/** A token bucket: `take` is true for at most `burst` calls at once and `perSecond` calls per second after that. */
export class ConnectRateLimit {
  readonly #perMs: number
  readonly #burst: number
  readonly #now: () => number
  #tokens: number
  #atMs: number

  constructor({ perSecond, burst = perSecond }: ConnectRate, now: () => number = () => performance.now()) {
    this.#perMs = perSecond / 1000
    this.#burst = burst
    this.#now = now
    this.#tokens = burst
    this.#atMs = now()
  }

  take(): boolean {
    const nowMs = this.#now()
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#atMs) * this.#perMs)
    this.#atMs = nowMs
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
