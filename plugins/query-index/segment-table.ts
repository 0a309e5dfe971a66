import {
  compactKeys,
  decodeIndex,
  encodeIndex,
  type StoreDatabase,
  type StoreOperation,
  storeSublevel,
} from '../audit-chain/index.ts'
import type { EncodedChunk } from './segment-format.ts'
import { type IndexedField, indexedFields } from './terms.ts'

/** First byte of a key. */
const part = { summary: 1, chunk: 2 } as const

/**
 * Segments in LevelDB: summaries keyed by 1 and the number of the segment (8 bytes big-endian), chunks by 2, that number,
 * the field (1 byte) and their own number (4 bytes).
 */
export class SegmentTable {
  readonly #database: StoreDatabase
  readonly #sublevel

  constructor(database: StoreDatabase) {
    this.#database = database
    this.#sublevel = storeSublevel(database, 'query-index')
  }

  summary(segment: number): Promise<Uint8Array | undefined> {
    return this.#sublevel.get(keyOf(part.summary, segment))
  }

  chunk(segment: number, field: IndexedField, number: number): Promise<Uint8Array | undefined> {
    return this.#sublevel.get(chunkKey(segment, field, number))
  }

  /** Numbers of the segments that are there, ascending. */
  async segments(): Promise<readonly number[]> {
    const keys = await this.#sublevel.keys({ gte: Uint8Array.of(part.summary), lt: Uint8Array.of(part.chunk) }).all()
    return keys.map((key) => decodeIndex(key.subarray(1)))
  }

  /**
   * Writes a segment in one batch, not fsynced: what a crash takes is built again, and LevelDB's log, which has the
   * blocks that it was made from before it, keeps their order.
   */
  write(segment: number, summary: Uint8Array, chunks: readonly EncodedChunk[]): Promise<void> {
    const sublevel = this.#sublevel
    const operations: StoreOperation[] = chunks.map(({ field, number, content }) => {
      return { type: 'put', sublevel, key: chunkKey(segment, field, number), value: content }
    })
    operations.push({ type: 'put', sublevel, key: keyOf(part.summary, segment), value: summary })
    return this.#database.batch(operations, { sync: false })
  }

  /** A segment that is not believed any more: without its summary it is not there, and it is written anew. */
  drop(segment: number): Promise<void> {
    return this.#sublevel.del(keyOf(part.summary, segment))
  }

  /**
   * Deletes segments, and what was ever written of them is in no file any more.
   * @param segments ascending
   */
  async erase(segments: readonly number[]): Promise<void> {
    const [first, last] = [segments[0], segments.at(-1)]
    if (first === undefined || last === undefined) return
    // As with blocks: what is in memory only has to be in a file before it is deleted.
    await this.#compact(first, first)
    for (const segment of segments) {
      await this.drop(segment)
      await this.#sublevel.clear({ gte: keyOf(part.chunk, segment), lt: keyOf(part.chunk, segment + 1) })
    }
    await this.#compact(first, last)
  }

  async #compact(first: number, last: number): Promise<void> {
    for (const kind of [part.summary, part.chunk]) {
      await compactKeys(this.#database, this.#sublevel, keyOf(kind, first), keyOf(kind, last + 1))
    }
  }

  clear(): Promise<void> {
    return this.#sublevel.clear()
  }
}

function keyOf(first: number, segment: number): Uint8Array {
  return Uint8Array.of(first, ...encodeIndex(segment))
}

function chunkKey(segment: number, field: IndexedField, number: number): Uint8Array {
  const key = new Uint8Array(14)
  key.set(keyOf(part.chunk, segment))
  key[9] = indexedFields.indexOf(field)
  new DataView(key.buffer).setUint32(10, number)
  return key
}
