import {
  type BlockSigner,
  type BuiltBlock,
  buildBlock,
  bytesEqual,
  type ChainState,
  type CryptoProvider,
  encodeChainState,
  type RecordWithBody,
} from '../../protocol/index.ts'
import { PluginError } from '../errors.ts'
import { retryUntilDone } from './retry.ts'
import type { AuditStore, StoreOperation } from './store.ts'
import type { CommitParticipant, Submission } from './submission.ts'
import type { TileWriter } from './tile-writer.ts'

/** Bounds of one block, so that reading one back never takes much memory or time. */
const maxBlockRecords = 10_000
const maxBlockBytes = 16 * 1024 * 1024

export interface SequencerOptions {
  readonly store: AuditStore
  readonly state: ChainState
  /** As the tree is after the newest block. */
  readonly tiles: Pick<TileWriter, 'append'>
  readonly signer: BlockSigner
  readonly crypto: CryptoProvider
  /** Wall clock, milliseconds. */
  readonly now: () => number
  /** Told of every durable block, before the submissions in it are settled. */
  readonly onBlock: (block: BuiltBlock) => void
  /** Told when a write failed, and again after every attempt to recover that failed. Nothing is settled meanwhile. */
  readonly onOutage: (error: PluginError) => void
  /** Told when the store took writes again. */
  readonly onRecovered: () => void
  /** Told once when the store cannot be used any more. Nothing is settled from then on. */
  readonly onFailure: (error: PluginError) => void
}

/**
 * The only writer of the store: gives out indexes and commits in groups. All that arrives while one batch is being
 * synced goes into the next.
 */
export class Sequencer {
  readonly #options: SequencerOptions
  readonly #participants: CommitParticipant[] = []
  readonly #watchers: ((block: BuiltBlock) => void)[] = []
  #state: ChainState
  #pending: Submission[] = []
  #pendingBytes = 0
  #isScheduled = false
  #isCommitting = false
  #outage: PluginError | undefined
  #failure: PluginError | undefined
  #idle: (() => void)[] = []

  constructor(options: SequencerOptions) {
    this.#options = options
    this.#state = options.state
  }

  /** State after the newest durable block. */
  get state(): ChainState {
    return this.#state
  }

  /** Bytes that wait for a commit. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /** Why nothing is being settled at the moment; undefined when all is well. */
  get outage(): PluginError | undefined {
    return this.#failure ?? this.#outage
  }

  join(participant: CommitParticipant): void {
    this.#participants.push(participant)
  }

  /** Tells of every block from now on, as soon as it is durable. What is called must not throw. */
  watch(onBlock: (block: BuiltBlock) => void): void {
    this.#watchers.push(onBlock)
  }

  /** @throws {PluginError} ERR_STORE_FAILED after a failure; the submission is then never settled */
  submit(submission: Submission): void {
    if (this.#failure !== undefined) throw this.#failure
    this.#pending.push(submission)
    this.#pendingBytes += submission.bytes
    this.#schedule()
  }

  /**
   * Resolves when everything submitted so far is settled, or the chain has failed. Does not wait for a store that takes
   * no writes: what is being written then is found out by the next start.
   */
  drained(): Promise<void> {
    if (this.#outage !== undefined) this.#fail(this.#outage)
    if (this.#failure !== undefined || (!this.#isCommitting && this.#pending.length === 0)) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isCommitting) return
    this.#isScheduled = true
    // After the poll phase: publishes of all sockets that became readable together share one commit.
    setImmediate(() => {
      this.#isScheduled = false
      this.#commit().catch((error) => this.#fail(error))
    })
  }

  async #commit(): Promise<void> {
    if (this.#isCommitting || this.#pending.length === 0 || this.#failure !== undefined) return
    this.#isCommitting = true
    const group = this.#takeGroup()
    const timeMs = Math.max(this.#state.timeMs, this.#options.now())
    const records: RecordWithBody[] = []
    const also: StoreOperation[] = []
    const firstIndex = this.#state.frontier.size
    for (const submission of group) {
      const decision = submission.decide(firstIndex + records.length, timeMs)
      if (decision === undefined) continue
      if (decision.record !== undefined) records.push(decision as RecordWithBody)
      if (decision.also !== undefined) for (const operation of decision.also) also.push(operation)
    }
    for (const participant of this.#participants) {
      for (const operation of participant.operations()) also.push(operation)
    }
    if (records.length > 0) await this.#append(firstIndex, records, timeMs, also)
    // Always a wait: the group before this one is settled while this one is being written, and has to come first.
    else await this.#write(also)
    if (this.#failure !== undefined) return
    this.#isCommitting = false
    this.#commit().catch((error) => this.#fail(error))
    for (const submission of group) submission.settle()
    for (const participant of this.#participants) participant.settled()
    if (!this.#isCommitting) this.#notifyIdle()
  }

  async #append(
    firstIndex: number,
    records: readonly RecordWithBody[],
    timeMs: number,
    also: readonly StoreOperation[],
  ): Promise<void> {
    const { store, tiles, signer, crypto, onBlock } = this.#options
    const before = this.#state
    const block = buildBlock(before, records, timeMs, signer, crypto)
    const after = encodeChainState(block.next)
    const operations = [...also, ...tiles.append(firstIndex, block.growth)]
    const append = () => store.append({ firstIndex, encoded: block.encoded }, after, operations)
    await append().catch((cause) =>
      this.#recover(cause, async () => {
        if (!(await this.#isThere(firstIndex, block.encoded, before, after))) await append()
      }),
    )
    this.#state = block.next
    onBlock(block)
    for (const watcher of this.#watchers) watcher(block)
  }

  async #write(operations: readonly StoreOperation[]): Promise<void> {
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
    const { store, onOutage, onRecovered } = this.#options
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
      isGivenUp: () => this.#failure !== undefined,
    })
    this.#outage = undefined
    if (this.#failure === undefined) onRecovered()
  }

  #takeGroup(): Submission[] {
    const pending = this.#pending
    let bytes = 0
    let count = 0
    while (count < pending.length && count < maxBlockRecords && (count === 0 || bytes < maxBlockBytes)) {
      bytes += (pending[count] as Submission).bytes
      count++
    }
    this.#pendingBytes -= bytes
    if (count === pending.length) {
      this.#pending = []
      return pending
    }
    this.#pending = pending.slice(count)
    return pending.slice(0, count)
  }

  #fail(cause: unknown): void {
    if (this.#failure !== undefined) return
    this.#failure =
      cause instanceof PluginError
        ? cause
        : new PluginError('ERR_STORE_FAILED', 'the chain could not be written', {}, cause)
    this.#pending = []
    this.#pendingBytes = 0
    this.#notifyIdle()
    this.#options.onFailure(this.#failure)
  }

  #notifyIdle(): void {
    const waiting = this.#idle
    this.#idle = []
    for (const resolve of waiting) resolve()
  }
}

/** Whether a write failed because the disk is full. LevelDB has no code for it, only what the system said. */
function isNoSpace(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause.message.includes('No space left on device')) return true
  }
  return false
}
