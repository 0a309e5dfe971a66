import {
  type BlockSigner,
  type BuiltBlock,
  buildBlock,
  type ChainState,
  type CryptoProvider,
  encodeChainState,
  type RecordWithBody,
} from '../../protocol/index.ts'
import { PluginError } from '../errors.ts'
import type { AuditStore, StoreOperation } from './store.ts'

/** What a submission wants written. */
export interface Decision extends RecordWithBody {
  /** Written in the same batch. */
  readonly also?: readonly StoreOperation[]
}

/** Something that waits for its place in the chain. Both methods are called exactly once, unless the chain fails. */
export interface Submission {
  /** Bytes that this one holds in memory while it waits. */
  readonly bytes: number
  /**
   * Called when the index is known, synchronously, in the order of submission: the last look at keys, policy and
   * duplicates. Must not throw.
   * @param index that the record gets when one is returned
   * @param timeMs time of the commit
   * @returns what to record, or undefined for nothing: a refusal or a duplicate that only keeps its place in the order
   */
  decide(index: number, timeMs: number): Decision | undefined
  /** Called in the same order once everything decided up to here is durable. Must not throw. */
  settle(): void
}

/** Bounds of one block, so that reading one back never takes much memory or time. */
const maxBlockRecords = 10_000
const maxBlockBytes = 16 * 1024 * 1024

export interface SequencerOptions {
  readonly store: AuditStore
  readonly state: ChainState
  readonly signer: BlockSigner
  readonly crypto: CryptoProvider
  /** Wall clock, milliseconds. */
  readonly now: () => number
  /** Told of every durable block, before the submissions in it are settled. */
  readonly onBlock: (block: BuiltBlock) => void
  /** Told once when a write failed. Nothing is settled from then on. */
  readonly onFailure: (error: PluginError) => void
}

/**
 * The only writer of the chain: gives out indexes and commits in groups. All that arrives while one batch is being
 * synced goes into the next.
 */
export class Sequencer {
  readonly #options: SequencerOptions
  #state: ChainState
  #pending: Submission[] = []
  #isScheduled = false
  #isCommitting = false
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

  /** @throws {PluginError} ERR_STORE_FAILED after a failure; the submission is then never settled */
  submit(submission: Submission): void {
    if (this.#failure !== undefined) throw this.#failure
    this.#pending.push(submission)
    this.#schedule()
  }

  /** Resolves when everything submitted so far is settled, or the chain has failed. */
  drained(): Promise<void> {
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
    if (this.#isCommitting || this.#pending.length === 0) return
    this.#isCommitting = true
    const group = this.#takeGroup()
    const timeMs = Math.max(this.#state.timeMs, this.#options.now())
    const records: Decision[] = []
    const firstIndex = this.#state.frontier.size
    for (const submission of group) {
      const record = submission.decide(firstIndex + records.length, timeMs)
      if (record !== undefined) records.push(record)
    }
    if (records.length > 0) await this.#write(firstIndex, records, timeMs)
    this.#isCommitting = false
    for (const submission of group) submission.settle()
    if (this.#pending.length > 0) this.#schedule()
    else this.#notifyIdle()
  }

  async #write(firstIndex: number, records: readonly Decision[], timeMs: number): Promise<void> {
    const { store, signer, crypto, onBlock } = this.#options
    const block = buildBlock(this.#state, records, timeMs, signer, crypto)
    const also = records.flatMap((record) => record.also ?? [])
    await store.append({ firstIndex, encoded: block.encoded }, encodeChainState(block.next), also)
    this.#state = block.next
    onBlock(block)
  }

  #takeGroup(): Submission[] {
    const pending = this.#pending
    let bytes = 0
    let count = 0
    while (count < pending.length && count < maxBlockRecords && (count === 0 || bytes < maxBlockBytes)) {
      bytes += (pending[count] as Submission).bytes
      count++
    }
    if (count === pending.length) {
      this.#pending = []
      return pending
    }
    this.#pending = pending.slice(count)
    return pending.slice(0, count)
  }

  /**
   * A write that failed has an unknown outcome: it may be on disk or not. So nothing is answered, neither yes nor no;
   * whoever opens the store again finds out.
   */
  #fail(cause: unknown): void {
    this.#failure = new PluginError('ERR_STORE_FAILED', 'the chain could not be written', {}, cause)
    this.#pending = []
    this.#notifyIdle()
    this.#options.onFailure(this.#failure)
  }

  #notifyIdle(): void {
    const waiting = this.#idle
    this.#idle = []
    for (const resolve of waiting) resolve()
  }
}
