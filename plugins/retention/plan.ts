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

/** Tells which of the candidates of a rule lie beyond its limits. Count all of them first, then ask for the oldest ones. */
export class Expiry {
  readonly #rule: RetentionRule
  readonly #nowMs: number
  #count = 0
  #bytes = 0

  constructor(rule: RetentionRule, nowMs: number) {
    this.#rule = rule
    this.#nowMs = nowMs
  }

  /** Whether all candidates have to be counted before the first one can be judged. */
  static needsCount({ count, bytes }: RetentionRule): boolean {
    return count !== undefined || bytes !== undefined
  }

  count({ bytes }: Candidate): void {
    this.#count++
    this.#bytes += bytes
  }

  /** Asked from the oldest one on; once one is not expired none after it is. One that is counts no more. */
  takeIfExpired({ record, bytes }: Candidate): boolean {
    const { ageSeconds, count, bytes: most } = this.#rule
    const isTooOld = ageSeconds !== undefined && record.timeMs < this.#nowMs - ageSeconds * 1000
    const isBeyondCount = count !== undefined && this.#count > count
    const isBeyondSize = most !== undefined && this.#bytes > most
    if (!isTooOld && !isBeyondCount && !isBeyondSize) return false
    this.#count--
    this.#bytes -= bytes
    return true
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
