import type { TestContext } from 'node:test'
import { ParamReader } from '../../plugins/admin-topic/params.ts'
import { readQuery, runQuery } from '../../plugins/admin-topic/query.ts'
import { AuditChain, briskPace, nativeCrypto, QueryIndex } from '../../plugins/index.ts'
import type { RecordOwner, ScanLimits } from '../../plugins/query-index/index.ts'
import {
  type AuditQueryParams,
  type AuditQueryResult,
  type ChainRecord,
  decodeBlock,
  decodeRecord,
} from '../../protocol/index.ts'
import { administrator } from './admin-rights.ts'
import { atEnd } from './cleanup.ts'
import { kept } from './faults.ts'
import { temporaryDirectory } from './temporary.ts'

/** A record before it has a time. */
export type UntimedRecord = Omit<ChainRecord, 'timeMs'>

export const roomy: ScanLimits = { records: 1e9, bytes: 1e12, timeMs: 1e9 }

/** A chain of any records, its index in small segments, and a clock of its own. */
export class IndexedChain {
  readonly location: string
  readonly chain: AuditChain
  readonly index: QueryIndex
  readonly errors: unknown[]
  readonly clock: { timeMs: number }

  private constructor(parts: Pick<IndexedChain, 'location' | 'chain' | 'index' | 'errors' | 'clock'>) {
    this.location = parts.location
    this.chain = parts.chain
    this.index = parts.index
    this.errors = parts.errors
    this.clock = parts.clock
  }

  /** Closed when the test ends. */
  static async open(
    t: TestContext,
    { segmentRecords = 16, location = temporaryDirectory(t) }: { segmentRecords?: number; location?: string } = {},
  ): Promise<IndexedChain> {
    const clock = { timeMs: 1_767_225_600_000 }
    const chain = await AuditChain.open({ location, now: () => clock.timeMs })
    atEnd(t, () => chain.close())
    const errors: unknown[] = []
    const index = await QueryIndex.open({ chain, segmentRecords, onError: (error) => errors.push(error) })
    return new IndexedChain({ location, chain, index, errors, clock })
  }

  /** One block. */
  async append(records: readonly UntimedRecord[]): Promise<void> {
    const { chain } = this
    for (const record of records) {
      chain.submit({ bytes: 1, decide: (_index, timeMs) => ({ record: { ...record, timeMs } }), settle: () => {} })
    }
    await chain.drained()
  }

  buildAll(): Promise<void> {
    return buildAll(this.index)
  }

  /** @param index undefined: everything is read */
  page(
    params: AuditQueryParams,
    index: QueryIndex | undefined,
    { limits = roomy, owner }: { limits?: ScanLimits; owner?: RecordOwner | undefined } = {},
  ): Promise<AuditQueryResult> {
    const query = readQuery(new ParamReader({ ...params }))
    return runQuery({ chain: this.chain, index }, query, owner, administrator, limits)
  }

  /** Indexes of all that match, in one page or more. */
  async found(params: AuditQueryParams, index: QueryIndex | undefined = this.index): Promise<number[]> {
    const found: number[] = []
    let cursor: string | null | undefined
    while (cursor !== null) {
      const page = await this.page({ ...params, ...(cursor === undefined ? undefined : { cursor }) }, index)
      found.push(...page.records.map((record) => record.index))
      cursor = page.cursor
    }
    return found
  }

  /** Everything in the chain, in order. */
  async records(): Promise<ChainRecord[]> {
    const records: ChainRecord[] = []
    for await (const { encoded } of this.chain.store.blocks()) {
      records.push(...decodeBlock(encoded).entries.map((entry) => decodeRecord(kept(entry).record)))
    }
    return records
  }
}

/** Builds everything that can be built now. */
export async function buildAll(index: QueryIndex): Promise<void> {
  while (await index.buildNext(briskPace())) {
    // The next one.
  }
}

/** An unsigned publish with nothing in it. */
export function publishRecord(topic: string, clientId: string, more: Partial<UntimedRecord> = {}): UntimedRecord {
  const empty = { payloadSha256: nativeCrypto.sha256(new Uint8Array()), payloadSize: 0 }
  return {
    kind: 'publish',
    topic,
    clientId,
    auth: 'none',
    qos: 0,
    retain: false,
    outcome: 'unsigned',
    ...empty,
    ...more,
  }
}
