import {
  BlockSigner,
  type BuiltBlock,
  bytesEqual,
  type ChainState,
  type Genesis,
  genesisRecord,
  isKeyName,
  type KeyEvent,
  keyEventRecord,
  type P256PublicKey,
  type Requester,
  thumbprintOfP256,
  toHex,
} from '../../protocol/index.ts'
import { PluginError } from '../errors.ts'
import { KeyRegistry, type RegisteredKey } from '../key-registry/index.ts'
import { nativeCrypto } from '../native-crypto.ts'
import { openBrokerKeys, publishVerifierKey } from './broker-keys.ts'
import { HeadFile } from './head-file.ts'
import { LevelAuditStore, openStoreDatabase, type StoreDatabase } from './level-store.ts'
import { restoreChain } from './replay.ts'
import { Sequencer } from './sequencer.ts'
import type { AuditStore } from './store.ts'
import type { CommitParticipant, Submission } from './submission.ts'

export interface AuditChainOptions {
  /** Data directory: `store/`, `keys/`, `head`. Created when absent. */
  readonly location: string
  /** Name of the log, fixed by its first start. Default `notarymq/<16 hex of the broker's thumbprint>`. */
  readonly origin?: string
  /** Told of what cannot be thrown to anyone: a head file that could not be written, a failed store. */
  readonly onError?: (error: unknown) => void
  /** Told when the store takes no writes, and after every attempt to open it again that failed. */
  readonly onOutage?: (error: PluginError) => void
  /** Told when the store took writes again; everything that waited goes on. */
  readonly onRecovered?: () => void
  /** Wall clock in milliseconds; for tests. */
  readonly now?: () => number
}

/** Requester of what the broker's own configuration asks for. */
const configuration: Requester = { auth: 'none' }

/** The tamper-evident chain of one broker: opened once, the only writer of its store. */
export class AuditChain {
  readonly database: StoreDatabase
  readonly store: AuditStore
  readonly registry: KeyRegistry
  readonly genesis: Genesis
  /** Verifier key text of the log (C2SP signed note). */
  readonly logVkey: string
  /** Thumbprint of the broker key. */
  readonly brokerThumbprint: Uint8Array
  readonly #sequencer: Sequencer
  readonly #head: HeadFile
  readonly #failed: Promise<PluginError>
  #isClosed = false

  private constructor(parts: {
    database: StoreDatabase
    store: AuditStore
    registry: KeyRegistry
    genesis: Genesis
    logVkey: string
    sequencer: Sequencer
    head: HeadFile
    failed: Promise<PluginError>
  }) {
    this.database = parts.database
    this.store = parts.store
    this.registry = parts.registry
    this.genesis = parts.genesis
    this.logVkey = parts.logVkey
    this.brokerThumbprint = thumbprintOfP256(parts.genesis.brokerKey, nativeCrypto)
    this.#sequencer = parts.sequencer
    this.#head = parts.head
    this.#failed = parts.failed
  }

  /**
   * Opens the chain of a data directory, or begins it.
   * @throws {PluginError} ERR_STORE_*, ERR_CHAIN_*, ERR_KEY_FILE
   */
  static async open(options: AuditChainOptions): Promise<AuditChain> {
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
    const keys = await openBrokerKeys(options.location, isNew)
    const head = new HeadFile(options.location, onError)
    const registry = new KeyRegistry(nativeCrypto)
    const restored = await restoreChain({
      store,
      crypto: nativeCrypto,
      registry,
      brokerKey: keys.broker,
      head: head.read(),
    })
    const genesis = restored.genesis ?? {
      origin: options.origin ?? defaultOrigin(keys.broker),
      brokerKey: keys.broker,
      logKey: keys.logPublicKey,
    }
    checkGenesis(genesis, keys.broker, keys.logPublicKey, options.origin)

    let fail: (error: PluginError) => void = () => {}
    const failed = new Promise<PluginError>((resolve) => {
      fail = resolve
    })
    const sequencer = new Sequencer({
      store,
      state: restored.state,
      signer: new BlockSigner(keys.broker, nativeCrypto),
      crypto: nativeCrypto,
      now,
      onBlock: (block: BuiltBlock) => head.update(block.signed),
      onOutage: options.onOutage ?? onError,
      onRecovered: options.onRecovered ?? (() => {}),
      onFailure: (error) => {
        onError(error)
        fail(error)
      },
    })
    const logVkey = await publishVerifierKey(options.location, genesis.origin, genesis.logKey)
    const chain = new AuditChain({ database, store, registry, genesis, logVkey, sequencer, head, failed })
    if (restored.genesis === undefined) {
      await chain.#record((_index, timeMs) => ({ record: genesisRecord(genesis, timeMs), body: undefined }))
    }
    return chain
  }

  /** State after the newest durable block: tree size, height, head. */
  get state(): ChainState {
    return this.#sequencer.state
  }

  /** Resolves with the error when the store has failed; the process should end then, and be started again. */
  get failed(): Promise<PluginError> {
    return this.#failed
  }

  /** Why nothing is being answered at the moment; undefined when all is well. */
  get outage(): PluginError | undefined {
    return this.#sequencer.outage
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
   * Enrols a key; doing it again changes nothing.
   * @returns the key as registered, once the event is durable
   * @throws {PluginError} ERR_KEY_RESERVED, ERR_KEY_EXISTS, ERR_KEY_NAME_TAKEN, ERR_KEY_KID_COLLISION,
   * ERR_KEY_NAME_INVALID
   */
  async enroll(key: P256PublicKey, name?: string, requester: Requester = configuration): Promise<RegisteredKey> {
    // One key per role: what the broker signs must never pass for a publish.
    if (bytesEqual(thumbprintOfP256(key, nativeCrypto), this.brokerThumbprint)) {
      throw new PluginError('ERR_KEY_RESERVED', 'this is the key of the broker itself')
    }
    await this.#recordKeyEvent(() => this.registry.planEnrolment(key, name), requester)
    return this.registry.find(thumbprintOfP256(key, nativeCrypto))
  }

  /**
   * Revokes a key; publishes at every later index are refused. Doing it again changes nothing.
   * @param kid thumbprint, or an unambiguous prefix of it
   * @throws {PluginError} ERR_KEY_NOT_FOUND, ERR_KEY_AMBIGUOUS
   */
  async revoke(kid: Uint8Array, reason?: string, requester: Requester = configuration): Promise<RegisteredKey> {
    const { thumbprint } = this.registry.find(kid)
    await this.#recordKeyEvent(() => this.registry.planRevocation(thumbprint, reason), requester)
    return this.registry.find(thumbprint)
  }

  /** Resolves when everything submitted so far is settled, and what that led to as well. */
  drained(): Promise<void> {
    return this.#sequencer.drained()
  }

  /** Commits what was submitted, writes the head and closes the store. Rejects when the head cannot be written. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#sequencer.drained()
    try {
      await this.#head.flush()
    } finally {
      await this.database.close()
    }
  }

  /** Plans when the index is known, so that two requests at once cannot both succeed. */
  #recordKeyEvent(plan: () => KeyEvent | undefined, requester: Requester): Promise<void> {
    return this.#record((index, timeMs) => {
      const event = plan()
      if (event === undefined) return undefined
      this.registry.apply(event, index)
      return { record: keyEventRecord(event, requester, timeMs), body: undefined }
    })
  }

  /** Submits one record of the broker's own; rejects with what `decide` throws. */
  #record(decide: Submission['decide']): Promise<void> {
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
        settle: () => (refusal === undefined ? resolve() : reject(refusal.error)),
      })
      this.#failed.then(reject)
    })
  }
}

function defaultOrigin(brokerKey: P256PublicKey): string {
  return `notarymq/${toHex(thumbprintOfP256(brokerKey, nativeCrypto).subarray(0, 8))}`
}

function checkGenesis(genesis: Genesis, broker: P256PublicKey, log: Uint8Array, origin: string | undefined): void {
  if (origin !== undefined && origin !== genesis.origin) {
    throw new PluginError('ERR_CHAIN_ORIGIN_MISMATCH', `this log is named ${genesis.origin}, not ${origin}`)
  }
  if (!isKeyName(genesis.origin)) {
    throw new PluginError('ERR_CHAIN_ORIGIN_MISMATCH', 'an origin has no spaces and no +')
  }
  const sameBroker = bytesEqual(genesis.brokerKey.x, broker.x) && bytesEqual(genesis.brokerKey.y, broker.y)
  if (!sameBroker || !bytesEqual(genesis.logKey, log)) {
    throw new PluginError('ERR_CHAIN_KEY_MISMATCH', 'keys/ does not hold the keys of the genesis record')
  }
}
