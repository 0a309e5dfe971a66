import { type StoreDatabase, storeSublevel } from '../audit-chain/index.ts'

/** Where the newest checkpoint lies in the store. */
export const newestKey = new TextEncoder().encode('newest')

export function checkpointTable(database: StoreDatabase) {
  return storeSublevel(database, 'checkpoint')
}

/** The newest checkpoint of a stopped chain, a signed note; undefined when there is none. */
export async function storedCheckpoint(database: StoreDatabase): Promise<{ readonly note: string } | undefined> {
  const stored = await checkpointTable(database).get(newestKey)
  return stored === undefined ? undefined : { note: new TextDecoder().decode(stored) }
}
