import {
  decodeRecord,
  erasedRecordToJson,
  type Includable,
  type RecordJson,
  recordToJson,
} from '../../protocol/index.ts'
import { type AuditChain, type ErasureMarks, readEntry } from '../audit-chain/index.ts'
import type { FoundRecord } from '../query-index/index.ts'
import { AdminError } from './errors.ts'

/** @throws {AdminError} not-found: there is no such record yet */
export function checkIndex({ nextIndex }: Pick<AuditChain, 'nextIndex'>, index: number): void {
  if (index >= nextIndex) throw new AdminError('not-found', `the newest index is ${nextIndex - 1}`)
}

/** @throws {AdminError} not-found */
export async function readRecord(chain: AuditChain, index: number): Promise<FoundRecord> {
  checkIndex(chain, index)
  const entry = await readEntry(chain.store, index)
  if (entry === undefined) throw new AdminError('not-found', 'the block that held it is missing; verify the chain')
  if (entry.record === undefined) return { index, record: undefined, entry }
  return { index, record: decodeRecord(entry.record), entry }
}

/** With the name of the key that signed it, when it is enrolled. */
export function storedRecordToJson(
  chain: AuditChain,
  found: FoundRecord,
  include: ReadonlySet<Includable>,
): RecordJson {
  if (found.record === undefined) return erasedRecordToJson(found.index, found.entry.leaf, include)
  const { index, record, entry } = found
  const { record: encodedRecord, body, salt, leaf } = entry
  const { thumbprint } = record
  const subject = thumbprint === undefined ? undefined : chain.registry.resolve(thumbprint)?.name
  return recordToJson({ index, record, encodedRecord, body, salt, leaf, subject }, include)
}

/** Which erasure announced that something of a record is gone; nothing for one that is whole, or damaged. */
export async function erasureOf(
  { store }: Pick<AuditChain, 'store'>,
  marks: ErasureMarks,
  { index, erased }: RecordJson,
): Promise<Pick<RecordJson, 'erasedBy'>> {
  const block = erased === undefined ? undefined : await store.blockAt(index)
  if (block === undefined) return {}
  const found = await marks.find(block.firstIndex, index, erased === 'body' ? 'bodies' : 'records')
  return found === undefined ? {} : { erasedBy: { index: found.index, reason: found.erasure.reason } }
}
