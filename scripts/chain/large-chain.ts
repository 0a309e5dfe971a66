import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { readEntry } from '../../plugins/audit-chain/index.ts'
import { CheckpointSigner } from '../../plugins/checkpoints/checkpoint-signer.ts'
import {
  AuditChain,
  briskPace,
  LevelAuditStore,
  nativeCrypto,
  openStoreDatabase,
  QueryIndex,
  verifyStore,
} from '../../plugins/index.ts'
import { noLimits, ScanBudget, searchRecords } from '../../plugins/query-index/index.ts'
import { receiptFor } from '../../plugins/receipts/record-receipts.ts'
import { inclusionProof, type TileSource } from '../../protocol/index.ts'
import { clientIdOf, clients, fillChain } from './fill-chain.ts'

export interface LargeChainOptions {
  /** An empty directory. */
  readonly location: string
  readonly records: number
  /** Records whose rate and memory are told apart. */
  readonly perInterval: number
  /** Records in a group commit. */
  readonly perCommit: number
  /** Proofs of each kind. */
  readonly proofs: number
  /** Queries of each kind. */
  readonly queries: number
  readonly onInterval?: (interval: Interval) => void
}

/** A part of the filling. */
export interface Interval {
  /** Records at its end. */
  readonly records: number
  readonly perSecond: number
  /** Resident memory of the process at its end. */
  readonly residentBytes: number
}

/** Times in milliseconds. */
export interface Percentiles {
  readonly p50: number
  readonly p99: number
}

/** What design section 10 and issue 6 ask about a large chain. */
export interface LargeChainReport {
  readonly records: number
  readonly intervals: readonly Interval[]
  /** Rate of the last interval by that of the first. */
  readonly endToStart: number
  /** On disk after a clean stop, per record. */
  readonly diskBytesPerRecord: number
  /** From the call that opens the chain until it takes records: after a clean stop, and after one without snapshot. */
  readonly restartMs: number
  /** Inclusion proofs of random records: each with a cache of its own that is empty, and all with one. */
  readonly coldProofMs: Percentiles
  readonly warmProofMs: Percentiles
  /** Receipts of random records, as the broker makes them for a request: block, proof, and what was signed before. */
  readonly receiptMs: Percentiles
  /** Of building the index for queries anew, and nothing beside it. */
  readonly indexedPerSecond: number
  /** The first 100 records of one client in {@link clients}, and of one that there is not. */
  readonly firstPageMs: { readonly oldest: Percentiles; readonly newest: Percentiles; readonly absent: Percentiles }
  /** With hashes only, on all cores. */
  readonly verifiedPerSecond: number
}

/** Fills a chain, opens it again, and proves records of it. */
export async function measureLargeChain(options: LargeChainOptions): Promise<LargeChainReport> {
  const { location, records } = options
  const intervals = await fill(options)
  const diskBytes = bytesBelow(join(location, 'store'))
  const openedAt = performance.now()
  const chain = await AuditChain.open({ location })
  const restartMs = performance.now() - openedAt
  try {
    const coldProofMs = await timeProofs(chain, options.proofs, () => chain.newTileReader().read)
    const { read } = chain.newTileReader()
    await timeProofs(chain, options.proofs, () => read)
    const warmProofMs = await timeProofs(chain, options.proofs, () => read)
    const receiptMs = await timeReceipts(chain, options.proofs)
    const [first, last] = [intervals[0], intervals.at(-1)]
    const filled = {
      records,
      intervals,
      endToStart: (last?.perSecond ?? 0) / (first?.perSecond ?? 0),
      diskBytesPerRecord: diskBytes / records,
      restartMs,
      coldProofMs,
      warmProofMs,
      receiptMs,
    }
    await chain.close()
    return { ...filled, ...(await readBack(options)) }
  } finally {
    await chain.close()
  }
}

/** What auditors wait for, on the chain of a stopped broker. */
async function readBack({ location, records, queries }: LargeChainOptions) {
  const database = await openStoreDatabase(location, false)
  try {
    const store = new LevelAuditStore(database)
    const failures: unknown[] = []
    const chain = { database, store, nextIndex: records + 1 }
    const index = await QueryIndex.open({ chain, onError: (error) => failures.push(error) })
    await index.clear()
    const indexing = performance.now()
    while (await index.buildNext(briskPace()));
    const indexedPerSecond = (records / (performance.now() - indexing)) * 1000
    const page = (clientId: () => string, order: 'asc' | 'desc') =>
      percentiles(queries, () => firstPage({ store, index }, clientId(), records, order))
    const anybody = () => clientIdOf(Math.floor(Math.random() * clients))
    const firstPageMs = {
      oldest: await page(anybody, 'asc'),
      newest: await page(anybody, 'desc'),
      absent: await page(() => 'nobody', 'asc'),
    }
    const verifying = performance.now()
    const { ok, checked } = await verifyStore({ store, hashesOnly: true })
    const verifiedPerSecond = (checked / (performance.now() - verifying)) * 1000
    if (!ok || failures.length > 0) throw new Error('what was written does not verify, or its index cannot be used')
    return { indexedPerSecond, firstPageMs, verifiedPerSecond }
  } finally {
    await database.close()
  }
}

async function firstPage(
  source: Parameters<typeof searchRecords>[0],
  clientId: string,
  records: number,
  order: 'asc' | 'desc',
): Promise<void> {
  let left = 100
  const range = { from: 0, to: records }
  for await (const { record } of searchRecords(source, { clientId }, range, order, new ScanBudget(noLimits))) {
    if (record?.clientId !== clientId) throw new Error('a record of another client was found')
    if (--left === 0) return
  }
  if (clientId !== 'nobody' && left > 0 && records >= 100 * clients) throw new Error('records of a client are missing')
}

async function fill({ location, records, perInterval, perCommit, onInterval }: LargeChainOptions): Promise<Interval[]> {
  const chain = await AuditChain.open({ location })
  const intervals: Interval[] = []
  let [since, sinceMs] = [0, performance.now()]
  const onDurable = (durable: number) => {
    if (durable - since < perInterval && durable < records) return
    const nowMs = performance.now()
    const perSecond = ((durable - since) / (nowMs - sinceMs)) * 1000
    const interval = { records: durable, perSecond, residentBytes: process.memoryUsage.rss() }
    intervals.push(interval)
    onInterval?.(interval)
    ;[since, sinceMs] = [durable, nowMs]
  }
  try {
    await fillChain(chain, { records, perCommit, onDurable })
  } finally {
    await chain.close()
  }
  return intervals
}

/** @param source gives what tiles are read from, for each proof */
async function timeProofs(chain: AuditChain, count: number, source: () => TileSource): Promise<Percentiles> {
  const size = chain.nextIndex
  return percentiles(count, () => inclusionProof(Math.floor(Math.random() * size), size, source(), nativeCrypto))
}

async function timeReceipts(chain: AuditChain, count: number): Promise<Percentiles> {
  const { frontier } = chain.state
  const root = { treeSize: BigInt(frontier.size), rootHash: frontier.root() }
  const checkpoint = new CheckpointSigner(chain, nativeCrypto).sign(root, Date.now())
  return percentiles(count, async () => {
    const index = Math.floor(Math.random() * frontier.size)
    const entry = await readEntry(chain.store, index)
    if ((await receiptFor(chain, index, entry, checkpoint, nativeCrypto)) === undefined) throw new Error('no receipt')
  })
}

/** Times of something that is done again and again. */
async function percentiles(count: number, run: () => Promise<unknown>): Promise<Percentiles> {
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const startedAt = performance.now()
    await run()
    times.push(performance.now() - startedAt)
  }
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.min(Math.floor(count * share), count - 1)] ?? 0
  return { p50: at(0.5), p99: at(0.99) }
}

function bytesBelow(directory: string): number {
  return readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0)
}
