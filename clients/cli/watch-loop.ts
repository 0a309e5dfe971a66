import { ClientError } from '../errors.ts'
import { type CheckedBy, checkedBy } from '../watch/growth-check.ts'
import type { LogWatcher } from '../watch/log-watcher.ts'
import { WatchAlarm, watchAlarms } from '../watch/watch-alarm.ts'
import type { KeptTree, WatchState } from '../watch/watch-state.ts'
import { exitCode } from './command.ts'

/** What is told of a look. */
export type WatchEvent =
  | { readonly event: 'checkpoint'; readonly treeSize: number; readonly rootHash: string; readonly by: CheckedBy }
  | { readonly event: 'unreachable'; readonly what: string }
  | { readonly event: 'alarm'; readonly cause: string; readonly what: string; readonly evidence: string }

export interface WatchOptions {
  readonly watcher: LogWatcher
  readonly state: WatchState
  readonly known: KeptTree | undefined
  readonly isOnce: boolean
  readonly maxSilenceMs: number
  readonly maxAgeMs: number
  readonly tell: (event: WatchEvent) => void
}

/** One look after the other: what was found is kept before it is told. */
export class Watch {
  readonly #options: WatchOptions
  #kept: KeptTree | undefined
  #heardMs = Date.now()
  #isTold = false

  constructor(options: WatchOptions) {
    this.#options = options
    this.#kept = options.known
  }

  /** @returns the exit code, or undefined to go on */
  async step(): Promise<number | undefined> {
    const { isOnce, state, tell } = this.#options
    try {
      await this.#look()
      return isOnce ? exitCode.ok : undefined
    } catch (error) {
      if (!(error instanceof WatchAlarm)) throw error
      const evidence = state.keepEvidence(error, Date.now())
      tell({ event: 'alarm', cause: error.cause, what: watchAlarms[error.cause], evidence })
      return exitCode.no
    }
  }

  async #look(): Promise<void> {
    const { watcher, state, isOnce, maxSilenceMs, maxAgeMs, tell } = this.#options
    try {
      const tree = await watcher.look()
      this.#heardMs = Date.now()
      if (tree.size !== this.#kept?.size) {
        this.#kept = { ...tree, sinceMs: this.#heardMs }
        state.write(this.#kept)
        this.#tell(this.#kept)
      } else if (!this.#isTold) this.#tell(this.#kept)
    } catch (error) {
      if (!(error instanceof ClientError) || error.code !== 'ERR_LOG_UNREACHABLE' || isOnce) throw error
      tell({ event: 'unreachable', what: error.message })
      if (Date.now() - this.#heardMs > maxSilenceMs) throw new WatchAlarm('unreachable', this.#kept?.note)
    }
    if (this.#kept !== undefined && Date.now() - this.#kept.sinceMs > maxAgeMs) {
      throw new WatchAlarm('stale', this.#kept.note)
    }
  }

  #tell(tree: KeptTree): void {
    this.#isTold = true
    const [, , rootHash = ''] = tree.note.split('\n')
    this.#options.tell({ event: 'checkpoint', treeSize: tree.size, rootHash, by: checkedBy(tree) })
  }
}
