/** Says what happens often at most once per interval, so that a flood of connections is no flood of log lines. */
export class ThrottledNotice {
  readonly #say: (message: string) => void
  readonly #intervalMs: number
  readonly #now: () => number
  #nextMs = Number.NEGATIVE_INFINITY
  #unsaid = 0

  constructor(say: (message: string) => void, intervalMs = 1000, now: () => number = () => performance.now()) {
    this.#say = say
    this.#intervalMs = intervalMs
    this.#now = now
  }

  /** Says `message`, or only counts it; the next line that is said tells how many there were. */
  say(message: string): void {
    const nowMs = this.#now()
    if (nowMs < this.#nextMs) {
      this.#unsaid++
      return
    }
    const unsaid = this.#unsaid === 0 ? '' : ` (and ${this.#unsaid} more since the last such line)`
    this.#nextMs = nowMs + this.#intervalMs
    this.#unsaid = 0
    this.#say(`${message}${unsaid}`)
  }
}
