import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  BlockSigner,
  BrokerSigner,
  type BuiltBlock,
  type ChainState,
  type Ed25519PrivateKey,
  type Genesis,
  genesisRecord,
  isKeyName,
  KeyRegistry,
  keyEventRecord,
  type P256PrivateKey,
  type P256PublicKey,
  type Predecessor,
  type RegisteredKey,
  type RotationEvent,
  type RotationPlace,
  type TileSource,
  thumbprintOfP256,
  toHex,
} from '../../protocol/index.ts'
import { PluginError } from '../errors.ts'
import { nativeCrypto } from '../native-crypto.ts'
import {
  type KeyCandidates,
  type KeyCustody,
  keysInForce,
  openKeyCandidates,
  settleKeyFiles,
  unprotectedKeys,
} from './broker-keys.ts'
import { HeadFile } from './head-file.ts'
import { configuration, KeyChanges } from './key-changes.ts'
import { LevelAuditStore, openStoreDatabase, type StoreDatabase } from './level-store.ts'
import { publishKeys } from './published-keys.ts'
import { restoreChain } from './replay.ts'
import { type ObservedReuse, type SeqReuseAlarm, SeqReuseReporter } from './seq-reuse-reporter.ts'
import { Sequencer } from './sequencer.ts'
import { recordsPerSnapshot, SnapshotKeeper, SnapshotStore } from './snapshots.ts'
import type { AuditStore } from './store.ts'
import type { CommitParticipant, Submission } from './submission.ts'
import { TileReader } from './tile-reader.ts'
import { openTiles } from './tile-restore.ts'
import { TileTable } from './tile-table.ts'
import type { TileWriter } from './tile-writer.ts'
import { WillReservations } from './will-reservations.ts'

export interface AuditChainOptions {
  /** Data directory: `store/`, `keys/`, `head`. Created when absent. */
  readonly location: string
  /** Name of the log, fixed by its first start. Default `notarymq/<16 hex of the broker's thumbprint>`. */
  readonly origin?: string
  /** The log that a new one continues. Default: none. */
  readonly continues?: Predecessor
  /** Told of what cannot be thrown to anyone: a head file that could not be written, a failed store. */
  readonly onError?: (error: unknown) => void
  /** Told when the store takes no writes, and after every attempt to open it again that failed. */
  readonly onOutage?: (error: PluginError) => void
  /** Told when the store took writes again; everything that waited goes on. */
  readonly onRecovered?: () => void
  /** How the private keys of the notary are kept. Default: in `keys/`, without protection. */
  readonly custody?: KeyCustody
  /** Told of what an operator may want to do. */
  readonly onNotice?: (message: string) => void
  /** Told of every durable block: its signed header. */
  readonly onBlock?: (signedHeader: Uint8Array) => void
  /** Told of what an operator should look into at once. */
  readonly onAlarm?: (alarm: SeqReuseAlarm) => void
  /** Looks at what was found before anything is appended; what it throws stops the start. Default: takes it as it is. */
  readonly guard?: (found: FoundChain) => Promise<void>
  /** Wall clock in milliseconds; for tests. */
  readonly now?: () => number
  /** Records between two snapshots of keys and sequence numbers. Default 50000. */
  readonly recordsPerSnapshot?: number
}

/** Where a recovery makes the log that is to take the place of the one in a data directory. */
export const nextLogOf = (location: string) => join(location, 'next-log')

/** There while the new log is complete and has not wholly taken the place of the old one. */
export const nextLogMarkOf = (location: string) => join(nextLogOf(location), 'ready')

/** A chain as the start found it; a new one has its identity and no records. */
export interface FoundChain {
  readonly database: StoreDatabase
  readonly genesis: Genesis
  readonly registry: KeyRegistry
  readonly treeSize: number
  readonly tiles: TileSource
}

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
  readonly #tileParts: { readonly table: TileTable; readonly writer: TileWriter }
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

  private constructor(parts: {
    database: StoreDatabase
    store: AuditStore
    registry: KeyRegistry
    wills: WillReservations
    genesis: Genesis
    logVkey: string
    brokerKey: P256PrivateKey
    logKey: Ed25519PrivateKey
    tileParts: { readonly table: TileTable; readonly writer: TileWriter }
    sequencer: Sequencer
    head: HeadFile
    snapshots: SnapshotKeeper
    onAlarm: (alarm: SeqReuseAlarm) => void
    onError: (error: unknown) => void
    failed: Promise<PluginError>
  }) {
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
    this.#onError = parts.onError
    this.#reuses = new SeqReuseReporter({
      store: parts.store,
      submit: (submission) => this.submit(submission),
      onAlarm: parts.onAlarm,
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
   * @throws {PluginError} ERR_STORE_*, ERR_CHAIN_*, ERR_KEY_FILE, ERR_KEY_PASSPHRASE
   */
  static async open(options: AuditChainOptions): Promise<AuditChain> {
    if (existsSync(nextLogMarkOf(options.location))) {
      const what = `a recovery of ${options.location} did not come to its end; run it again`
      throw new PluginError('ERR_RECOVERY_UNFINISHED', what)
    }
    const database = await openStoreDatabase(options.location)
    try {
      return await AuditChain.#openOn(database, options)
    } catch (error) {
      await database.close()
      throw error
    }
  }

  static async #openOn(database: StoreDatabase, options: AuditChainOptions): Promise<AuditChain> {
    const onError = options.onError ?? (() => {})
    const now = options.now ?? Date.now
    const store = new LevelAuditStore(database)
    const isNew = (await store.readState()) === undefined
    const candidates = await openKeyCandidates(options.location, isNew, options.custody ?? {})
    const head = new HeadFile(options.location, onError)
    const registry = new KeyRegistry(nativeCrypto)
    const snapshots = new SnapshotStore(database)
    const restored = await restoreChain({
      store,
      crypto: nativeCrypto,
      registry,
      brokerKeys: candidates.brokers.map(({ key }) => key),
      head: head.read(),
      snapshots,
      onWarning: onError,
    })
    const table = new TileTable(database)
    const writer = await openTiles({ store, table, frontier: restored.state.frontier, crypto: nativeCrypto }, onError)
    const genesis = restored.genesis ?? firstGenesis(candidates, options)
    checkOrigin(genesis, options.origin)
    if (restored.genesis === undefined) registry.begin(genesis)
    const { read } = new TileReader({ table, writer, crypto: nativeCrypto })
    await options.guard?.({ database, genesis, registry, treeSize: restored.state.frontier.size, tiles: read })
    const keys = keysInForce(candidates, registry)
    await settleKeyFiles(options.location, keys)
    const logVkey = await publishKeys(options.location, genesis.origin, registry.notary)
    if (options.custody?.passphrase !== undefined) {
      for (const name of unprotectedKeys(keys)) options.onNotice?.(unprotectedNotice(name))
    }
    const brokerKey = keys.broker.key
    const keeper = new SnapshotKeeper({
      store: snapshots,
      registry,
      origin: genesis.origin,
      signer: new BrokerSigner(brokerKey, nativeCrypto),
      crypto: nativeCrypto,
      covered: restored.covered,
      stored: restored.stored,
      recordsPerSnapshot: options.recordsPerSnapshot ?? recordsPerSnapshot,
    })
    let fail: (error: PluginError) => void = () => {}
    const failed = new Promise<PluginError>((resolve) => {
      fail = resolve
    })
    const sequencer = new Sequencer({
      store,
      state: restored.state,
      tiles: writer,
      signer: new BlockSigner(brokerKey, nativeCrypto),
      crypto: nativeCrypto,
      now,
      onBlock: (block: BuiltBlock) => {
        head.update(block.signed)
        keeper.onBlock(block.next)
        options.onBlock?.(block.signed)
      },
      onOutage: options.onOutage ?? onError,
      onRecovered: options.onRecovered ?? (() => {}),
      onFailure: (error) => {
        onError(error)
        fail(error)
      },
    })
    sequencer.join(keeper)
    const wills = await WillReservations.open(database, registry)
    const chain = new AuditChain({
      database,
      store,
      registry,
      wills,
      genesis,
      logVkey,
      brokerKey,
      logKey: keys.log.key,
      tileParts: { table, writer },
      sequencer,
      head,
      snapshots: keeper,
      onAlarm: options.onAlarm ?? (() => {}),
      onError,
      failed,
    })
    if (restored.genesis === undefined) {
      await chain.record((_index, timeMs) => ({ record: genesisRecord(genesis, timeMs) }))
    }
    return chain
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

/** What a new chain begins with. */
function firstGenesis({ brokers, logs }: KeyCandidates, { origin, continues }: AuditChainOptions): Genesis {
  const [broker, log] = [brokers[0]?.key, logs[0]?.key]
  if (broker === undefined || log === undefined) throw new PluginError('ERR_KEY_FILE', 'a key of the notary is missing')
  const genesis = { origin: origin ?? defaultOrigin(broker), brokerKey: broker, logKey: log.publicKey }
  return continues === undefined ? genesis : { ...genesis, continues }
}

function unprotectedNotice(name: string): string {
  return `keys/${name} is not protected by the passphrase that is given; run "notarymq keys passwd" to change that`
}

function defaultOrigin(brokerKey: P256PublicKey): string {
  return `notarymq/${toHex(thumbprintOfP256(brokerKey, nativeCrypto).subarray(0, 8))}`
}

function checkOrigin({ origin }: Genesis, wanted: string | undefined): void {
  if (wanted !== undefined && wanted !== origin) {
    throw new PluginError('ERR_CHAIN_ORIGIN_MISMATCH', `this log is named ${origin}, not ${wanted}`)
  }
  if (!isKeyName(origin)) {
    throw new PluginError('ERR_CHAIN_ORIGIN_MISMATCH', 'an origin has no spaces and no +')
  }
}
