import { type BuiltBlock, bytesEqual, type ChainState, encodeChainState } from '../../protocol/index.ts'
import { PluginError } from '../errors.ts'
import { retryUntilDone } from './retry.ts'
import type { AuditStore, StoreOperation } from './store.ts'

export interface RecoveringWriterOptions {
  readonly store: AuditStore
  /** Told when a write failed, and again after every attempt to recover that failed. */
  readonly onOutage: (error: PluginError) => void
  /** Told when the store took writes again. */
  readonly onRecovered: () => void
  /** Whether nothing is to be tried any more. */
  readonly isGivenUp: () => boolean
}

/**
 * Writes batches, one after the other, and survives writes that fail. A write ends when its batch is durable, or when it
 * was given up: then nobody knows.
 */
export class RecoveringWriter {
  readonly #options: RecoveringWriterOptions
  #outage: PluginError | undefined

  constructor(options: RecoveringWriterOptions) {
    this.#options = options
  }

  /** Why the write that was begun last has not ended; undefined when all is well. */
  get outage(): PluginError | undefined {
    return this.#outage
  }

  /**
   * Writes a block.
   * @param before state of the chain that it follows
   * @param also written in the same batch
   * @throws {PluginError} ERR_CHAIN_DAMAGED
   */
  async append({ header, encoded, next }: BuiltBlock, before: ChainState, also: readonly StoreOperation[]) {
    const { firstIndex } = header
    const after = encodeChainState(next)
    const append = () => this.#options.store.append({ firstIndex, encoded }, after, also)
    await append().catch((cause) =>
      this.#recover(cause, async () => {
        if (!(await this.#isThere(firstIndex, encoded, before, after))) await append()
      }),
    )
  }

  /** Writes what needs no record. @throws {PluginError} that the store throws */
  async write(operations: readonly StoreOperation[]): Promise<void> {
    if (operations.length === 0) return
    const write = () => this.#options.store.write(operations)
    await write().catch((cause) => this.#recover(cause, write))
  }

  /** Whether the batch whose write reported an error is in the store all the same. */
  async #isThere(firstIndex: number, encoded: Uint8Array, before: ChainState, after: Uint8Array): Promise<boolean> {
    const { store } = this.#options
    const state = await store.readState()
    if (state !== undefined && bytesEqual(state, after)) {
      const stored = await store.blockAt(firstIndex)
      if (stored?.firstIndex === firstIndex && bytesEqual(stored.encoded, encoded)) return true
    } else if (
      before.height === 0 ? state === undefined : state !== undefined && bytesEqual(state, encodeChainState(before))
    ) {
      return false
    }
    throw new PluginError('ERR_CHAIN_DAMAGED', `after a failed write the chain ends neither before nor after it`)
  }

  /**
   * A write that failed has an unknown outcome: it may be on disk or not. So nothing is answered, neither yes nor no,
   * and the handle is not written to again. The store is opened anew, and the batch written again unless it is there.
   */
  async #recover(cause: unknown, finish: () => Promise<void>): Promise<void> {
    const { store, onOutage, onRecovered, isGivenUp } = this.#options
    const report = (error: unknown) => {
      const isDiskFull = isNoSpace(error)
      this.#outage = new PluginError('ERR_STORE_FAILED', 'the store takes no writes', { isDiskFull }, error)
      onOutage(this.#outage)
    }
    report(cause)
    await retryUntilDone({
      attempt: async () => {
        await store.reopen()
        await finish()
      },
      onError: (error) => {
        // Not a matter of waiting: somebody else wrote, or what was written is lost.
        if (error instanceof PluginError) throw error
        report(error)
      },
      isGivenUp,
    })
    this.#outage = undefined
    if (!isGivenUp()) onRecovered()
  }
}

/** Whether a write failed because the disk is full. LevelDB has no code for it, only what the system said. */
function isNoSpace(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause.message.includes('No space left on device')) return true
  }
  return false
}
