import { cpSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { LevelAuditStore, openStoreDatabase } from '../../plugins/index.ts'
import { type ChainRecord, decodeBlock, decodeRecord } from '../../protocol/index.ts'
import { temporaryDirectory } from './temporary.ts'

/** One record of a chain on disk. */
export interface StoredRecord {
  readonly index: number
  /** Height of its block. */
  readonly block: number
  readonly record: ChainRecord
  readonly body: Uint8Array | undefined
}

/** Every record in the chain of a stopped broker that was not erased, in order, without verifying anything. */
export async function readStoredChain(location: string): Promise<readonly StoredRecord[]> {
  const database = await openStoreDatabase(location, false)
  try {
    const records: StoredRecord[] = []
    for await (const { encoded } of new LevelAuditStore(database).blocks()) {
      const { header, entries } = decodeBlock(encoded)
      for (const [i, { record, body }] of entries.entries()) {
        if (record === undefined) continue
        records.push({ index: header.firstIndex + i, block: header.height, record: decodeRecord(record), body })
      }
    }
    return records
  } finally {
    await database.close()
  }
}

/** How often each text stands in the chain as the payload of a publish to a topic below `prefix`. */
export async function countPayloads(location: string, prefix: string): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>()
  for (const { record, body } of await readStoredChain(location)) {
    if (record.kind !== 'publish' || record.topic?.startsWith(prefix) !== true) continue
    const text = Buffer.from(body ?? []).toString()
    counts.set(text, (counts.get(text) ?? 0) + 1)
  }
  return counts
}

/** A copy of a data directory, removed when the test ends. */
export function copyOfData(t: TestContext, location: string): string {
  const copy = join(temporaryDirectory(t), 'data')
  cpSync(location, copy, { recursive: true })
  return copy
}
