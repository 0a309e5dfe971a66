import {
  bytesEqual,
  commitmentOf,
  decodeLeaf,
  decodeRecord,
  type Erasable,
  type ErasureEvent,
  ProtocolError,
  parseErasure,
  RangeSet,
} from '../../protocol/index.ts'
import { nativeCrypto } from '../native-crypto.ts'
import { decodeIndex, encodeIndex, type StoreDatabase, storeSublevel } from './level-store.ts'
import { readEntry } from './read-block.ts'
import type { AuditStore, StoreOperation } from './store.ts'

/** An erasure record, as it stands in the chain. */
export interface Announcement {
  /** Index of the record. */
  readonly index: number
  readonly erasure: ErasureEvent
}

const indexBytes = 8
/** Each may have as many ranges as there are in one record. */
const announcementsInMemory = 8

/**
 * Which erasure records something was taken out of a block for: its first index -> their indexes, 8 bytes each. Written in
 * the batch that takes it out. Only a hint: what counts is what the record says that it leads to, as its leaf commits to.
 */
export class ErasureMarks {
  readonly #store: Pick<AuditStore, 'blockAt'>
  readonly #sublevel
  /** By the index of the record, the newest last; undefined: there is no such erasure record. */
  readonly #known = new Map<number, { announcement: Announcement; ranges: RangeSet } | undefined>()

  constructor(database: StoreDatabase, store: Pick<AuditStore, 'blockAt'>) {
    this.#store = store
    this.#sublevel = storeSublevel(database, 'erased')
  }

  /** Adds to what is marked. @param firstIndex of the block */
  async add(firstIndex: number, announcedAt: number): Promise<StoreOperation> {
    const marked = await this.#marked(firstIndex)
    const indexes = marked.includes(announcedAt) ? marked : [...marked, announcedAt]
    const value = Buffer.concat(indexes.map(encodeIndex))
    return { type: 'put', sublevel: this.#sublevel, key: encodeIndex(firstIndex), value }
  }

  /**
   * The erasure that announces that the record or the payload at an index is gone; undefined: none does, so that it is
   * damage.
   * @param firstIndex of its block
   */
  async find(firstIndex: number, index: number, what: Erasable): Promise<Announcement | undefined> {
    for (const announcedAt of await this.#marked(firstIndex)) {
      const known = announcedAt > index ? await this.#announcement(announcedAt) : undefined
      if (known === undefined || !known.ranges.has(index)) continue
      // With a record goes its payload, but not the other way round.
      if (what === 'bodies' || known.announcement.erasure.what === 'records') return known.announcement
    }
    return undefined
  }

  async #marked(firstIndex: number): Promise<readonly number[]> {
    const value = await this.#sublevel.get(encodeIndex(firstIndex))
    const count = Math.floor((value?.length ?? 0) / indexBytes)
    return Array.from({ length: count }, (_, i) =>
      decodeIndex((value as Uint8Array).subarray(i * indexBytes, (i + 1) * indexBytes)),
    )
  }

  async #announcement(index: number) {
    if (!this.#known.has(index)) {
      const announcement = await this.#read(index)
      const [oldest] = this.#known.keys()
      if (this.#known.size >= announcementsInMemory && oldest !== undefined) this.#known.delete(oldest)
      const ranges = new RangeSet(announcement?.erasure.ranges ?? [])
      this.#known.set(index, announcement && { announcement, ranges })
    }
    return this.#known.get(index)
  }

  async #read(index: number): Promise<Announcement | undefined> {
    try {
      const entry = await readEntry(this.#store, index)
      if (entry?.record === undefined) return undefined
      const { commitment } = decodeLeaf(entry.leaf)
      if (!bytesEqual(commitment, commitmentOf(entry.salt, entry.record, nativeCrypto))) return undefined
      return { index, erasure: parseErasure(decodeRecord(entry.record)) }
    } catch (error) {
      if (error instanceof ProtocolError) return undefined
      throw error
    }
  }
}
