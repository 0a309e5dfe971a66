/** How long a bridge waits before it connects again. */
export class RestartDelay {
  readonly #baseMs: number
  readonly #capMs: number
  readonly #random: () => number
  #lastMs: number

  /**
   * @param timeout seconds; equal ones: always that long
   * @param random from 0 to below 1
   */
  constructor(timeout: { readonly baseSeconds: number; readonly capSeconds: number }, random: () => number) {
    this.#baseMs = timeout.baseSeconds * 1000
    this.#capMs = Math.max(this.#baseMs, timeout.capSeconds * 1000)
    this.#random = random
    this.#lastMs = this.#baseMs
  }

  /**
   * Milliseconds, anywhere from the base to three times the last delay, and never above the cap: bridges that lost the
   * same broker together do not come back together.
   */
  next(): number {
    const most = Math.min(this.#capMs, 3 * this.#lastMs)
    this.#lastMs = this.#baseMs + this.#random() * Math.max(0, most - this.#baseMs)
    return this.#lastMs
  }

  /** It was connected: the next delay is a short one again. */
  reset(): void {
    this.#lastMs = this.#baseMs
  }
}
