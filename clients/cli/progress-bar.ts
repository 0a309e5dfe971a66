/** How much of something is done. */
export interface Progress {
  readonly records: number
  readonly total: number
}

const barWidth = 24

/**
 * One line that is written over and over on a terminal: bar, percent, rate and time left. Writes nothing where a file or
 * a program reads along.
 */
export class ProgressBar {
  readonly #stream: Pick<NodeJS.WriteStream, 'isTTY' | 'write'>
  readonly #now: () => number
  readonly #startedAt: number
  #width = 0

  /** @param now milliseconds, from any point on */
  constructor(stream: Pick<NodeJS.WriteStream, 'isTTY' | 'write'>, now: () => number = () => performance.now()) {
    this.#stream = stream
    this.#now = now
    this.#startedAt = now()
  }

  show(progress: Progress): void {
    if (!this.#stream.isTTY) return
    const line = progressLine(progress, this.#now() - this.#startedAt)
    this.#stream.write(`\r${line.padEnd(this.#width)}`)
    this.#width = line.length
  }

  /** Clears the line. */
  end(): void {
    if (this.#width > 0) this.#stream.write(`\r${' '.repeat(this.#width)}\r`)
    this.#width = 0
  }
}

/** E.g. `[######------------------]  25 %  120000 records/s  7 s left`. */
export function progressLine({ records, total }: Progress, elapsedMs: number): string {
  const part = total === 0 ? 0 : Math.min(1, records / total)
  const filled = Math.floor(part * barWidth)
  const rate = elapsedMs === 0 ? 0 : (records / elapsedMs) * 1000
  const left = rate === 0 ? '' : `  ${Math.ceil((total - records) / rate)} s left`
  const bar = `[${'#'.repeat(filled)}${'-'.repeat(barWidth - filled)}]`
  return `${bar} ${`${Math.floor(part * 100)}`.padStart(3)} %  ${Math.round(rate)} records/s${left}`
}
