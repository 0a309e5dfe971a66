import type { IndexRange, QueryOrder, Requester } from '../../protocol/index.ts'
import { type AuditChain, readEntry } from '../audit-chain/index.ts'
import { PluginError } from '../errors.ts'
import { type Candidate, candidateOf, candidatesIn, type Selection } from './candidates.ts'
import { Eraser } from './eraser.ts'
import { ErasurePlan, Expiry } from './plan.ts'
import { RetentionProgress } from './progress.ts'
import { type RetentionRule, retentionText } from './rules.ts'

/** Which records must stay for now, since something that is still to be delivered refers to them. */
export interface Pins {
  readonly indexes: ReadonlySet<number>
  /** Of the records below this index only those are referred to, and no other one ever will be. */
  readonly below: number
}

export interface RetentionOptions {
  readonly chain: AuditChain
  /** As they are now. */
  readonly rules: () => readonly RetentionRule[]
  readonly pins: () => Promise<Pins>
  /** Takes out of every file of the store what else was kept of records that are erased. */
  readonly forgetRecords: (ranges: readonly IndexRange[]) => Promise<void>
  readonly now: () => number
  readonly onError: (error: unknown) => void
}

/** An erasure that somebody asks for. */
export interface ErasureRequest extends Selection {
  readonly fromIndex: number
  /** Included. */
  readonly toIndex: number
  readonly reason: string
}

export interface ErasureOutcome {
  readonly records: number
  readonly bytes: number
  /** Records that would be meant, too, but are still to be delivered or are retained messages. */
  readonly pinned: number
  readonly ranges: readonly (readonly [first: number, last: number])[]
  /** Indexes of the erasure records; none where nothing was erased. */
  readonly announcedAt: readonly number[]
}

/** Erased since the start. */
export interface ErasedTotals {
  /** Payloads alone. */
  bodies: number
  /** Records, with their payloads. */
  records: number
  bytes: number
}

/** From the start, or a change of the rules, to the first run: others have more to do then. */
const firstRunMs = 2000
/** From the end of one run to the next. */
const intervalMs = 10 * 60_000
const nobody: Requester = { auth: 'none' }

/** Erases what the rules do not keep, in the background, and what somebody asks for. One thing at a time. */
export class Retention {
  readonly #options: RetentionOptions
  readonly #eraser: Eraser
  /** Counted when it is gone from the disk. */
  readonly erased: ErasedTotals = { bodies: 0, records: 0, bytes: 0 }
  readonly #progress: RetentionProgress
  #timer: NodeJS.Timeout | undefined
  #running: Promise<unknown> = Promise.resolve()
  #isStopped = false

  constructor(options: RetentionOptions) {
    this.#options = options
    this.#eraser = new Eraser(options.chain, options.forgetRecords)
    this.#progress = new RetentionProgress(options.chain)
  }

  /** Has a run soon, as again when the rules have changed, and others from time to time. */
  start(): void {
    clearTimeout(this.#timer)
    this.#schedule(firstRunMs)
  }

  /** Resolves when nothing is being erased any more; what was announced is finished after the next start. */
  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#running
  }

  /** Finishes what was announced, then erases what the rules do not keep. Runs after what runs already. */
  run(): Promise<void> {
    return this.#queue(async () => {
      await this.#finish()
      for (const rule of this.#options.rules()) if (!this.#isStopped) await this.#apply(rule)
      await this.#progress.keepOnly(this.#options.rules())
      await this.#saveProgress()
    })
  }

  /**
   * Erases what is asked for, at once. Resolves when it is gone from the disk.
   * @param isDryRun only say what would be erased
   */
  erase(request: ErasureRequest, requester: Requester, isDryRun: boolean): Promise<ErasureOutcome> {
    return this.#queue(async () => {
      const { indexes: pinned, below } = await this.#options.pins()
      const endIndex = Math.min(request.toIndex + 1, below)
      const plan = new ErasurePlan(request.what, request.reason)
      let kept = 0
      for await (const candidate of this.#candidates(request, request.fromIndex, endIndex)) {
        if (pinned.has(candidate.index)) kept++
        else plan.add(candidate)
        if (pinned.has(candidate.index) || isDryRun) continue
        await this.#progress.take(this.#options.rules(), request.what, candidate.index, candidate.entry)
      }
      plan.finish()
      const ranges = plan.events.flatMap((event) => event.ranges)
      const announcedAt = isDryRun ? [] : await this.#execute(plan, requester)
      await this.#saveProgress()
      return { ...plan.totals, pinned: kept, ranges, announcedAt }
    })
  }

  async #apply(rule: RetentionRule): Promise<void> {
    const { chain, now, pins, rules } = this.#options
    const text = retentionText(rule)
    const others = rules().filter((one) => retentionText(one) !== text)
    const { upTo, left, countedTo, count, bytes } = await this.#progress.of(rule)
    const { indexes: pinned, below: endIndex } = await pins()
    const plan = new ErasurePlan(rule.what, text)
    const take = (candidate: Candidate) => {
      plan.add(candidate)
      return this.#progress.take(others, rule.what, candidate.index, candidate.entry)
    }
    const stillLeft: number[] = []
    for (const index of left) {
      const entry = pinned.has(index) ? undefined : await readEntry(chain.store, index)
      const candidate = entry && candidateOf(rule, index, entry)
      if (candidate !== undefined) await take(candidate)
      else if (pinned.has(index)) stillLeft.push(index)
    }
    const expiry = new Expiry(rule, now())
    if (Expiry.needsCount(rule)) {
      for await (const candidate of this.#candidates(rule, countedTo, endIndex, 'desc')) {
        if (!expiry.count(candidate)) break
      }
      expiry.addCounted(count, bytes)
    }
    let reached = endIndex
    for await (const candidate of this.#candidates(rule, upTo, endIndex)) {
      reached = candidate.index
      if (!expiry.takeIfExpired(candidate)) break
      if (pinned.has(candidate.index)) stillLeft.push(candidate.index)
      else await take(candidate)
      reached = endIndex
    }
    plan.finish()
    await this.#execute(plan, nobody)
    const counted = Expiry.needsCount(rule) ? { countedTo: endIndex, ...expiry.totals } : { countedTo: reached }
    await this.#progress.set(rule, { count: 0, bytes: 0, ...counted, upTo: reached, left: stillLeft })
  }

  /** @throws {PluginError} ERR_CHAIN_CLOSED: nothing is to be erased any more */
  async *#candidates(
    selection: Selection,
    fromIndex: number,
    endIndex: number,
    order: QueryOrder = 'asc',
  ): AsyncGenerator<Candidate> {
    for await (const candidate of candidatesIn(this.#options.chain.store, selection, fromIndex, endIndex, order)) {
      if (this.#isStopped) throw new PluginError('ERR_CHAIN_CLOSED', 'the broker is ending')
      yield candidate
    }
  }

  /** @returns where it was announced */
  async #execute(plan: ErasurePlan, requester: Requester): Promise<readonly number[]> {
    const announcedAt: number[] = []
    for (const event of plan.events) {
      announcedAt.push(await this.#eraser.announce(event, requester, this.#progress.clear()))
    }
    await this.#finish()
    const { records, bytes } = plan.totals
    this.erased[plan.what] += records
    this.erased.bytes += bytes
    return announcedAt
  }

  async #saveProgress(): Promise<void> {
    const also = await this.#progress.save()
    if (also.length > 0) await this.#options.chain.record(() => ({ also }))
  }

  #finish(): Promise<void> {
    return this.#eraser.finish(() => this.#isStopped)
  }

  #schedule(afterMs: number): void {
    if (this.#isStopped) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.run()
        .catch((error) => {
          if (!this.#isStopped) this.#options.onError(error)
        })
        .finally(() => {
          // Unless the rules have changed meanwhile.
          if (this.#timer === undefined) this.#schedule(intervalMs)
        })
    }, afterMs).unref()
  }

  #queue<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#running.then(work)
    this.#running = done.catch(() => {
      // Told to whoever asked for it; the next one has its own chance, and counts anew.
      this.#progress.forget()
    })
    return done
  }
}
