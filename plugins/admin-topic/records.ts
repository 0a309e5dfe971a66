import {
  type ChainRecord,
  decodeRecord,
  erasedRecordToJson,
  type Includable,
  type KeptEntry,
  type RecordJson,
  recordToJson,
} from '../../protocol/index.ts'
import { type AuditChain, readEntry } from '../audit-chain/index.ts'
import { AdminError } from './errors.ts'

/** Name of the key, when it is enrolled. */
function subjectOf(chain: AuditChain, thumbprint: Uint8Array | undefined): string | undefined {
  return thumbprint === undefined ? undefined : chain.registry.resolve(thumbprint)?.name
}

/** One record, with what is asked for of all that is stored for it. @throws {AdminError} not-found */
export async function recordJson(
  chain: AuditChain,
  index: number,
  include: ReadonlySet<Includable>,
): Promise<RecordJson> {
  if (index >= chain.state.frontier.size)
    throw new AdminError('not-found', `the newest index is ${chain.state.frontier.size - 1}`)
  const entry = await readEntry(chain.store, index)
  if (entry === undefined) throw new AdminError('not-found', 'the block that held it is missing; verify the chain')
  if (entry.record === undefined) return erasedRecordToJson(index, entry.leaf, include)
  return keptRecordJson(chain, index, entry, decodeRecord(entry.record), include)
}

/** @param record that of the entry, decoded */
export function keptRecordJson(
  chain: AuditChain,
  index: number,
  { leaf, salt, record: encodedRecord, body }: KeptEntry,
  record: ChainRecord,
  include: ReadonlySet<Includable>,
): RecordJson {
  const subject = subjectOf(chain, record.thumbprint)
  return recordToJson({ index, record, encodedRecord, body, salt, leaf, subject }, include)
}
