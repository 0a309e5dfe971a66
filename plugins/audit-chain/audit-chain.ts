import {
  type BuiltBlock,
  type ChainState,
  type Ed25519PrivateKey,
  type Genesis,
  genesisRecord,
  type KeyRegistry,
  keyEventRecord,
  type P256PrivateKey,
  type RegisteredKey,
  type RotationEvent,
  type RotationPlace,
  type TileSource,
  thumbprintOfP256,
} from '../../protocol/index.ts'
import { PluginError } from '../errors.ts'
import { nativeCrypto } from '../native-crypto.ts'
import type { AuditChainOptions } from './audit-chain-options.ts'
import type { HeadFile } from './head-file.ts'
import { configuration, KeyChanges } from './key-changes.ts'
import type { StoreDatabase } from './level-store.ts'
import { type OpenedChain, openChain } from './open-chain.ts'
import { type ObservedReuse, SeqReuseReporter } from './seq-reuse-reporter.ts'
import type { Sequencer } from './sequencer.ts'
import type { SnapshotKeeper } from './snapshots.ts'
import type { AuditStore } from './store.ts'
import type { CommitParticipant, Submission } from './submission.ts'
import { TileReader } from './tile-reader.ts'
import type { WillReservations } from './will-reservations.ts'

/** The tamper-evident chain of one broker: opened once, the only writer of its store. */
export class AuditChain {
  readonly database: StoreDatabase
  readonly store: AuditStore
  readonly registry: KeyRegistry
  /** Sequence numbers that signed wills have taken. */
  readonly wills: WillReservations
  readonly genesis: Genesis
  /** Verifier key text of the log (C2SP signed note). */
  readonly logVkey: string
  /** What the broker signs with: blocks, key exchanges, statements of its identity. */
  readonly brokerKey: P256PrivateKey
  /** Thumbprint of the broker key. */
  readonly brokerThumbprint: Uint8Array
  /** What checkpoints are signed with. */
  readonly logKey: Ed25519PrivateKey
  /** The tree. Has what is not durable yet as well: ask for trees up to the size of {@link state}. */
  readonly tiles: TileSource
  readonly #tileParts: OpenedChain['tileParts']
  readonly #sequencer: Sequencer
  readonly #head: HeadFile
  readonly #snapshots: SnapshotKeeper
  readonly #reuses: SeqReuseReporter
  readonly #keys: KeyChanges
  readonly #onError: (error: unknown) => void
  readonly #failed: Promise<PluginError>
  /** Who waits for {@link record}. Not by the promise above, which keeps whoever asked it until the process ends. */
  readonly #waiting = new Set<(error: PluginError) => void>()
  #isClosed = false

  private constructor(parts: OpenedChain, { onAlarm = () => {}, onError = () => {} }: AuditChainOptions) {
    this.database = parts.database
    this.store = parts.store
    this.registry = parts.registry
    this.wills = parts.wills
    this.genesis = parts.genesis
    this.logVkey = parts.logVkey
    this.brokerKey = parts.brokerKey
    this.brokerThumbprint = thumbprintOfP256(parts.brokerKey, nativeCrypto)
    this.logKey = parts.logKey
    this.#tileParts = parts.tileParts
    this.tiles = this.newTileReader().read
    this.#sequencer = parts.sequencer
    this.#head = parts.head
    this.#snapshots = parts.snapshots
    this.#onError = onError
    this.#reuses = new SeqReuseReporter({
      store: parts.store,
      submit: (submission) => this.submit(submission),
      onAlarm,
    })
    this.#failed = parts.failed
    this.#failed.then((error) => {
      for (const reject of this.#waiting) reject(error)
    })
    this.#keys = new KeyChanges({
      registry: parts.registry,
      origin: parts.genesis.origin,
      record: (decide) => this.record(decide),
    })
  }

  /**
   * Opens the chain of a data directory, or begins it.
   * @throws {PluginError} ERR_STORE_*, ERR_CHAIN_*, ERR_KEY_FILE, ERR_KEY_PASSPHRASE, ERR_RECOVERY_UNFINISHED
   */
  static async open(options: AuditChainOptions): Promise<AuditChain> {
    const opened = await openChain(options)
    try {
      const chain = new AuditChain(opened, options)
      const { genesis, isNew } = opened
      if (isNew) await chain.record((_index, timeMs) => ({ record: genesisRecord(genesis, timeMs) }))
      return chain
    } catch (error) {
      await opened.database.close()
      throw error
    }
  }

  /** State after the newest durable block: tree size, height, head. */
  get state(): ChainState {
    return this.#sequencer.state
  }

  /** Lowest index that the next record may get. */
  get nextIndex(): number {
    return this.state.frontier.size
  }

  /** Resolves with the error when the store has failed; the process should end then, and be started again. */
  get failed(): Promise<PluginError> {
    return this.#failed
  }

  /** Why nothing is being answered at the moment; undefined when all is well. */
  get outage(): PluginError | undefined {
    return this.#sequencer.outage
  }

  /** A reader of the tree's tiles, with a cache of its own. @param maxTiles see {@link TileReader} */
  newTileReader(maxTiles?: number): TileReader {
    const cache = maxTiles === undefined ? undefined : { maxTiles }
    return new TileReader({ ...this.#tileParts, crypto: nativeCrypto, ...cache })
  }

  /** The signed header that is kept beside the store. Read before the chain, it is in the chain. */
  readHead(): Uint8Array | undefined {
    return this.#head.read()
  }

  /** Bytes that wait for a commit. */
  get pendingBytes(): number {
    return this.#sequencer.pendingBytes
  }

  /** Adds to every group commit from now on. */
  join(participant: CommitParticipant): void {
    this.#sequencer.join(participant)
  }

  /** Tells of every block from now on, as soon as it is durable. What is called must not throw. */
  watch(onBlock: (block: BuiltBlock) => void): void {
    this.#sequencer.watch(onBlock)
  }

  /** Hands something to the sequencer. @throws {PluginError} ERR_CHAIN_CLOSED, ERR_STORE_FAILED */
  submit(submission: Submission): void {
    if (this.#isClosed) throw new PluginError('ERR_CHAIN_CLOSED', 'the chain is closed')
    this.#sequencer.submit(submission)
  }

  /**
   * Submits one record of the broker's own, or what is to be written without one. Resolves when it is durable; rejects
   * with what `decide` throws, and when the chain fails.
   */
  record(decide: Submission['decide']): Promise<void> {
    return new Promise((resolve, reject) => {
      let refusal: { error: unknown } | undefined
      this.submit({
        bytes: 1024,
        decide: (index, timeMs) => {
          try {
            return decide(index, timeMs)
          } catch (error) {
            refusal = { error }
            return undefined
          }
        },
        settle: () => {
          this.#waiting.delete(reject)
          if (refusal === undefined) resolve()
          else reject(refusal.error)
        },
      })
      this.#waiting.add(reject)
    })
  }

  /** See {@link KeyChanges.enroll}. */
  enroll(...given: Parameters<KeyChanges['enroll']>): Promise<RegisteredKey> {
    return this.#keys.enroll(...given)
  }

  /** See {@link KeyChanges.revoke}. */
  revoke(...given: Parameters<KeyChanges['revoke']>): Promise<RegisteredKey> {
    return this.#keys.revoke(...given)
  }

  /** See {@link KeyChanges.restrict}. */
  restrict(...given: Parameters<KeyChanges['restrict']>): Promise<RegisteredKey> {
    return this.#keys.restrict(...given)
  }

  /** See {@link KeyChanges.retire}. */
  retire(...given: Parameters<KeyChanges['retire']>): Promise<RegisteredKey> {
    return this.#keys.retire(...given)
  }

  /**
   * Records a new key of the notary and closes the chain: what follows is signed by the new key, with which it has to be
   * opened again. For a chain that nobody else uses: the record must stand alone in its block.
   * @param plan makes the event for the place where its record will stand
   * @throws {PluginError} ERR_KEY_RESERVED: it was, or is, a key of the notary or of a publisher
   */
  async rotate(plan: (place: RotationPlace) => RotationEvent): Promise<RotationEvent> {
    await this.drained()
    const event = plan({ ...this.state, origin: this.genesis.origin })
    await this.record((index, timeMs) => {
      if (!this.registry.apply(event, index)) {
        throw new PluginError('ERR_KEY_RESERVED', 'this key has another role already, or had this one before')
      }
      return { record: keyEventRecord(event, configuration, timeMs) }
    })
    await this.close()
    return event
  }

  /**
   * Records that a key signed two contents under one sequence number, once for each number, and raises the alarm. May
   * be called as soon as the publish was refused: the accepted one is waited for.
   */
  reportSeqReuse(reuse: ObservedReuse): Promise<void> {
    return this.#reuses.report(reuse)
  }

  /** Resolves when everything submitted so far is settled, and what that led to as well. */
  drained(): Promise<void> {
    return this.#sequencer.drained()
  }

  /** Commits what was submitted, writes snapshot and head and closes the store. Rejects when the head cannot be written. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#sequencer.drained()
    try {
      await this.#writeLastSnapshot()
      await this.#head.flush()
    } finally {
      await this.database.close()
    }
  }

  /** Saves the next start the way; when it fails that start only takes longer. */
  async #writeLastSnapshot(): Promise<void> {
    // After a failure what is in memory may never have been written.
    if (this.outage !== undefined) return
    const operations = this.#snapshots.final(this.state)
    if (operations.length > 0) await this.store.write(operations).catch(this.#onError)
  }
}
