import { freeBytesAt } from '../plugins/index.ts'

const intervalMs = 1000

/**
 * Watches the room that is left on the disk of the data directory, so that publishes are refused cleanly before a write
 * fails: then nothing of them is there, and the refusal is true.
 */
export class DiskSpace {
  readonly #location: string
  readonly #minFreeBytes: () => number
  readonly #onChange: (isFull: boolean, freeBytes: number) => void
  readonly #onError: (error: unknown) => void
  #timer: NodeJS.Timeout | undefined
  #isFull = false

  /** @param minFreeBytes as it is now; 0: there is always room */
  constructor(
    location: string,
    minFreeBytes: () => number,
    onChange: (isFull: boolean, freeBytes: number) => void,
    onError: (error: unknown) => void,
  ) {
    this.#location = location
    this.#minFreeBytes = minFreeBytes
    this.#onChange = onChange
    this.#onError = onError
  }

  get isFull(): boolean {
    return this.#isFull
  }

  async start(): Promise<void> {
    await this.#look()
    this.#timer = setInterval(() => this.#look().catch(this.#onError), intervalMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  async #look(): Promise<void> {
    const freeBytes = await freeBytesAt(this.#location)
    const isFull = freeBytes < this.#minFreeBytes()
    if (isFull === this.#isFull) return
    this.#isFull = isFull
    this.#onChange(isFull, freeBytes)
  }
}
