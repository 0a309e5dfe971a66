import { type CryptoProvider, type NoteVerifier, withCosignatures } from '../../protocol/index.ts'
import { type AuditChain, damaged } from '../audit-chain/index.ts'
import { CheckpointSigner, type PublishedCheckpoint } from './checkpoint-signer.ts'
import { standingTo } from './compare-checkpoint.ts'
import { checkpointTable, newestKey } from './stored-checkpoint.ts'

/** Takes a checkpoint to a place that is not the store, before anybody else sees it. Rejects when it could not. */
export type Anchor = (checkpoint: PublishedCheckpoint) => Promise<void>

export interface CheckpointKeeperOptions {
  readonly chain: Pick<
    AuditChain,
    'brokerKey' | 'database' | 'genesis' | 'logKey' | 'outage' | 'record' | 'registry' | 'state' | 'tiles'
  >
  readonly crypto: CryptoProvider
  /** Time between two checkpoints, as it is now, in milliseconds. */
  readonly intervalMs: () => number
  /** Every checkpoint goes through all of them, in this order. Default: none. */
  readonly anchors?: readonly Anchor[]
  /** Whose cosignatures are kept. Default: nobody's. */
  readonly witnesses?: readonly NoteVerifier[]
  /** Told of a checkpoint that could not be made; the next one is tried all the same. */
  readonly onError: (error: unknown) => void
  /** Wall clock in milliseconds. */
  readonly now: () => number
}

const encoder = new TextEncoder()
/** Checkpoints that witnesses may be answering still. */
const maxRecent = 16

/**
 * Makes checkpoints of what is durable, one an interval when there is something new. A checkpoint is stored, then
 * anchored, then published: what others have seen is always known here and outside the store.
 */
export class CheckpointKeeper {
  readonly #options: CheckpointKeeperOptions
  readonly #sublevel
  readonly #signer: CheckpointSigner
  readonly #recent = new Map<number, PublishedCheckpoint>()
  readonly #listeners = new Set<(checkpoint: PublishedCheckpoint) => void>()
  #newest: PublishedCheckpoint | undefined
  /** Ends the waiting of those who wait for a checkpoint. */
  readonly #waiting = new Set<() => void>()
  #making: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  /** What the timer was set to. */
  #waitingMs: number | undefined
  #isClosed = false

  private constructor(options: CheckpointKeeperOptions) {
    const { chain, crypto } = options
    this.#options = options
    this.#sublevel = checkpointTable(chain.database)
    this.#signer = new CheckpointSigner(chain, crypto)
  }

  /**
   * Takes up the checkpoint that the store has.
   * @throws {PluginError} ERR_CHAIN_DAMAGED: the log did not sign it, or the chain does not extend it
   */
  static async open(options: CheckpointKeeperOptions): Promise<CheckpointKeeper> {
    const keeper = new CheckpointKeeper(options)
    await keeper.#restore()
    return keeper
  }

  /** Undefined until there is one. */
  get newest(): PublishedCheckpoint | undefined {
    return this.#newest
  }

  /** A checkpoint of this size that is one of the newest. */
  recent(treeSize: number): PublishedCheckpoint | undefined {
    return this.#recent.get(treeSize)
  }

  /** The newest ones, oldest first. */
  get allRecent(): readonly PublishedCheckpoint[] {
    return [...this.#recent.values()]
  }

  /**
   * Told of every checkpoint that is published, and again when cosignatures were added to it.
   * @returns ends that
   */
  onPublished(listener: (checkpoint: PublishedCheckpoint) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Time between two checkpoints, in milliseconds. */
  get intervalMs(): number {
    return this.#options.intervalMs()
  }

  /** Begins to make checkpoints; once it has begun, goes over to an interval that was changed, at once. */
  start(): void {
    const { intervalMs } = this
    // Begun anew each time, it would come to no checkpoint when asked more often than the interval.
    if (this.#isClosed || this.#waitingMs === intervalMs) return
    clearTimeout(this.#timer)
    this.#waitingMs = intervalMs
    const timer = setTimeout(() => {
      this.make().finally(() => {
        // Unless another wait has begun meanwhile.
        if (this.#timer !== timer) return
        this.#waitingMs = undefined
        this.start()
      })
    }, intervalMs)
    this.#timer = timer.unref()
  }

  /** Makes a checkpoint now if there is something new. Never rejects: what went wrong `onError` was told. */
  make(): Promise<void> {
    this.#making ??= this.#make()
      .catch(this.#options.onError)
      .finally(() => {
        this.#making = undefined
      })
    return this.#making
  }

  /**
   * The newest checkpoint when it covers a record, or the first one that does.
   * @returns undefined when there is none after that time
   */
  async covering(index: number, timeoutMs: number): Promise<PublishedCheckpoint | undefined> {
    if (this.#covers(index)) return this.#newest
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer)
        stop()
        this.#waiting.delete(end)
        resolve(this.#covers(index) ? this.#newest : undefined)
      }
      const stop = this.onPublished(() => {
        if (this.#covers(index)) end()
      })
      const timer = setTimeout(end, timeoutMs)
      this.#waiting.add(end)
    })
  }

  /**
   * Adds what witnesses answered. Lines that are not by a configured witness are left out.
   * @param treeSize of the checkpoint that was cosigned
   * @returns the checkpoint with all cosignatures so far; undefined when it is none of the newest any more
   * @throws {NoteError} ERR_NOTE_MALFORMED, ERR_NOTE_SIGNATURE_INVALID, ERR_WITNESS_MESSAGE_MALFORMED
   */
  async addCosignatures(treeSize: number, lines: string): Promise<PublishedCheckpoint | undefined> {
    const known = this.#recent.get(treeSize)
    if (known === undefined) return undefined
    const note = withCosignatures(known.note, lines, this.#options.witnesses ?? [])
    if (note === known.note) return known
    const cosigned = { ...known, note }
    this.#recent.set(treeSize, cosigned)
    if (this.#newest?.treeSize === treeSize) {
      this.#newest = cosigned
      await this.#store(cosigned)
    }
    this.#tell(cosigned)
    return cosigned
  }

  /** Makes a last checkpoint, unless the store takes no writes, and no more after it. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#making
    if (this.#options.chain.outage === undefined) await this.make()
    for (const end of this.#waiting) end()
  }

  async #make(): Promise<void> {
    const { chain, now } = this.#options
    const { frontier } = chain.state
    const { size } = frontier
    if (size === 0 || size === this.#newest?.treeSize || chain.outage !== undefined) return
    const checkpoint = this.#signer.sign({ treeSize: BigInt(size), rootHash: frontier.root() }, now())
    await this.#store(checkpoint)
    await this.#anchor(checkpoint)
    this.#publish(checkpoint)
  }

  /** In the order of everything else that is written, so that it cannot get in the way of a store that is opened again. */
  #store({ note }: PublishedCheckpoint): Promise<void> {
    const { chain } = this.#options
    const also = [{ type: 'put' as const, sublevel: this.#sublevel, key: newestKey, value: encoder.encode(note) }]
    return chain.record(() => ({ also }))
  }

  #publish(checkpoint: PublishedCheckpoint): void {
    this.#remember(checkpoint)
    this.#tell(checkpoint)
  }

  #remember(checkpoint: PublishedCheckpoint): void {
    this.#newest = checkpoint
    this.#recent.set(checkpoint.treeSize, checkpoint)
    const [oldest] = this.#recent.keys()
    if (this.#recent.size > maxRecent && oldest !== undefined) this.#recent.delete(oldest)
  }

  #tell(checkpoint: PublishedCheckpoint): void {
    for (const listener of this.#listeners) {
      try {
        listener(checkpoint)
      } catch (error) {
        this.#options.onError(error)
      }
    }
  }

  #covers(index: number): boolean {
    return this.#newest !== undefined && index < this.#newest.treeSize
  }

  async #restore(): Promise<void> {
    const { chain, crypto, now } = this.#options
    const stored = await this.#sublevel.get(newestKey)
    if (stored === undefined) return
    const kept = this.#signer.open(stored)
    const standing = await standingTo(kept.tree, chain.state.frontier.size, chain.tiles, crypto)
    if (standing === 'rolled-back' || standing === 'forked') {
      throw damaged(`the chain does not extend the checkpoint of ${kept.tree.treeSize} records in its own store`)
    }
    const restored = this.#signer.renew(kept, now())
    // A crash may have come between storing and anchoring. What cannot be anchored is made again at the interval.
    if (await this.#isAnchored(restored)) this.#remember(restored)
  }

  async #isAnchored(checkpoint: PublishedCheckpoint): Promise<boolean> {
    try {
      await this.#anchor(checkpoint)
      return true
    } catch (error) {
      this.#options.onError(error)
      return false
    }
  }

  async #anchor(checkpoint: PublishedCheckpoint): Promise<void> {
    for (const anchor of this.#options.anchors ?? []) await anchor(checkpoint)
  }
}
