import {
  decodeRecord,
  type Includable,
  type RecordJson,
  type RecordSource,
  recordToJson,
} from '../../protocol/index.ts'
import { type AuditChain, readEntry } from '../audit-chain/index.ts'
import { AdminError } from './errors.ts'

/** One record with everything that is stored for it. @throws {AdminError} not-found */
export async function readRecord(chain: AuditChain, index: number): Promise<RecordSource> {
  if (index >= chain.state.frontier.size)
    throw new AdminError('not-found', `the newest index is ${chain.state.frontier.size - 1}`)
  const entry = await readEntry(chain.store, index)
  if (entry === undefined) throw new AdminError('not-found', 'the block that held it is missing; verify the chain')
  const record = decodeRecord(entry.record)
  return {
    index,
    record,
    encodedRecord: entry.record,
    body: entry.body,
    salt: entry.salt,
    leaf: entry.leaf,
    subject: subjectOf(chain, record.thumbprint),
  }
}

/** Name of the key, when it is enrolled. */
export function subjectOf(chain: AuditChain, thumbprint: Uint8Array | undefined): string | undefined {
  return thumbprint === undefined ? undefined : chain.registry.resolve(thumbprint)?.name
}

export async function recordJson(
  chain: AuditChain,
  index: number,
  include: ReadonlySet<Includable>,
): Promise<RecordJson> {
  return recordToJson(await readRecord(chain, index), include)
}
