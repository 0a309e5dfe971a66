import { availableParallelism } from 'node:os'
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  type AuditVerifyResult,
  type ChainDamage,
  ChainVerifier,
  decodeChainState,
  type Frontier,
  frontierFromTiles,
  type InspectedBlock,
  type P256PublicKey,
  ProtocolError,
  type StoreFinding,
} from '../../protocol/index.ts'
import type { AuditStore, StoredBlock } from '../audit-chain/index.ts'
import type { TileTable } from '../audit-chain/tile-table.ts'
import { PluginError } from '../errors.ts'
import { nativeCrypto } from '../native-crypto.ts'
import { CheckpointCheck, type KeptCheckpoint } from './checkpoint-check.ts'
import { Inspectors } from './inspectors.ts'
import { checkReferences, type RecordReference } from './references.ts'
import { StoredTileCheck } from './stored-tile-check.ts'

/** How far a verification is. */
export interface VerifyProgress {
  readonly records: number
  /** As the state beside the chain says, which is not trusted. */
  readonly total: number
}

export interface VerifyStoreOptions {
  readonly store: AuditStore
  /** The broker key to trust: that of the genesis record, or one that took its place. */
  readonly brokerKey?: P256PublicKey
  /** Newest signed header kept outside the store. */
  readonly head?: Uint8Array
  /** Stored tiles, to be held against the leaves. Default: not looked at. */
  readonly tiles?: TileTable
  /** Checkpoints of the log that were kept, in the store or elsewhere: the chain must have what they cover. */
  readonly checkpoints?: readonly KeptCheckpoint[]
  /** Everything in the store that refers to a record by its index. Default: not looked at. */
  readonly references?: () => AsyncIterable<RecordReference>
  /** Last index to look at; the block that holds it is checked whole. Default: the newest. */
  readonly toIndex?: number
  /** Publishers' signatures below this index are not verified again. Hashes and links always are. Default 0. */
  readonly fromIndex?: number
  /** Verifies no signatures of publishers. Default false. */
  readonly hashesOnly?: boolean
  /** Worker threads for long chains. Default: one per core. */
  readonly threads?: number
  /** Called at most twice a second. */
  readonly onProgress?: (progress: VerifyProgress) => void
  /** Stops it. */
  readonly signal?: AbortSignal
}

const progressIntervalMs = 500

/**
 * Verifies a stored chain from its genesis. Threads look at blocks by themselves; what depends on the order of the chain
 * is done here, in small steps between which other work happens. Memory: some batches of blocks per thread.
 * @throws {PluginError} ERR_VERIFY_STOPPED
 */
export async function verifyStore(options: VerifyStoreOptions): Promise<AuditVerifyResult> {
  const run = new StoreVerification(options)
  try {
    return await run.result()
  } finally {
    await run.close()
  }
}

class StoreVerification {
  readonly #options: VerifyStoreOptions
  readonly #verifier: ChainVerifier
  readonly #inspectors: Inspectors
  readonly #tiles: StoredTileCheck | undefined
  readonly #checkpoints: CheckpointCheck
  #isWhole = true
  #reportedAt = performance.now()
  #total = 0

  constructor(options: VerifyStoreOptions) {
    const { brokerKey, head, tiles, fromIndex = 0, hashesOnly = false, threads = availableParallelism() } = options
    const signaturesFrom = hashesOnly ? Number.MAX_SAFE_INTEGER : fromIndex
    this.#options = options
    this.#inspectors = new Inspectors(threads, signaturesFrom)
    this.#tiles = tiles === undefined ? undefined : new StoredTileCheck(tiles)
    this.#checkpoints = new CheckpointCheck(options.checkpoints ?? [])
    this.#verifier = new ChainVerifier({
      crypto: nativeCrypto,
      signaturesFrom,
      ...(brokerKey === undefined ? undefined : { brokerKey }),
      ...(head === undefined ? undefined : { head }),
      ...(tiles === undefined ? undefined : { frontierAt: (size: number) => frontierOfTiles(tiles, size) }),
    })
  }

  async result(): Promise<AuditVerifyResult> {
    await this.#readTotal()
    const underway: Promise<readonly InspectedBlock[]>[] = []
    for await (const blocks of this.#batches()) {
      const { publisherKeys, brokerKey } = this.#verifier
      const inspection = this.#inspectors.inspect(blocks, { publishers: publisherKeys, brokerKey })
      // Awaited later: a rejection meanwhile is not one that nobody handles.
      inspection.catch(() => undefined)
      underway.push(inspection)
      while (underway.length >= this.#inspectors.width) await this.#enter(underway.shift())
    }
    while (underway.length > 0) await this.#enter(underway.shift())
    await this.#verifier.finish(this.#isWhole)
    const { damage, summary, treeSize } = this.#verifier
    const { genesis } = summary
    const origin = genesis?.origin ?? ''
    const verified = { origin, logKeys: this.#verifier.logKeys, treeSize, isPart: !this.#isWhole }
    const beside = this.#tiles?.first ?? this.#checkpoints.finish(verified) ?? (await this.#danglingReference(treeSize))
    return resultOf(summary, damage, beside)
  }

  close(): Promise<void> {
    return this.#inspectors.close()
  }

  async #readTotal(): Promise<void> {
    const { store, onProgress, toIndex = Number.MAX_SAFE_INTEGER } = this.#options
    if (onProgress === undefined) return
    const state = await store.readState()
    if (state === undefined) return
    this.#total = Math.min(toIndex + 1, sizeIn(state))
  }

  async *#batches(): AsyncGenerator<readonly StoredBlock[]> {
    const { store, toIndex = Number.MAX_SAFE_INTEGER } = this.#options
    let blocks: StoredBlock[] = []
    let bytes = 0
    for await (const block of store.blocks()) {
      if (block.firstIndex > toIndex) {
        this.#isWhole = false
        break
      }
      blocks.push(block)
      bytes += block.encoded.length
      if (bytes < this.#inspectors.batchBytes) continue
      yield blocks
      blocks = []
      bytes = 0
    }
    if (blocks.length > 0) yield blocks
  }

  async #enter(inspection: Promise<readonly InspectedBlock[]> | undefined): Promise<void> {
    // Whoever waits for this thread goes first.
    await nextTurn()
    for (const block of (await inspection) ?? []) {
      const firstIndex = this.#verifier.treeSize
      await this.#verifier.enter(block)
      const { growth, summary } = this.#verifier
      if (growth === undefined) continue
      if (block.header !== undefined) this.#checkpoints.add(block.header.header)
      await this.#tiles?.add(firstIndex, growth, summary.blocks - 1)
    }
    if (this.#options.signal?.aborted) throw new PluginError('ERR_VERIFY_STOPPED', 'the verification was stopped')
    this.#tellProgress()
  }

  #tellProgress(): void {
    const now = performance.now()
    if (now - this.#reportedAt < progressIntervalMs) return
    this.#reportedAt = now
    const records = this.#verifier.treeSize
    this.#options.onProgress?.({ records, total: Math.max(records, this.#total) })
  }

  async #danglingReference(treeSize: number): Promise<StoreFinding | undefined> {
    const { store, references } = this.#options
    // Of a part of the chain it cannot be told.
    if (references === undefined || !this.#isWhole) return undefined
    return checkReferences(store, references(), treeSize)
  }
}

/** 0 when the state is damaged, which is for the start of a broker to refuse. */
function sizeIn(state: Uint8Array): number {
  try {
    return decodeChainState(state, nativeCrypto).frontier.size
  } catch (error) {
    if (error instanceof ProtocolError) return 0
    throw error
  }
}

/** The right edge as stored tiles have it: only ever believed when a signed root says the same. */
async function frontierOfTiles(tiles: TileTable, treeSize: number): Promise<Frontier | undefined> {
  try {
    return await frontierFromTiles(treeSize, (tile) => tiles.read(tile, nativeCrypto), nativeCrypto)
  } catch (error) {
    if (error instanceof PluginError && error.code === 'ERR_CHAIN_DAMAGED') return undefined
    throw error
  }
}

function resultOf(
  { records, signatures, erased }: ChainVerifier['summary'],
  damage: ChainDamage | undefined,
  beside: StoreFinding | undefined,
): AuditVerifyResult {
  const result = { ok: damage === undefined && beside === undefined, checked: records, signatures, erased }
  if (damage === undefined) return beside === undefined ? result : { ...result, firstBad: beside, bad: 0 }
  const { firstBad, bad, extent, recordsAfter, containsHead } = damage
  return {
    ...result,
    firstBad,
    bad,
    ...(extent === undefined ? undefined : { extent }),
    recordsAfter,
    ...(containsHead === undefined ? undefined : { containsHead }),
  }
}
