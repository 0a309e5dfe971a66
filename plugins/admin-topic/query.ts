import {
  type AuditQueryResult,
  type Includable,
  type Outcome,
  outcomes,
  type QueryOrder,
  queryOrders,
  type RecordJson,
  type RecordKind,
  recordKinds,
} from '../../protocol/index.ts'
import type { IndexRange } from '../audit-chain/index.ts'
import {
  indexAtTime,
  type RecordFilter,
  type RecordOwner,
  ScanBudget,
  type ScanLimits,
  searchRecords,
} from '../query-index/index.ts'
import type { ChainReader } from './chain-reader.ts'
import type { ParamReader } from './params.ts'
import { makeCursor, readCursor } from './query-cursor.ts'
import { storedRecordToJson } from './records.ts'
import { type AdminRights, maySee } from './rights.ts'

/** What one page may read; one that found little ends there with a cursor to go on. */
const pageLimits: ScanLimits = { records: 200_000, bytes: 256 * 1024 * 1024, timeMs: 1000 }
/** Bytes of payloads and other columns in one page, before base64url. */
const maxPageBytes = 8 * 1024 * 1024
const defaultLimit = 100
const maxLimit = 1000

/** What a query looks for, and where. */
interface Query {
  readonly filter: RecordFilter
  readonly fromIndex: number
  readonly toIndex: number
  /** Milliseconds since 1970. */
  readonly fromTimeMs: number | undefined
  readonly toTimeMs: number | undefined
  readonly order: QueryOrder
  readonly limit: number
  readonly include: ReadonlySet<Includable>
  /** Index at which the page before ended. */
  readonly nextIndex: number | undefined
}

/** Reads the parameters of `audit.query`. @throws {AdminError} invalid-params, cursor-invalid */
export function readQuery(params: ParamReader): Query {
  const filter = {
    topic: params.optionalFilter('topic'),
    clientId: params.optionalText('clientId'),
    kid: params.optionalBytes('kid', 8, 32),
    outcome: params.optionalWord('outcome', Object.keys(outcomes) as Outcome[]),
    kind: params.optionalWord('kind', Object.keys(recordKinds) as RecordKind[]),
  }
  const asked = {
    filter,
    fromIndex: params.optionalIndex('fromIndex') ?? 0,
    toIndex: params.optionalIndex('toIndex') ?? Number.MAX_SAFE_INTEGER,
    fromTimeMs: params.optionalTime('fromTime'),
    toTimeMs: params.optionalTime('toTime'),
    order: params.optionalWord('order', queryOrders) ?? 'asc',
  }
  const limit = params.optionalInteger('limit', 1, maxLimit) ?? defaultLimit
  const include = params.include()
  const cursor = params.optionalText('cursor', 256)
  return { ...asked, limit, include, nextIndex: cursor === undefined ? undefined : readCursor(cursor, asked) }
}

/**
 * One page. Oldest first, the next ones show what was added meanwhile; newest first, they begin below this one, so that
 * they never do.
 * @param owner whose records only
 * @param limits for tests
 */
export async function runQuery(
  { chain, index }: ChainReader,
  query: Query,
  owner: RecordOwner | undefined,
  rights: AdminRights,
  limits: ScanLimits = pageLimits,
): Promise<AuditQueryResult> {
  const { order, limit, include } = query
  const records: RecordJson[] = []
  let pageBytes = 0
  const range = await rangeOf(chain, query)
  const filter = { ...query.filter, owner }
  const search = searchRecords({ store: chain.store, index }, filter, range, order, new ScanBudget(limits))
  for (;;) {
    const step = await search.next()
    if (step.done) return { records, cursor: step.value === undefined ? null : makeCursor(step.value, query) }
    const found = step.value
    if (!maySee(found.record, owner, rights)) continue
    records.push(storedRecordToJson(chain, found, include))
    if (include.has('payload')) pageBytes += found.entry.body?.length ?? 0
    if (include.size > 0) pageBytes += found.entry.record?.length ?? 0
    if (records.length < limit && pageBytes < maxPageBytes) continue
    await search.return(undefined)
    const next = order === 'asc' ? found.index + 1 : found.index - 1
    return { records, cursor: next < range.from || next > range.to ? null : makeCursor(next, query) }
  }
}

/** What is left to look at. */
async function rangeOf(
  { store, nextIndex: size }: ChainReader['chain'],
  { fromIndex, toIndex, fromTimeMs, toTimeMs, order, nextIndex }: Query,
): Promise<IndexRange> {
  const since = fromTimeMs === undefined ? 0 : await indexAtTime(store, size, fromTimeMs)
  const until = toTimeMs === undefined ? size : await indexAtTime(store, size, toTimeMs + 1)
  const from = Math.max(fromIndex, since, order === 'asc' ? (nextIndex ?? 0) : 0)
  const to = Math.min(toIndex, until - 1, order === 'desc' ? (nextIndex ?? size) : size)
  return { from, to }
}
