import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { AuditChain, nativeCrypto } from '../../plugins/index.ts'
import { inclusionProof, type TileSource } from '../../protocol/index.ts'
import { fillChain } from './fill-chain.ts'

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
    const [first, last] = [intervals[0], intervals.at(-1)]
    return {
      records,
      intervals,
      endToStart: (last?.perSecond ?? 0) / (first?.perSecond ?? 0),
      diskBytesPerRecord: diskBytes / records,
      restartMs,
      coldProofMs,
      warmProofMs,
    }
  } finally {
    await chain.close()
  }
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
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const index = Math.floor(Math.random() * size)
    const read = source()
    const startedAt = performance.now()
    await inclusionProof(index, size, read, nativeCrypto)
    times.push(performance.now() - startedAt)
  }
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.min(Math.floor(count * share), count - 1)] ?? 0
  return { p50: at(0.5), p99: at(0.99) }
}

function bytesBelow(directory: string): number {
  return readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0)
}
