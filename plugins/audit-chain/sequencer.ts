import {
  type BlockSigner,
  type BuiltBlock,
  buildBlock,
  type ChainState,
  type CryptoProvider,
  type RecordWithBody,
} from '../../protocol/index.ts'
import { PluginError } from '../errors.ts'
import { RecoveringWriter } from './recovering-writer.ts'
import type { AuditStore, StoreOperation } from './store.ts'
import type { CommitParticipant, Submission } from './submission.ts'
import type { TileWriter } from './tile-writer.ts'

/** Bounds of one block, so that reading one back never takes much memory or time. */
const maxBlockRecords = 10_000
const maxBlockBytes = 16 * 1024 * 1024

/** Fewer than these are not worth a block of their own when they could wait for more to come. */
const minPrepared = 32

/** What is written at once. */
interface Group {
  readonly submissions: readonly Submission[]
  /** Held in memory by them while they waited. */
  readonly bytes: number
  readonly block: BuiltBlock | undefined
  /** Written in the same batch. */
  readonly also: readonly StoreOperation[]
}

export interface SequencerOptions {
  readonly store: AuditStore
  readonly state: ChainState
  /** As the tree is after the newest block. */
  readonly tiles: Pick<TileWriter, 'append'>
  readonly signer: BlockSigner
  readonly crypto: CryptoProvider
  /** Wall clock, milliseconds. */
  readonly now: () => number
  /** Told of every block when all of it has decided, and nothing behind it. It is not written yet. */
  readonly onBuilt: (block: BuiltBlock) => void
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
 * synced goes into the next; when that is enough for a block, it decides and the block is built meanwhile, so that its
 * write begins when the one before has ended. Writes come one after the other, settlements in the same order.
 */
export class Sequencer {
  readonly #options: SequencerOptions
  readonly #writer: RecoveringWriter
  readonly #participants: CommitParticipant[] = []
  readonly #watchers: ((block: BuiltBlock) => void)[] = []
  #state: ChainState
  /** State after the newest block that was built. */
  #built: ChainState
  /** Has decided while the group before it is being written. */
  #prepared: Group | undefined
  /** Submissions of the group that is being written. */
  #writing = 0
  #pending: Submission[] = []
  #pendingBytes = 0
  #isScheduled = false
  #isCommitting = false
  #failure: PluginError | undefined
  #idle: (() => void)[] = []

  constructor(options: SequencerOptions) {
    this.#options = options
    const { store, onOutage, onRecovered } = options
    const isGivenUp = () => this.#failure !== undefined
    this.#writer = new RecoveringWriter({ store, onOutage, onRecovered, isGivenUp })
    this.#state = options.state
    this.#built = options.state
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
    return this.#failure ?? this.#writer.outage
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
    if (this.#writer.outage !== undefined) this.#fail(this.#writer.outage)
    if (this.#failure !== undefined || (!this.#isCommitting && this.#pending.length === 0)) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  #schedule(): void {
    if (this.#isScheduled || (this.#isCommitting && !this.#isWorthPreparing())) return
    this.#isScheduled = true
    // After the poll phase: publishes of all sockets that became readable together share one commit.
    setImmediate(() => {
      this.#isScheduled = false
      if (this.#isCommitting) this.#prepareNext()
      else this.#commit().catch((error) => this.#fail(error))
    })
  }

  /** Whether what waits makes a group of its own while another one is being written. */
  #isWorthPreparing(): boolean {
    return this.#prepared === undefined && this.#pending.length >= Math.max(this.#writing, minPrepared)
  }

  #prepareNext(): void {
    if (this.#failure !== undefined || !this.#isWorthPreparing()) return
    try {
      this.#prepared = this.#prepare()
    } catch (error) {
      this.#fail(error)
    }
  }

  async #commit(): Promise<void> {
    if (this.#isCommitting || this.#failure !== undefined) return
    if (this.#prepared === undefined && this.#pending.length === 0) return
    this.#isCommitting = true
    const group = this.#prepared ?? this.#prepare()
    this.#prepared = undefined
    this.#writing = group.submissions.length
    this.#pendingBytes -= group.bytes
    const written = this.#write(group)
    this.#schedule()
    // Always a wait: the group before this one is settled while this one is being written, and has to come first.
    await written
    if (this.#failure !== undefined) return
    this.#isCommitting = false
    this.#commit().catch((error) => this.#fail(error))
    for (const submission of group.submissions) submission.settle()
    for (const participant of this.#participants) participant.settled()
    if (!this.#isCommitting) this.#notifyIdle()
  }

  /** Has a group decide, in its place in the order, and builds its block. */
  #prepare(): Group {
    const { submissions, bytes } = this.#takeGroup()
    const before = this.#built
    const timeMs = Math.max(before.timeMs, this.#options.now())
    const records: RecordWithBody[] = []
    const also: StoreOperation[] = []
    const firstIndex = before.frontier.size
    for (const submission of submissions) {
      const decision = submission.decide(firstIndex + records.length, timeMs)
      if (decision === undefined) continue
      if (decision.record !== undefined) records.push(decision as RecordWithBody)
      if (decision.also !== undefined) for (const operation of decision.also) also.push(operation)
    }
    for (const participant of this.#participants) {
      for (const operation of participant.operations()) also.push(operation)
    }
    if (records.length === 0) return { submissions, bytes, also, block: undefined }
    const { tiles, signer, crypto, onBuilt } = this.#options
    const block = buildBlock(before, records, timeMs, signer, crypto)
    for (const operation of tiles.append(firstIndex, block.growth)) also.push(operation)
    this.#built = block.next
    onBuilt(block)
    return { submissions, bytes, also, block }
  }

  async #write({ block, also }: Group): Promise<void> {
    if (block === undefined) return this.#writer.write(also)
    await this.#writer.append(block, this.#state, also)
    // Given up while the store took no writes: nobody knows whether it is there.
    if (this.#failure !== undefined) return
    this.#state = block.next
    this.#options.onBlock(block)
    for (const watcher of this.#watchers) watcher(block)
  }

  #takeGroup(): Pick<Group, 'submissions' | 'bytes'> {
    const pending = this.#pending
    let bytes = 0
    let count = 0
    while (count < pending.length && count < maxBlockRecords && (count === 0 || bytes < maxBlockBytes)) {
      bytes += (pending[count] as Submission).bytes
      count++
    }
    this.#pending = pending.slice(count)
    return { submissions: count === pending.length ? pending : pending.slice(0, count), bytes }
  }

  #fail(cause: unknown): void {
    if (this.#failure !== undefined) return
    this.#failure =
      cause instanceof PluginError
        ? cause
        : new PluginError('ERR_STORE_FAILED', 'the chain could not be written', {}, cause)
    this.#pending = []
    this.#prepared = undefined
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
