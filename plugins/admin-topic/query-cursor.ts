import {
  bytesEqual,
  decodeCbor,
  encodeCbor,
  fromBase64url,
  ProtocolError,
  type QueryOrder,
  toBase64url,
} from '../../protocol/index.ts'
import { nativeCrypto } from '../native-crypto.ts'
import type { RecordFilter } from '../query-index/index.ts'
import { AdminError } from './errors.ts'

/** What a cursor is bound to: page size and columns may change on the way. */
export interface AskedRecords {
  readonly filter: RecordFilter
  readonly fromIndex: number
  readonly toIndex: number
  readonly fromTimeMs: number | undefined
  readonly toTimeMs: number | undefined
  readonly order: QueryOrder
}

/** Where to go on: CBOR `[index, digest of the query]` in base64url. It gives no right: who asks is looked at anew. */
export function makeCursor(nextIndex: number, asked: AskedRecords): string {
  return toBase64url(encodeCbor([nextIndex, digestOf(asked)]))
}

/** @throws {AdminError} cursor-invalid: it is none, or of another query */
export function readCursor(cursor: string, asked: AskedRecords): number {
  try {
    const value = decodeCbor(fromBase64url(cursor))
    const [nextIndex, digest] = Array.isArray(value) ? value : []
    const fits = typeof nextIndex === 'number' && nextIndex >= 0 && digest instanceof Uint8Array
    if (fits && bytesEqual(digest, digestOf(asked))) return nextIndex
  } catch (error) {
    if (!(error instanceof ProtocolError) && !(error instanceof RangeError)) throw error
  }
  throw new AdminError('cursor-invalid')
}

function digestOf({ filter, fromIndex, toIndex, fromTimeMs, toTimeMs, order }: AskedRecords): Uint8Array {
  const { topic, clientId, kid, outcome, kind } = filter
  const whatAndWhen = [topic, clientId, kid, outcome, kind, fromTimeMs, toTimeMs].map((value) => value ?? null)
  return nativeCrypto.sha256(encodeCbor([...whatAndWhen, fromIndex, toIndex, order])).subarray(0, 8)
}
