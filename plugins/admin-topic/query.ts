import {
  type AuditQueryResult,
  bytesEqual,
  type ChainRecord,
  decodeBlock,
  decodeCbor,
  decodeRecord,
  encodeCbor,
  erasedRecordToJson,
  fromBase64url,
  type Includable,
  isKidOf,
  ProtocolError,
  type RecordJson,
  toBase64url,
  topicMatchesFilter,
} from '../../protocol/index.ts'
import type { AuditChain } from '../audit-chain/index.ts'
import { nativeCrypto } from '../native-crypto.ts'
import { AdminError } from './errors.ts'
import type { ParamReader } from './params.ts'
import { keptRecordJson } from './records.ts'

/** Records looked at for one page; a page that found little ends here with a cursor to go on. */
const maxScannedRecords = 200_000
/** Bytes of payloads and other columns in one page, before base64url. */
const maxPageBytes = 8 * 1024 * 1024
const defaultLimit = 100
const maxLimit = 1000

/** What a query looks for. */
interface Query {
  readonly topic: string | undefined
  readonly clientId: string | undefined
  readonly kid: Uint8Array | undefined
  /** As asked; a cursor moves `startIndex` only. */
  readonly fromIndex: number
  readonly startIndex: number
  readonly toIndex: number
  readonly limit: number
  readonly include: ReadonlySet<Includable>
}

/** Reads the parameters of `audit.query`; a cursor moves the start. @throws {AdminError} invalid-params, cursor-invalid */
export function readQuery(params: ParamReader): Query {
  const topic = params.optionalFilter('topic')
  const clientId = params.optionalText('clientId')
  const kid = params.optionalBytes('kid', 8, 32)
  const fromIndex = params.optionalIndex('fromIndex') ?? 0
  const toIndex = params.optionalIndex('toIndex') ?? Number.MAX_SAFE_INTEGER
  const limit = params.optionalInteger('limit', 1, maxLimit) ?? defaultLimit
  const include = params.include()
  const cursor = params.optionalText('cursor', 256)
  const query = { topic, clientId, kid, fromIndex, startIndex: fromIndex, toIndex, limit, include }
  return cursor === undefined ? query : { ...query, startIndex: readCursor(cursor, query) }
}

/** A scan, oldest first, that lets other work happen between blocks. */
export async function runQuery(chain: AuditChain, query: Query): Promise<AuditQueryResult> {
  const records: RecordJson[] = []
  let scanned = 0
  let pageBytes = 0
  const treeSize = chain.state.frontier.size
  for await (const stored of chain.store.blocks(query.startIndex)) {
    const block = decodeBlock(stored.encoded)
    for (const [i, entry] of block.entries.entries()) {
      const index = block.header.firstIndex + i
      if (index < query.startIndex) continue
      if (index > query.toIndex || index >= treeSize) return { records, cursor: null }
      const isFull = records.length >= query.limit || scanned >= maxScannedRecords || pageBytes >= maxPageBytes
      if (isFull) return { records, cursor: makeCursor(index, query) }
      scanned++
      if (entry.record === undefined) {
        // Nobody can tell whether it would match what is asked of its content.
        if (asksNothing(query)) records.push(erasedRecordToJson(index, entry.leaf, query.include))
        continue
      }
      const record = decodeRecord(entry.record)
      if (!matches(record, query)) continue
      records.push(keptRecordJson(chain, index, entry, record, query.include))
      if (query.include.has('payload')) pageBytes += entry.body?.length ?? 0
      if (query.include.size > 0) pageBytes += entry.record.length
    }
  }
  return { records, cursor: null }
}

function asksNothing({ topic, clientId, kid }: Query): boolean {
  return topic === undefined && clientId === undefined && kid === undefined
}

function matches(record: ChainRecord, query: Query): boolean {
  const { topic: filter } = query
  if (filter !== undefined && ![record.topic, record.storedTopic].some((topic) => isCovered(topic, filter)))
    return false
  if (query.clientId !== undefined && record.clientId !== query.clientId) return false
  if (query.kid !== undefined && (record.thumbprint === undefined || !isKidOf(query.kid, record.thumbprint)))
    return false
  return true
}

function isCovered(topic: string | undefined, filter: string): boolean {
  return topic !== undefined && topicMatchesFilter(topic, filter)
}

/** Where to go on, bound to the query so that it cannot be mixed up with another. */
function makeCursor(nextIndex: number, query: Query): string {
  return toBase64url(encodeCbor([nextIndex, digestOf(query)]))
}

function readCursor(cursor: string, query: Query): number {
  try {
    const value = decodeCbor(fromBase64url(cursor))
    const [nextIndex, digest] = Array.isArray(value) ? value : []
    const fits = typeof nextIndex === 'number' && nextIndex >= 0 && digest instanceof Uint8Array
    if (fits && bytesEqual(digest, digestOf(query))) return nextIndex
  } catch (error) {
    if (!(error instanceof ProtocolError) && !(error instanceof RangeError)) throw error
  }
  throw new AdminError('cursor-invalid')
}

/** Of what is looked for; page size and columns may change on the way. */
function digestOf(query: Query): Uint8Array {
  const { topic, clientId, kid, fromIndex, toIndex } = query
  const asked = encodeCbor([topic ?? null, clientId ?? null, kid ?? null, fromIndex, toIndex])
  return nativeCrypto.sha256(asked).subarray(0, 8)
}
