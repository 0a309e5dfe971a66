import { type BlockEntry, fromBase64url, type RecordJson } from '../../../protocol/index.ts'
import type { AdminClient } from '../../cli/admin-client.ts'
import { queryRecords } from '../../cli/query-pages.ts'
import { ClientError } from '../../errors.ts'

/** What is read over MQTT and held in memory, in records. */
const maxRecords = 20_000

/** What a store has of one block. */
export interface LabBlock {
  readonly firstIndex: number
  /** The signed header, a COSE_Sign1. */
  readonly header: Uint8Array
  readonly entries: readonly BlockEntry[]
}

/**
 * Every block of a broker, with records, salts and payloads, from the genesis on.
 * @throws {ClientError} ERR_USAGE for a chain that is too long; ERR_ADMIN, ERR_TIMEOUT, ERR_CONNECTION
 */
export async function fetchChain(admin: AdminClient): Promise<readonly LabBlock[]> {
  const { treeSize, blocks } = await admin.request('audit.status', {})
  if (treeSize > maxRecords) {
    throw new ClientError(
      'ERR_USAGE',
      `the chain has more than ${maxRecords} records: verify it with 'notarymq audit export' and 'audit verify --export'`,
    )
  }
  const records = new Map<number, RecordJson>()
  for await (const record of queryRecords(admin, { include: ['record', 'salt', 'payload'] }, treeSize)) {
    records.set(record.index, record)
  }
  const chain: LabBlock[] = []
  for (let height = 0; height < blocks; height++) {
    const { firstIndex, header, leaves } = await admin.request('audit.block', { height })
    const entries = leaves.map((leaf, at) => entryOf(fromBase64url(leaf), records.get(firstIndex + at)))
    chain.push({ firstIndex, header: fromBase64url(header), entries })
  }
  return chain
}

function entryOf(leaf: Uint8Array, json: RecordJson | undefined): BlockEntry {
  // Of a record that was erased there is the leaf alone.
  if (json?.record === undefined || json.salt === undefined) {
    return { leaf, salt: undefined, record: undefined, body: undefined }
  }
  const body = json.payload === undefined ? undefined : fromBase64url(json.payload)
  return { leaf, salt: fromBase64url(json.salt), record: fromBase64url(json.record), body }
}
