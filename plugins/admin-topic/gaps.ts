import {
  type AuditGapsResult,
  largestWindow,
  type RegisteredKey,
  type SeqRange,
  tookSeq,
} from '../../protocol/index.ts'
import { findKey } from '../key-registry/index.ts'
import { noLimits, ScanBudget, searchRecords } from '../query-index/index.ts'
import type { ChainReader } from './chain-reader.ts'
import type { ParamReader } from './params.ts'

const defaultLimit = 100
const maxLimit = 1000

interface GapQuery {
  readonly kid: Uint8Array
  /** Default: the lowest number that was accepted. */
  readonly fromSeq: number | undefined
  readonly toSeq: number
  readonly limit: number
}

/** Reads the parameters of `audit.gaps`; a cursor is the number to go on from. @throws {AdminError} invalid-params */
export function readGapQuery(params: ParamReader): GapQuery {
  const kid = params.bytes('kid', 1, 32)
  const fromSeq = params.optionalIndex('fromSeq')
  const toSeq = params.optionalIndex('toSeq') ?? Number.MAX_SAFE_INTEGER
  const limit = params.optionalInteger('limit', 1, maxLimit) ?? defaultLimit
  return { kid, fromSeq: params.optionalIndex('cursor') ?? fromSeq, toSeq, limit }
}

/**
 * Which sequence numbers of a key are not in the chain, from low to high: publishes that were lost on the way or held
 * back, up to the highest number accepted. Reads all records of the key.
 * @throws {PluginError} ERR_KEY_NOT_FOUND, ERR_KEY_AMBIGUOUS
 */
export async function findGaps(
  reader: ChainReader,
  { kid, fromSeq, toSeq, limit }: GapQuery,
): Promise<AuditGapsResult> {
  const key = findKey(reader.chain.registry, kid)
  const { highest } = key.window
  if (highest < 0) return { highest: null, missing: [], cursor: null }
  const gaps = new GapList(fromSeq, Math.min(toSeq, highest), limit)
  // Signed wills take numbers too, long before they fire.
  const sorter = new SeqSorter(key.wills.seqs, (seq) => gaps.add(seq))
  for await (const seq of acceptedSeqs(reader, key)) {
    sorter.push(seq)
    if (gaps.isFull) break
  }
  if (!gaps.isFull) sorter.finish()
  gaps.finish()
  return { highest, missing: gaps.missing, cursor: gaps.cursor }
}

async function* acceptedSeqs({ chain, index }: ChainReader, key: RegisteredKey): AsyncIterable<number> {
  const range = { from: key.enrolledAt, to: chain.nextIndex - 1 }
  const source = { store: chain.store, index }
  for await (const { record } of searchRecords(
    source,
    { kid: key.thumbprint },
    range,
    'asc',
    new ScanBudget(noLimits),
  )) {
    if (record !== undefined && tookSeq(record)) yield record.seq
  }
}

/** Brings numbers into order that are out of order by no more than a window: what lies below it cannot come any more. */
class SeqSorter {
  readonly #emit: (seq: number) => void
  #held: number[]

  constructor(initial: readonly number[], emit: (seq: number) => void) {
    this.#held = [...initial]
    this.#emit = emit
  }

  push(seq: number): void {
    this.#held.push(seq)
    if (this.#held.length < 2 * largestWindow) return
    this.#held.sort((a, b) => a - b)
    const last = this.#held.at(-1) as number
    const first = this.#held.findIndex((held) => held > last - largestWindow)
    for (const final of this.#held.splice(0, first)) this.#emit(final)
  }

  finish(): void {
    for (const seq of this.#held.sort((a, b) => a - b)) this.#emit(seq)
    this.#held = []
  }
}

/** Ranges between numbers that come in order. */
class GapList {
  readonly missing: SeqRange[] = []
  readonly #to: number
  readonly #limit: number
  /** The next number that would leave no gap; undefined before the first. */
  #next: number | undefined
  #cursor: number | null = null

  constructor(from: number | undefined, to: number, limit: number) {
    this.#next = from
    this.#to = to
    this.#limit = limit
  }

  /** Where to go on; null when everything up to the end was looked at. */
  get cursor(): number | null {
    return this.#cursor
  }

  get isFull(): boolean {
    return this.#cursor !== null
  }

  add(seq: number): void {
    if (this.#next !== undefined && seq > this.#next) this.#gap(this.#next, Math.min(seq - 1, this.#to))
    if (this.#next === undefined || seq >= this.#next) this.#next = seq + 1
  }

  /** What follows the last number, when more was asked for. */
  finish(): void {
    if (this.#next !== undefined) this.#gap(this.#next, this.#to)
  }

  #gap(from: number, to: number): void {
    if (from > to || this.isFull) return
    if (this.missing.length < this.#limit) this.missing.push([from, to])
    else this.#cursor = from
  }
}
