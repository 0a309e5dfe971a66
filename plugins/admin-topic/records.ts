import {
  type BlockEntry,
  type ChainRecord,
  decodeRecord,
  type Includable,
  type RecordJson,
  recordToJson,
} from '../../protocol/index.ts'
import { type AuditChain, readEntry } from '../audit-chain/index.ts'
import { AdminError } from './errors.ts'

/** A record, decoded, with what is stored for it. */
export interface StoredRecord {
  readonly index: number
  readonly record: ChainRecord
  readonly entry: BlockEntry
}

/** @throws {AdminError} not-found */
export async function readRecord(chain: AuditChain, index: number): Promise<StoredRecord> {
  if (index >= chain.nextIndex) throw new AdminError('not-found', `the newest index is ${chain.nextIndex - 1}`)
  const entry = await readEntry(chain.store, index)
  if (entry === undefined) throw new AdminError('not-found', 'the block that held it is missing; verify the chain')
  return { index, record: decodeRecord(entry.record), entry }
}

/** With the name of the key that signed it, when it is enrolled. */
export function storedRecordToJson(
  chain: AuditChain,
  { index, record, entry }: StoredRecord,
  include: ReadonlySet<Includable>,
): RecordJson {
  const { record: encodedRecord, body, salt, leaf } = entry
  const { thumbprint } = record
  const subject = thumbprint === undefined ? undefined : chain.registry.resolve(thumbprint)?.name
  return recordToJson({ index, record, encodedRecord, body, salt, leaf, subject }, include)
}
