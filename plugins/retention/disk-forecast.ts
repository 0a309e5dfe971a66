import { join } from 'node:path'
import { decodeBlock, headerOfBlock } from '../../protocol/index.ts'
import { type AuditChain, bytesOfFiles, freeBytesAt } from '../audit-chain/index.ts'
import { indexAtTime } from '../query-index/index.ts'

/** Room on the disk, and how long it lasts when records go on to come as they did. */
export interface DiskReading {
  /** Of all files of the store. */
  readonly storeBytes: number
  readonly freeBytes: number
  /** Average over the chain; what is beside the chain counts, too. */
  readonly bytesPerRecord: number
  /** As the last day had it; what retention takes is not subtracted. Undefined: the chain is younger than an hour. */
  readonly bytesPerDay: number | undefined
  /** Until publishes are refused; undefined: it does not grow, or nobody knows. */
  readonly daysLeft: number | undefined
  /** First record that has its payload; undefined: none has, or it is still being looked for. */
  readonly oldestBody: { readonly index: number; readonly timeMs: number } | undefined
}

export interface DiskForecastOptions {
  readonly chain: Pick<AuditChain, 'store' | 'state'>
  /** Data directory. */
  readonly location: string
  /** As it is now. */
  readonly minFreeBytes: () => number
  readonly now: () => number
}

const dayMs = 24 * 60 * 60 * 1000
/** Of a shorter time nothing follows for a day. */
const shortestMs = 60 * 60 * 1000
/** How long an answer holds. */
const cacheMs = 5000
/** What is read to learn what a record takes, and at once where payloads are looked for. */
const sample = { blocks: 256, bytes: 256 * 1024 }
/** Reads for one answer: the next one goes on. */
const readsForBody = 4

/** Says how full the disk is and becomes. Cheap enough to be asked by everything that watches a broker. */
export class DiskForecast {
  readonly #options: DiskForecastOptions
  /** No record below has its payload: those that are erased do not come back. */
  #bodiesFrom = 0
  #newest: { readonly atMs: number; readonly reading: Promise<DiskReading> } | undefined

  constructor(options: DiskForecastOptions) {
    this.#options = options
  }

  /** At most some seconds old. */
  read(): Promise<DiskReading> {
    const nowMs = this.#options.now()
    const age = this.#newest === undefined ? cacheMs : nowMs - this.#newest.atMs
    if (this.#newest === undefined || age < 0 || age >= cacheMs) {
      const reading = this.#read(nowMs)
      this.#newest = { atMs: nowMs, reading }
      // One that failed is nobody's answer but of those who wait for it.
      reading.catch(() => {
        this.#newest = undefined
      })
    }
    return this.#newest.reading
  }

  /** Of all files of the store; known even while nothing can be read from it. */
  storeBytes(): Promise<number> {
    return bytesOfFiles(join(this.#options.location, 'store'))
  }

  async #read(nowMs: number): Promise<DiskReading> {
    const { chain, location, minFreeBytes } = this.#options
    const { size } = chain.state.frontier
    const storeBytes = await this.storeBytes()
    const freeBytes = await freeBytesAt(location)
    const bytesPerDay = await this.#growth(size, nowMs)
    return {
      storeBytes,
      freeBytes,
      bytesPerRecord: storeBytes / size,
      bytesPerDay,
      daysLeft: bytesPerDay ? Math.max(0, freeBytes - minFreeBytes()) / bytesPerDay : undefined,
      oldestBody: await this.#oldestBody(size),
    }
  }

  /** From how many records the last day had, and what the newest ones take. */
  async #growth(size: number, nowMs: number): Promise<number | undefined> {
    const { store } = this.#options.chain
    const [genesis] = await store.blocksAt(0, 1, 1)
    if (genesis === undefined) return undefined
    const spanMs = Math.min(dayMs, nowMs - headerOfBlock(genesis.encoded).header.timeMs)
    if (spanMs < shortestMs) return undefined
    const records = size - (await indexAtTime(store, size, nowMs - spanMs))
    const newest = await store.blocksUpTo(size - 1, sample.blocks, sample.bytes)
    const [last] = newest.slice(-1)
    if (last === undefined) return undefined
    const bytes = newest.reduce((sum, { encoded }) => sum + encoded.length, 0)
    return (records * (bytes / (size - last.firstIndex)) * dayMs) / spanMs
  }

  async #oldestBody(size: number): Promise<DiskReading['oldestBody']> {
    const { store } = this.#options.chain
    for (let reads = 0; reads < readsForBody && this.#bodiesFrom < size; reads++) {
      for (const { encoded } of await store.blocksAt(this.#bodiesFrom, sample.blocks, sample.bytes)) {
        const { header, entries } = decodeBlock(encoded)
        const at = entries.findIndex(({ body }) => body !== undefined)
        if (at >= 0) return { index: header.firstIndex + at, timeMs: header.timeMs }
        this.#bodiesFrom = Math.max(this.#bodiesFrom, header.treeSize)
      }
    }
    return undefined
  }
}
