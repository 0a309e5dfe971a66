import {
  compareBytes,
  type Erasable,
  type ErasureEvent,
  fromHex,
  maxErasureRanges,
  maxErasureSeqs,
  RangeList,
  toHex,
  tookSeq,
} from '../../protocol/index.ts'
import type { Candidate } from './candidates.ts'
import type { RetentionRule } from './rules.ts'

/**
 * Tells which of the candidates of a rule lie beyond its limits. Those that were not counted before are counted first,
 * from the newest one down, until one is beyond: so are all before it. Then those from the oldest one up are asked for.
 */
export class Expiry {
  readonly #rule: RetentionRule
  readonly #nowMs: number
  #count = 0
  #bytes = 0
  /** All up to this index are beyond. */
  #beyond = -1

  constructor(rule: RetentionRule, nowMs: number) {
    this.#rule = rule
    this.#nowMs = nowMs
  }

  /** Whether the candidates have to be counted before the first one can be judged. */
  static needsCount({ count, bytes }: RetentionRule): boolean {
    return count !== undefined || bytes !== undefined
  }

  /** What is counted, and not beyond. */
  get totals(): { readonly count: number; readonly bytes: number } {
    return { count: this.#count, bytes: this.#bytes }
  }

  /** Counts the next older one. @returns false when it is beyond, and the counting is over */
  count(candidate: Candidate): boolean {
    const isKept = !this.#isBeyond(candidate, this.#count + 1, this.#bytes + candidate.bytes)
    if (isKept) this.#add(1, candidate.bytes)
    else this.#beyond = candidate.index
    return isKept
  }

  /** Adds older ones that were counted in an earlier run, unless a newer one is beyond. */
  addCounted(count: number, bytes: number): void {
    if (this.#beyond < 0) this.#add(count, bytes)
  }

  /** Asked from the oldest one on; once one is not expired none after it is. One that is counts no more. */
  takeIfExpired(candidate: Candidate): boolean {
    if (candidate.index <= this.#beyond) return true
    if (!this.#isBeyond(candidate, this.#count, this.#bytes)) return false
    this.#add(-1, -candidate.bytes)
    return true
  }

  /** @param count of the candidate and all newer ones @param bytes likewise */
  #isBeyond({ record }: Candidate, count: number, bytes: number): boolean {
    const { ageSeconds, count: most, bytes: mostBytes } = this.#rule
    const isTooOld = ageSeconds !== undefined && record.timeMs < this.#nowMs - ageSeconds * 1000
    return isTooOld || (most !== undefined && count > most) || (mostBytes !== undefined && bytes > mostBytes)
  }

  #add(count: number, bytes: number): void {
    this.#count += count
    this.#bytes += bytes
  }
}

/** What erasures would take, and have taken. */
export interface ErasureTotals {
  readonly records: number
  readonly bytes: number
}

/** Collects what is to be erased, in ascending order, for as many erasure records as it takes. */
export class ErasurePlan {
  readonly events: ErasureEvent[] = []
  readonly what: Erasable
  readonly #reason: string
  #list = new RangeList()
  #seqs = new Map<string, number>()
  #records = 0
  #bytes = 0

  constructor(what: Erasable, reason: string) {
    this.what = what
    this.#reason = reason
  }

  get totals(): ErasureTotals {
    return { records: this.#records, bytes: this.#bytes }
  }

  add({ index, record, bytes }: Candidate): void {
    if (this.#list.ranges.length === maxErasureRanges || this.#seqs.size === maxErasureSeqs) this.finish()
    this.#list.add(index)
    this.#records++
    this.#bytes += bytes
    if (this.what !== 'records' || !tookSeq(record)) return
    const signer = toHex(record.thumbprint)
    this.#seqs.set(signer, Math.max(record.seq, this.#seqs.get(signer) ?? 0))
  }

  /** What was collected since the last one becomes an erasure. */
  finish(): void {
    const { ranges } = this.#list
    if (ranges.length === 0) return
    const seqs = [...this.#seqs].map(([thumbprint, highest]) => ({ thumbprint: fromHex(thumbprint), highest }))
    seqs.sort((a, b) => compareBytes(a.thumbprint, b.thumbprint))
    this.events.push({ what: this.what, ranges, reason: this.#reason, seqs })
    this.#list = new RangeList()
    this.#seqs = new Map()
  }
}
