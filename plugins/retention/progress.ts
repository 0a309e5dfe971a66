import {
  type BlockEntry,
  bytesEqual,
  CborReader,
  CborWriter,
  type Erasable,
  ProtocolError,
  RangeList,
} from '../../protocol/index.ts'
import { type AuditChain, type StoreOperation, storeSublevel } from '../audit-chain/index.ts'
import { candidateOf } from './candidates.ts'
import { type RetentionRule, retentionText } from './rules.ts'

/** How far a rule has come. */
export interface Progress {
  /** Below lies nothing any more that the rule would erase, but for what is left. */
  readonly upTo: number
  /** Pinned when it was to be erased. */
  readonly left: readonly number[]
  /** The records from `upTo` up to, and without, this index were counted; `upTo` when nothing was. */
  readonly countedTo: number
  /** What is there of the selection among them. */
  readonly count: number
  readonly bytes: number
}

const nothingDone: Progress = { upTo: 0, left: [], countedTo: 0, count: 0, bytes: 0 }
const version = 1

/**
 * How far the rules have come, kept in the store: a start need not read what was looked at before. With the first
 * announcement of an erasure all of it goes from the disk, and what is true then is written at the end: after a crash in
 * between, the rules begin at the beginning.
 */
export class RetentionProgress {
  readonly #chain: Pick<AuditChain, 'database' | 'nextIndex'>
  readonly #sublevel
  #known: Map<string, Progress> | undefined
  /** As they lie on the disk. */
  readonly #stored = new Map<string, Uint8Array>()

  constructor(chain: Pick<AuditChain, 'database' | 'nextIndex'>) {
    this.#chain = chain
    this.#sublevel = storeSublevel(chain.database, 'retention')
  }

  async of(rule: RetentionRule): Promise<Progress> {
    return (await this.#all()).get(retentionText(rule)) ?? nothingDone
  }

  async set(rule: RetentionRule, progress: Progress): Promise<void> {
    const all = await this.#all()
    all.set(retentionText(rule), progress)
  }

  /** Takes note that something is going to be erased, which rules may have counted. @param rules other than the one that erases it */
  async take(rules: readonly RetentionRule[], what: Erasable, index: number, entry: BlockEntry): Promise<void> {
    const all = await this.#all()
    for (const rule of rules) {
      const known = all.get(retentionText(rule))
      if (known === undefined || index < known.upTo || index >= known.countedTo) continue
      const before = candidateOf(rule, index, entry)
      if (before === undefined) continue
      const after = what === 'records' ? undefined : candidateOf(rule, index, { ...entry, body: undefined })
      const count = known.count - (after === undefined ? 1 : 0)
      all.set(retentionText(rule), { ...known, count, bytes: known.bytes - before.bytes + (after?.bytes ?? 0) })
    }
  }

  /** What was counted may not be so any more. */
  forget(): void {
    this.#known?.clear()
  }

  /** Rules that are in force no more. */
  async keepOnly(rules: readonly RetentionRule[]): Promise<void> {
    const all = await this.#all()
    const texts = new Set(rules.map(retentionText))
    for (const text of all.keys()) if (!texts.has(text)) all.delete(text)
  }

  /** Takes everything from the disk. */
  clear(): readonly StoreOperation[] {
    const operations = [...this.#stored.keys()].map((text) => this.#delete(text))
    this.#stored.clear()
    return operations
  }

  /** Writes what is not on the disk as it is. */
  async save(): Promise<readonly StoreOperation[]> {
    const all = await this.#all()
    const operations: StoreOperation[] = []
    for (const text of this.#stored.keys()) {
      if (all.has(text)) continue
      operations.push(this.#delete(text))
      this.#stored.delete(text)
    }
    for (const [text, progress] of all) {
      const value = encodeProgress(progress)
      const stored = this.#stored.get(text)
      if (stored !== undefined && bytesEqual(stored, value)) continue
      operations.push({ type: 'put', sublevel: this.#sublevel, key: Buffer.from(text), value })
      this.#stored.set(text, value)
    }
    return operations
  }

  #delete(text: string): StoreOperation {
    return { type: 'del', sublevel: this.#sublevel, key: Buffer.from(text) }
  }

  async #all(): Promise<Map<string, Progress>> {
    if (this.#known === undefined) {
      const known = new Map<string, Progress>()
      for (const [key, value] of await this.#sublevel.iterator().all()) {
        const text = Buffer.from(key).toString()
        this.#stored.set(text, value)
        const progress = decodeProgress(value, this.#chain.nextIndex)
        if (progress !== undefined) known.set(text, progress)
      }
      this.#known = known
    }
    return this.#known
  }
}

/** CBOR `[1, upTo, countedTo, count, bytes, * (first, last)]`, the ranges of what is left. */
function encodeProgress({ upTo, countedTo, count, bytes, left }: Progress): Uint8Array {
  const list = new RangeList()
  for (const index of left) list.add(index)
  const writer = new CborWriter(64).array(5 + 2 * list.ranges.length)
  writer.int(version).int(upTo).int(countedTo).int(count).int(bytes)
  for (const [first, last] of list.ranges) writer.int(first).int(last)
  return writer.finish()
}

/** Undefined for what cannot be read, or be so: it is derived, and made again. @param nextIndex above all that there is */
function decodeProgress(encoded: Uint8Array, nextIndex: number): Progress | undefined {
  try {
    const reader = new CborReader(encoded)
    const items = reader.array()
    if (reader.uint() !== version) return undefined
    const [upTo, countedTo, count, bytes] = [reader.uint(), reader.uint(), reader.uint(), reader.uint()]
    if (upTo > countedTo || countedTo > nextIndex) return undefined
    const left: number[] = []
    for (let i = 5; i < items; i += 2) {
      const [first, last] = [reader.uint(), reader.uint()]
      if (first <= (left.at(-1) ?? -1) || last >= upTo) return undefined
      for (let index = first; index <= last; index++) left.push(index)
    }
    reader.end()
    return { upTo, countedTo, count, bytes, left }
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
