import {
  blocksSublevel,
  decodeIndex,
  LevelAuditStore,
  openStoreDatabase,
  type StoreDatabase,
} from '../audit-chain/index.ts'

/** What is read, and written, at once. */
const bytesAtOnce = 256 * 1024
const entriesAtOnce = 1024
/** Copied between two looks at the room that is left. */
const bytesPerLook = 16 * 1024 * 1024

export interface CopyOptions {
  /** Told of the records that were copied so far. */
  readonly onProgress?: (records: number) => void
  /** Called now and then; what it throws ends the copy. Default: nobody looks. */
  readonly checkRoom?: () => Promise<void>
  /** Aborted when the copy is not wanted any more. */
  readonly signal?: AbortSignal
}

/** What a copy has. */
export interface CopiedStore {
  /** Of keys and values. */
  readonly bytes: number
  /** Block with the highest index, as it is stored; undefined: there is none. */
  readonly newestBlock: Uint8Array | undefined
}

/**
 * Copies everything in a store into a new one, as it is at this moment: an iterator of LevelDB sees one state of it, and
 * what belongs together was written in one batch. Writers go on meanwhile.
 * @param directory data directory of the copy, which has no store. It is not durable yet
 */
export async function copyStore(
  database: StoreDatabase,
  directory: string,
  { onProgress, checkRoom, signal }: CopyOptions = {},
): Promise<CopiedStore> {
  const blockPrefix = Buffer.from(blocksSublevel(database).prefixKey(new Uint8Array(), 'view'))
  // Not in the types of the abstract database; classic-level stops reading ahead at this many bytes.
  const options = { highWaterMarkBytes: bytesAtOnce }
  const source = database.iterator(options)
  let bytes = 0
  let lookAt = bytesPerLook
  try {
    const copy = await openStoreDatabase(directory)
    try {
      for (let entries = await source.nextv(entriesAtOnce); entries.length > 0; ) {
        signal?.throwIfAborted()
        if (bytes >= lookAt) {
          await checkRoom?.()
          lookAt = bytes + bytesPerLook
        }
        await copy.batch(entries.map(([key, value]) => ({ type: 'put', key, value })))
        for (const [key, value] of entries) bytes += key.length + value.length
        const newest = entries.findLast(([key]) => blockPrefix.compare(key, 0, blockPrefix.length) === 0)
        if (newest !== undefined) onProgress?.(decodeIndex(newest[0].subarray(blockPrefix.length)))
        entries = await source.nextv(entriesAtOnce)
      }
      const newest = await new LevelAuditStore(copy).blockAt(Number.MAX_SAFE_INTEGER)
      return { bytes, newestBlock: newest?.encoded }
    } finally {
      await copy.close()
    }
  } finally {
    await source.close()
  }
}
