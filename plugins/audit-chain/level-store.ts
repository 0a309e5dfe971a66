import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Level } from 'level'
import { PluginError } from '../errors.ts'
import type { AuditStore, StoredBlock, StoreOperation } from './store.ts'

/** The one LevelDB that chain and sessions share. */
export type StoreDatabase = Level<Uint8Array, Uint8Array>

/** The store as it was at one moment. Whoever made it closes it; LevelDB keeps until then what was replaced since. */
export type StoreSnapshot = ReturnType<StoreDatabase['snapshot']>

/** How to read the store at that moment; without one, as it is. */
export function readAt(snapshot: StoreSnapshot | undefined): { readonly snapshot?: StoreSnapshot } {
  return snapshot === undefined ? {} : { snapshot }
}

const storeFormat = '2'
/**
 * What LevelDB collects in memory before it makes a file of it. With its default of 4 MiB, batches of blocks of 100 kB
 * cost twice the CPU time: it writes and merges little files all the time.
 */
const writeBufferBytes = 32 * 1024 * 1024
const encodings = { keyEncoding: 'view', valueEncoding: 'view' } as const
const stateKey = new TextEncoder().encode('state')

/**
 * Opens `<data>/store`.
 * @param createIfMissing false: refuse when there is none
 * @throws {PluginError} ERR_STORE_LOCKED, ERR_STORE_FORMAT_UNKNOWN, ERR_STORE_NOT_FOUND, ERR_STORE_FAILED
 */
export async function openStoreDatabase(dataDirectory: string, createIfMissing = true): Promise<StoreDatabase> {
  const location = join(dataDirectory, 'store')
  if (createIfMissing) mkdirSync(dataDirectory, { recursive: true, mode: 0o700 })
  // LevelDB would leave an empty folder behind where it finds nothing.
  else if (!existsSync(join(location, 'CURRENT'))) {
    throw new PluginError('ERR_STORE_NOT_FOUND', `there is no store at ${location}`)
  }
  const database: StoreDatabase = new Level(location, {
    ...encodings,
    createIfMissing,
    writeBufferSize: writeBufferBytes,
  })
  try {
    await database.open()
  } catch (cause) {
    throw openError(location, cause)
  }
  try {
    await checkFormat(database, location)
  } catch (error) {
    await database.close()
    throw error
  }
  return database
}

function openError(location: string, cause: unknown): PluginError {
  const reason = (cause as { cause?: { code?: string; message?: string } }).cause
  if (reason?.code === 'LEVEL_LOCKED') {
    return new PluginError('ERR_STORE_LOCKED', `another process has ${location} open`, {}, cause)
  }
  return new PluginError('ERR_STORE_FAILED', `cannot open ${location}: ${reason?.message ?? cause}`, {}, cause)
}

const makeSublevel = (database: StoreDatabase, name: string) =>
  database.sublevel<Uint8Array, Uint8Array>(name, encodings)
const sublevels = new WeakMap<StoreDatabase, Map<string, ReturnType<typeof makeSublevel>>>()

/** A part of the store with keys and values of bytes, that survives {@link reopenStoreDatabase}. One for each name. */
export function storeSublevel(database: StoreDatabase, name: string): ReturnType<typeof makeSublevel> {
  const known = sublevels.get(database) ?? new Map()
  sublevels.set(database, known)
  const sublevel = known.get(name) ?? makeSublevel(database, name)
  known.set(name, sublevel)
  return sublevel
}

/** Closes the database and opens it again, on the same object, with the parts that {@link storeSublevel} made. */
export async function reopenStoreDatabase(database: StoreDatabase): Promise<void> {
  await database.close()
  await database.open()
  for (const sublevel of sublevels.get(database)?.values() ?? []) await sublevel.open()
}

/** An empty store gets our format; one that holds anything must name it. */
async function checkFormat(database: StoreDatabase, location: string): Promise<void> {
  const meta = database.sublevel<string, string>('meta', { valueEncoding: 'utf8' })
  const format = await meta.get('format')
  if (format === storeFormat) return
  if (format !== undefined) {
    throw new PluginError(
      'ERR_STORE_FORMAT_UNKNOWN',
      `${location} has format ${format}, this version knows ${storeFormat}`,
    )
  }
  const anything = await database.keys({ limit: 1 }).all()
  if (anything.length > 0) throw new PluginError('ERR_STORE_FORMAT_UNKNOWN', `${location} is not a NotaryMQ store`)
  await database.batch([{ type: 'put', sublevel: meta, key: 'format', value: storeFormat }], { sync: true })
}

/** Where the blocks lie: one value each, keyed by {@link encodeIndex}. */
export function blocksSublevel(database: StoreDatabase) {
  return storeSublevel(database, 'chain')
}

/**
 * Has LevelDB merge its files between two keys, so that what was deleted and earlier values of what was written anew are
 * gone from the disk. Those that a reader which began before may still see stay until it ends and the files are merged
 * again.
 */
export async function compactKeys(
  database: StoreDatabase,
  sublevel: ReturnType<typeof storeSublevel>,
  firstKey: Uint8Array,
  lastKey: Uint8Array,
): Promise<void> {
  const [start, end] = [firstKey, lastKey].map((key) => sublevel.prefixKey(key, 'view'))
  // Not in the types of `level`, whose database is that of classic-level where there is a file system.
  const { compactRange } = database as unknown as { compactRange: (...range: unknown[]) => Promise<void> }
  await compactRange.call(database, start, end, { keyEncoding: 'view' })
}

/** Of blocks that are wanted one after the other; the one that exceeds it is still among them. */
const bytesReadAhead = 256 * 1024

/** The chain in LevelDB: one value per block, keyed by its first index as 8 bytes big-endian. */
export class LevelAuditStore implements AuditStore {
  readonly #database: StoreDatabase
  readonly #blocks
  readonly #meta
  readonly #at

  /** @param snapshot what is read; default: the newest state */
  constructor(database: StoreDatabase, snapshot?: StoreSnapshot) {
    this.#database = database
    this.#at = readAt(snapshot)
    this.#blocks = blocksSublevel(database)
    this.#meta = storeSublevel(database, 'chain-meta')
  }

  readState(): Promise<Uint8Array | undefined> {
    return this.#meta.get(stateKey, this.#at)
  }

  append(block: StoredBlock, state: Uint8Array, also: readonly StoreOperation[]): Promise<void> {
    return this.#database.batch(
      [
        { type: 'put', sublevel: this.#blocks, key: encodeIndex(block.firstIndex), value: block.encoded },
        { type: 'put', sublevel: this.#meta, key: stateKey, value: state },
        ...also,
      ],
      { sync: true },
    )
  }

  write(operations: readonly StoreOperation[]): Promise<void> {
    return this.#database.batch([...operations], { sync: true })
  }

  reopen(): Promise<void> {
    return reopenStoreDatabase(this.#database)
  }

  async blockAt(index: number): Promise<StoredBlock | undefined> {
    const [entry] = await this.#blocks.iterator({ lte: encodeIndex(index), reverse: true, limit: 1, ...this.#at }).all()
    return entry === undefined ? undefined : { firstIndex: decodeIndex(entry[0]), encoded: entry[1] }
  }

  async blocksAt(index: number, count: number, bytes: number): Promise<readonly StoredBlock[]> {
    const [first] = await this.#blocks.keys({ lte: encodeIndex(index), reverse: true, limit: 1, ...this.#at }).all()
    if (first === undefined) return []
    return this.#read({ gte: first }, count, bytes)
  }

  blocksUpTo(index: number, count: number, bytes: number): Promise<readonly StoredBlock[]> {
    return this.#read({ lte: encodeIndex(index), reverse: true }, count, bytes)
  }

  async #read(
    range: { gte: Uint8Array } | { lte: Uint8Array; reverse: true },
    count: number,
    bytes: number,
  ): Promise<readonly StoredBlock[]> {
    // Not in the types of the abstract database; classic-level stops reading ahead at this many bytes.
    const options = { ...range, limit: count, highWaterMarkBytes: bytes, ...this.#at }
    const iterator = this.#blocks.iterator(options)
    try {
      const entries = await iterator.nextv(count)
      return entries.map(([key, encoded]) => ({ firstIndex: decodeIndex(key), encoded }))
    } finally {
      await iterator.close()
    }
  }

  async *blocks(fromIndex = 0): AsyncIterable<StoredBlock> {
    const first = fromIndex === 0 ? undefined : await this.blockAt(fromIndex)
    const from = first?.firstIndex ?? 0
    // Not in the types of the abstract database: by itself it comes back after every block of more than 16 kB.
    const options = { gte: encodeIndex(from), highWaterMarkBytes: bytesReadAhead, ...this.#at }
    for await (const [key, encoded] of this.#blocks.iterator(options)) {
      yield { firstIndex: decodeIndex(key), encoded }
    }
  }
}

/** Big-endian, so that the order of keys is the order of indexes. */
export function encodeIndex(index: number): Uint8Array {
  const key = new Uint8Array(8)
  new DataView(key.buffer).setBigUint64(0, BigInt(index))
  return key
}

export function decodeIndex(key: Uint8Array): number {
  return Number(new DataView(key.buffer, key.byteOffset, key.byteLength).getBigUint64(0))
}
