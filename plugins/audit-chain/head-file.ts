import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { replaceFileDurably } from './durable-file.ts'

const intervalMs = 1000

/**
 * `<data>/head`: the newest signed header, kept outside the store so that a store that was rolled back is noticed.
 * Written at most once a second, never ahead of the chain, and off the main thread: an fsync may take long.
 */
export class HeadFile {
  readonly path: string
  readonly #onError: (error: unknown) => void
  #pending: Uint8Array | undefined
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> = Promise.resolve()

  /** @param onError a write that failed; the chain itself is safe then, and the next header is tried again */
  constructor(dataDirectory: string, onError: (error: unknown) => void) {
    this.path = join(dataDirectory, 'head')
    this.#onError = onError
  }

  read(): Uint8Array | undefined {
    return existsSync(this.path) ? readFileSync(this.path) : undefined
  }

  /** Takes note of a header that is durable in the store. */
  update(signedHeader: Uint8Array): void {
    this.#pending = signedHeader
    this.#timer ??= setTimeout(() => this.flush().catch(this.#onError), intervalMs)
    this.#timer.unref()
  }

  /** Writes the newest header now; rejects when that fails. */
  flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const write = this.#writing.then(() => this.#write())
    this.#writing = write.catch(() => {
      // Told to whoever asked for this write; the next one has its own chance.
    })
    return write
  }

  async #write(): Promise<void> {
    const header = this.#pending
    if (header === undefined) return
    await replaceFileDurably(this.path, header, 0o644)
    if (this.#pending === header) this.#pending = undefined
  }
}
