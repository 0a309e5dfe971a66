import type { CheckpointKeeper, PublishedCheckpoint } from '../checkpoints/index.ts'
import { type ExportResult, type ExportSource, exportLog } from './export-log.ts'

export interface ExportServiceOptions {
  /** Its keys stay as they are: a rotation takes a restart. */
  readonly source: ExportSource
  readonly checkpoints: Pick<CheckpointKeeper, 'newest' | 'onPublished'>
  readonly directory: string
  /** Least time between the beginnings of two exports, in milliseconds. */
  readonly intervalMs: number
  /** Told of an export that failed, once until one succeeds; it is tried again after the interval. */
  readonly onError: (error: unknown) => void
  /** Told of each that brought something. */
  readonly onExported?: (result: ExportResult) => void
}

/** What the end of the broker waits for the last export at most. */
const lastExportMs = 5000

/**
 * Keeps an export up to date behind a growing chain. It follows published checkpoints, one export at a time; commits
 * never wait for it.
 */
export class ExportService {
  readonly #options: ExportServiceOptions
  readonly #stop = new AbortController()
  /** Undefined until it has begun. */
  #unsubscribe: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #exported: PublishedCheckpoint | undefined
  #lastBeginMs = Number.NEGATIVE_INFINITY
  #hasFailed = false
  #isClosing = false

  constructor(options: ExportServiceOptions) {
    this.#options = options
  }

  start(): void {
    this.#unsubscribe = this.#options.checkpoints.onPublished(() => this.#schedule())
    this.#schedule()
  }

  /** Brings an export that has begun up to the newest checkpoint if that takes seconds; leaves the rest to the next start. */
  async close(): Promise<void> {
    this.#isClosing = true
    if (this.#unsubscribe === undefined) return
    this.#unsubscribe()
    clearTimeout(this.#timer)
    const timer = setTimeout(() => this.#stop.abort(), lastExportMs)
    await this.#running
    await this.#run()
    clearTimeout(timer)
  }

  #schedule(): void {
    if (this.#isClosing || this.#timer !== undefined || this.#running !== undefined) return
    const waitMs = Math.max(0, this.#lastBeginMs + this.#options.intervalMs - performance.now())
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#running = this.#run().finally(() => {
        this.#running = undefined
        if (this.#options.checkpoints.newest !== this.#exported) this.#schedule()
      })
    }, waitMs)
    this.#timer.unref()
  }

  /** Never rejects: what went wrong `onError` was told. */
  async #run(): Promise<void> {
    const { source, checkpoints, directory, onError, onExported } = this.#options
    const { newest } = checkpoints
    if (newest === undefined || newest === this.#exported || this.#stop.signal.aborted) return
    this.#lastBeginMs = performance.now()
    try {
      const result = await exportLog(source, newest.note, directory, { signal: this.#stop.signal })
      this.#exported = newest
      this.#hasFailed = false
      if (result.to > result.from) onExported?.(result)
    } catch (error) {
      if (this.#stop.signal.aborted) return
      if (!this.#hasFailed) onError(error)
      this.#hasFailed = true
    }
  }
}
