import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { replaceFileDurably } from './durable-file.ts'

const intervalMs = 1000

/**
 * `<data>/head`: the newest signed header, kept outside the store so that a store that was rolled back is noticed.
 * Written at most once a second and never ahead of the chain.
 */
export class HeadFile {
  readonly path: string
  readonly #onError: (error: unknown) => void
  #pending: Uint8Array | undefined
  #timer: NodeJS.Timeout | undefined

  /** @param onError a write that failed; the chain itself is safe then */
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
    this.#timer ??= setTimeout(() => {
      try {
        this.flush()
      } catch (error) {
        this.#onError(error)
      }
    }, intervalMs)
    this.#timer.unref()
  }

  /** Writes the newest header now. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#pending === undefined) return
    replaceFileDurably(this.path, this.#pending, 0o644)
    this.#pending = undefined
  }
}
