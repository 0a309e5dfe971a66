/** Most that is done without a pause. */
const largestSlice = 32

/** Keeps work at a rate, in slices so small that nobody else has to wait for one. */
export class Pacer {
  readonly #perSecond: () => number
  #owed = 0
  #wake: (() => void) | undefined
  #isStopped = false
  #onStop: () => void = () => {}
  /** Resolves when it is stopped. */
  readonly stopped = new Promise<void>((resolve) => {
    this.#onStop = resolve
  })

  /** @param perSecond as it is now; 0: nothing is done until {@link wake} finds another one */
  constructor(perSecond: () => number) {
    this.#perSecond = perSecond
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  /** To be called for everything that was done; waits when it is time to. Once stopped, waits for nothing. */
  async spend(units: number): Promise<void> {
    this.#owed += units
    while (!this.#isStopped && this.#owed >= Math.max(Math.min(this.#perSecond() / 5, largestSlice), 1)) {
      const perSecond = this.#perSecond()
      const owed = this.#owed
      // The rate may be another one after the pause: then what is owed is owed at that one.
      if (await this.#pause((owed / perSecond) * 1000)) this.#owed -= owed
    }
  }

  /** Waits, and longer while the rate is 0. */
  async rest(milliseconds: number): Promise<void> {
    await this.#pause(milliseconds)
    while (!this.#isStopped && this.#perSecond() === 0) await this.#pause(longestPauseMs)
  }

  /** Ends the pause: the rate has changed. */
  wake(): void {
    this.#wake?.()
  }

  stop(): void {
    this.#isStopped = true
    this.#onStop()
    this.wake()
  }

  /** @returns whether the time is over; false: woken before */
  #pause(milliseconds: number): Promise<boolean> {
    if (this.#isStopped) return Promise.resolve(false)
    return new Promise((resolve) => {
      const end = (isOver: boolean) => {
        clearTimeout(timer)
        this.#wake = undefined
        resolve(isOver)
      }
      const timer = setTimeout(end, Math.min(milliseconds, longestPauseMs), true)
      this.#wake = () => end(false)
    })
  }
}

/** What a timer takes. */
const longestPauseMs = 2 ** 31 - 1
