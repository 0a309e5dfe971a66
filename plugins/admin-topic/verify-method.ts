import { availableParallelism } from 'node:os'
import type { AuditVerifyResult, JsonRpcNotification } from '../../protocol/index.ts'
import { type AuditChain, LevelAuditStore, type StoreSnapshot, TileTable } from '../audit-chain/index.ts'
import { type KeptCheckpoint, type RecordReference, verifyStore } from '../audit-verify/index.ts'
import { type CheckpointKeeper, storedCheckpoint } from '../checkpoints/index.ts'
import { AdminError } from './errors.ts'
import type { ParamReader } from './params.ts'

/** The way back to a requester whose answer takes a while. */
export interface RequestLine {
  /** Of the request. */
  readonly id: string | number
  /** Tells it how far the answer is. Default: it is not told. */
  readonly notify?: (notification: JsonRpcNotification) => void
  /** Aborted when it is gone. */
  readonly signal?: AbortSignal
}

/** What a broker has beside its chain that a verification holds against it. */
export interface VerifySources {
  /** Everything in the store that refers to a record. */
  readonly references: (snapshot: StoreSnapshot) => AsyncIterable<RecordReference>
  /** Checkpoints that are kept outside the store. */
  readonly kept: () => Promise<readonly KeptCheckpoint[]>
}

/** `audit.verify`: one at a time, and on one core less than there are, since publishes go on meanwhile. */
export class VerifyMethod {
  readonly #chain: AuditChain
  readonly #tiles: TileTable
  readonly #checkpoints: Pick<CheckpointKeeper, 'allRecent'> | undefined
  readonly #sources: VerifySources | undefined
  #isRunning = false

  /**
   * @param checkpoints undefined: there never are any
   * @param sources undefined: nothing refers to records, and nothing is kept outside the store
   */
  constructor(
    chain: AuditChain,
    checkpoints: Pick<CheckpointKeeper, 'allRecent'> | undefined,
    sources: VerifySources | undefined,
  ) {
    this.#chain = chain
    this.#checkpoints = checkpoints
    this.#sources = sources
    this.#tiles = new TileTable(chain.database)
  }

  /** @throws {AdminError} invalid-params, too-busy; {PluginError} ERR_VERIFY_STOPPED */
  async run(params: ParamReader, { id, notify, signal }: RequestLine): Promise<AuditVerifyResult> {
    const fromIndex = params.optionalIndex('fromIndex')
    const toIndex = params.optionalIndex('toIndex')
    const hashesOnly = params.optionalBoolean('hashesOnly')
    params.end()
    if (this.#isRunning) throw new AdminError('too-busy', 'the chain is being verified already')
    this.#isRunning = true
    let snapshot: StoreSnapshot | undefined
    try {
      const { database, genesis } = this.#chain
      // What is kept is read first: the chain only grows, so what the snapshot has extends it.
      const head = this.#chain.readHead()
      const kept = await this.#kept()
      const moment = database.snapshot()
      snapshot = moment
      const stored = await storedCheckpoint(database, moment)
      const references = this.#sources?.references
      return await verifyStore({
        store: new LevelAuditStore(database, moment),
        tiles: this.#tiles,
        brokerKey: genesis.brokerKey,
        checkpoints: stored === undefined ? kept : [{ ...stored, place: 'the store' }, ...kept],
        ...(head === undefined ? undefined : { head }),
        ...(references === undefined ? undefined : { references: () => references(moment) }),
        threads: Math.max(1, availableParallelism() - 1),
        ...(fromIndex === undefined ? undefined : { fromIndex }),
        ...(toIndex === undefined ? undefined : { toIndex }),
        ...(hashesOnly === undefined ? undefined : { hashesOnly }),
        ...(signal === undefined ? undefined : { signal }),
        onProgress: (progress) => notify?.({ jsonrpc: '2.0', method: 'audit.progress', params: { id, ...progress } }),
      })
    } finally {
      await snapshot?.close()
      this.#isRunning = false
    }
  }

  /** What this broker published since its start, and what others keep. */
  async #kept(): Promise<readonly KeptCheckpoint[]> {
    const published = this.#checkpoints?.allRecent ?? []
    const elsewhere = (await this.#sources?.kept()) ?? []
    return [...published.map(({ note }) => ({ note, place: 'the broker' })), ...elsewhere]
  }
}
