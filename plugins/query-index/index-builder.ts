import { setTimeout as wait } from 'node:timers/promises'
import type { PluginError } from '../errors.ts'
import { Pace } from '../pace.ts'
import type { QueryIndex } from './query-index.ts'

/** At most a tenth of the time, in slices that nobody notices. */
const sliceMs = 2
const restMs = 20
/** How long to wait for more to do, or for a store that takes no writes. */
const idleMs = 1000
/** The same while the chain grows: what is written meanwhile has to fit into memory, or it is read. */
const followMs = 50

export interface IndexBuilderOptions {
  readonly index: QueryIndex
  readonly chain: { readonly outage: PluginError | undefined }
  readonly onError: (error: unknown) => void
}

/** Builds an index in the background, behind the chain. */
export class IndexBuilder {
  readonly #options: IndexBuilderOptions
  readonly #stopping = new AbortController()
  readonly #ended: Promise<void>

  /** Begins at once. */
  constructor(options: IndexBuilderOptions) {
    this.#options = options
    this.#ended = this.#run()
  }

  /** Resolves when it does nothing any more. What it was building, it begins again at the next start. */
  stop(): Promise<void> {
    this.#stopping.abort()
    return this.#ended
  }

  async #run(): Promise<void> {
    const { index, chain, onError } = this.#options
    const { signal } = this.#stopping
    const pace = new Pace(sliceMs, () => this.#wait(chain.outage === undefined ? restMs : idleMs))
    let isFollowing = false
    while (!signal.aborted) {
      try {
        if (chain.outage === undefined && (await index.buildNext(pace))) {
          isFollowing = true
          continue
        }
        await this.#wait(isFollowing ? followMs : idleMs)
        isFollowing = false
      } catch (error) {
        if (signal.aborted) return
        // While the store is being opened again nothing can be read, and the chain has told of it.
        if (chain.outage === undefined) onError(error)
        await this.#wait(idleMs).catch(() => {
          // Stopped, which the loop sees.
        })
      }
    }
  }

  /** @throws {Error} AbortError when it is stopped */
  #wait(ms: number): Promise<void> {
    return wait(ms, undefined, { signal: this.#stopping.signal, ref: false })
  }
}
