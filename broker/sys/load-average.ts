const minuteMs = 60_000

/**
 * How much of something happens in a minute, with earlier times counting less: what a meter with exponential decay shows
 * of a count that only grows. Mosquitto's `load/.../1min` and so on are this with 1, 5 and 15 minutes.
 */
export class LoadAverage {
  readonly #windowMs: number
  #perMinute = 0
  #count = 0

  constructor(windowMinutes: number) {
    this.#windowMs = windowMinutes * minuteMs
  }

  /** Events per minute. */
  get perMinute(): number {
    return this.#perMinute
  }

  /**
   * Takes in what happened since the last call.
   * @param count events since the start
   * @param elapsedMs time since the last call
   */
  update(count: number, elapsedMs: number): void {
    if (elapsedMs <= 0) return
    const rate = ((count - this.#count) * minuteMs) / elapsedMs
    this.#count = count
    this.#perMinute = rate + (this.#perMinute - rate) * Math.exp(-elapsedMs / this.#windowMs)
  }
}

/** The three that are published of one count. */
export class LoadAverages {
  readonly #averages = { '1min': new LoadAverage(1), '5min': new LoadAverage(5), '15min': new LoadAverage(15) }

  update(count: number, elapsedMs: number): void {
    for (const average of Object.values(this.#averages)) average.update(count, elapsedMs)
  }

  /** Levels of topic names and what they carry: two decimals, as Mosquitto writes them. */
  *values(): Iterable<readonly [window: string, payload: string]> {
    for (const [window, average] of Object.entries(this.#averages)) yield [window, average.perMinute.toFixed(2)]
  }
}
