/** How much one search may read before it has to be asked again. */
export interface ScanLimits {
  readonly records: number
  readonly bytes: number
  /** Wall time, milliseconds. */
  readonly timeMs: number
}

/** For what has to be searched to the end. */
export const noLimits: ScanLimits = { records: Infinity, bytes: Infinity, timeMs: Infinity }

/** What is left of the limits of one search. */
export class ScanBudget {
  readonly #endMs: number
  #records: number
  #bytes: number
  #hasBegun = false

  constructor({ records, bytes, timeMs }: ScanLimits) {
    this.#records = records
    this.#bytes = bytes
    this.#endMs = performance.now() + timeMs
  }

  /** Never before something was done: each search gets on, however slow the disk. */
  get isSpent(): boolean {
    return this.#hasBegun && (this.#records <= 0 || this.#bytes <= 0 || performance.now() >= this.#endMs)
  }

  /** Counts what was read. */
  spend(records: number, bytes: number): void {
    this.#hasBegun = true
    this.#records -= records
    this.#bytes -= bytes
  }
}
