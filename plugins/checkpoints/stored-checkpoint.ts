import { readAt, type StoreDatabase, type StoreSnapshot, storeSublevel } from '../audit-chain/index.ts'

/** Where the newest checkpoint lies in the store. */
export const newestKey = new TextEncoder().encode('newest')

export function checkpointTable(database: StoreDatabase) {
  return storeSublevel(database, 'checkpoint')
}

/**
 * The newest checkpoint in a store, a signed note; undefined when there is none.
 * @param snapshot what is read; default: the newest state
 */
export async function storedCheckpoint(
  database: StoreDatabase,
  snapshot?: StoreSnapshot,
): Promise<{ readonly note: string } | undefined> {
  const stored = await checkpointTable(database).get(newestKey, readAt(snapshot))
  return stored === undefined ? undefined : { note: new TextDecoder().decode(stored) }
}
