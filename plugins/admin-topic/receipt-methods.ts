import {
  type AdminMethods,
  type AuditConsistencyResult,
  consistencyProof,
  consistencyReceipt,
  encodeTlogProof,
  type Requester,
  toBase64url,
} from '../../protocol/index.ts'
import { type AuditChain, readBlock } from '../audit-chain/index.ts'
import type { CheckpointKeeper, PublishedCheckpoint } from '../checkpoints/index.ts'
import { nativeCrypto } from '../native-crypto.ts'
import { receiptFor } from '../receipts/record-receipts.ts'
import { AdminError } from './errors.ts'
import type { ParamReader } from './params.ts'
import { checkIndex, readRecord } from './records.ts'
import { type AdminRights, maySee, ownerLimit } from './rights.ts'

/** What receipts and proofs are given for. */
export type CheckpointSource = Pick<CheckpointKeeper, 'newest' | 'recent' | 'allRecent' | 'covering' | 'intervalMs'>

/** Time that making, storing and anchoring a checkpoint may take beyond its interval. */
const makingMs = 1000
/** With a long interval an early answer is worth more than a late one. */
const longestWaitMs = 5000

/** Checkpoints, blocks, and proofs of inclusion and consistency. */
export class ReceiptMethods {
  readonly #chain: AuditChain
  readonly #checkpoints: CheckpointSource | undefined
  /** One block is read at a time, whoever asks: they may be large. */
  #reading: Promise<unknown> = Promise.resolve()

  /** @param checkpoints undefined: there never are any */
  constructor(chain: AuditChain, checkpoints: CheckpointSource | undefined) {
    this.#chain = chain
    this.#checkpoints = checkpoints
  }

  async checkpoint(params: ParamReader): Promise<AdminMethods['audit.checkpoint']['result']> {
    params.end()
    const { note, treeSize, rootHash, timeMs } = this.#newest()
    return { checkpoint: note, treeSize, rootHash: toBase64url(rootHash), time: new Date(timeMs).toISOString() }
  }

  async receipt(
    params: ParamReader,
    requester: Requester,
    rights: AdminRights,
  ): Promise<AdminMethods['audit.receipt']['result']> {
    const index = params.index('index')
    params.end()
    const owner = ownerLimit(requester, rights)
    checkIndex(this.#chain, index)
    // First, so that the block is read once, is not kept in memory meanwhile, and what is erased meanwhile is not proved.
    const checkpoint = await this.#covering(index)
    return this.#inTurn(async () => {
      const { record, entry } = await readRecord(this.#chain, index)
      // A receipt reveals the record, so it takes the same right as reading it.
      if (!maySee(record, owner, rights)) throw new AdminError('not-found', 'none that you may read')
      const value = await receiptFor(this.#chain, index, entry, checkpoint, nativeCrypto)
      if (value === undefined) throw new AdminError('not-found', 'the record was erased')
      const { json, path } = value
      const tlogProof = encodeTlogProof({ leafIndex: BigInt(index), path, checkpoint: checkpoint.note })
      return { ...json, tlogProof }
    })
  }

  async consistency(params: ParamReader): Promise<AuditConsistencyResult> {
    const from = params.integer('from', 1, Number.MAX_SAFE_INTEGER)
    const wanted = params.optionalInteger('to', 1, Number.MAX_SAFE_INTEGER)
    params.end()
    const newest = this.#newest()
    const to = wanted ?? newest.treeSize
    if (from > to) throw new AdminError('invalid-params', 'from is not above to')
    // What no checkpoint covers is not proved: the broker is not bound to it.
    if (to > newest.treeSize) throw this.#notYetCovered()
    const proof = await consistencyProof(from, to, this.#chain.tiles, nativeCrypto)
    const newer = this.#checkpoints?.recent(to)
    const receipt = newer === undefined || from === to ? null : toBase64url(consistencyReceipt(newer.signedRoot, proof))
    return { from, to, path: proof.path.map(toBase64url), receipt, checkpoint: newer?.note ?? null }
  }

  async block(params: ParamReader): Promise<AdminMethods['audit.block']['result']> {
    const index = params.optionalIndex('index')
    const height = params.optionalIndex('height')
    params.end()
    if ((index === undefined) === (height === undefined)) {
      throw new AdminError('invalid-params', 'either index or height is needed')
    }
    return this.#inTurn(async () => {
      const block = index === undefined ? await this.#blockOfHeight(height as number) : await this.#blockOfIndex(index)
      const { header, signed, entries } = block
      return {
        height: header.height,
        previousHash: toBase64url(header.previousHash),
        firstIndex: header.firstIndex,
        count: header.count,
        time: new Date(header.timeMs).toISOString(),
        treeSize: header.treeSize,
        rootHash: toBase64url(header.rootHash),
        header: toBase64url(signed),
        leaves: entries.map(({ leaf }) => toBase64url(leaf)),
      }
    })
  }

  #newest(): PublishedCheckpoint {
    const newest = this.#checkpoints?.newest
    if (newest === undefined) throw this.#notYetCovered()
    return newest
  }

  /** Waits for a younger record up to one interval. A tree of one leaf has no path, which a receipt needs. */
  async #covering(index: number): Promise<PublishedCheckpoint> {
    const waitMs = Math.min((this.#checkpoints?.intervalMs ?? 0) + makingMs, longestWaitMs)
    const checkpoint = await this.#checkpoints?.covering(Math.max(index, 1), waitMs)
    if (checkpoint === undefined) throw this.#notYetCovered()
    return checkpoint
  }

  #notYetCovered(): AdminError {
    const { newest, intervalMs = 0 } = this.#checkpoints ?? {}
    const treeSize = newest?.treeSize ?? 0
    const of = ['there is no checkpoint', 'a tree of one record has no proof; there has to be a second record']
    const detail = of[treeSize] ?? `the newest one covers ${treeSize} records`
    return new AdminError('not-yet-covered', detail, { treeSize, retryAfterMs: intervalMs })
  }

  async #blockOfIndex(index: number) {
    const block = index < this.#chain.state.frontier.size ? await readBlock(this.#chain.store, index) : undefined
    if (block === undefined) throw new AdminError('not-found')
    return block
  }

  /** Halves the range of indexes: heights grow along the chain. */
  async #blockOfHeight(height: number) {
    const { state } = this.#chain
    if (height >= state.height) throw new AdminError('not-found', `the newest height is ${state.height - 1}`)
    let [low, high] = [0, state.frontier.size - 1]
    for (;;) {
      const { header, ...rest } = await this.#blockOfIndex(Math.floor((low + high) / 2))
      if (header.height === height) return { header, ...rest }
      if (header.height < height) low = header.firstIndex + header.count
      else high = header.firstIndex - 1
      if (low > high) throw new AdminError('not-found', 'the block is missing; verify the chain')
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#reading.then(work)
    this.#reading = result.catch(() => {})
    return result
  }
}
