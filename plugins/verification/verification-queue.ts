import { availableParallelism } from 'node:os'
import type { Worker } from 'node:worker_threads'
import { startWorker } from '../start-worker.ts'
import { TokenBucket } from '../token-bucket.ts'
import { signatureBytes, type VerificationJob } from './batch.ts'
import { VerificationError } from './errors.ts'
import { Turns } from './turns.ts'
import { VerificationThread } from './verification-thread.ts'

/** More at once would make others wait longer, and gains nothing: the cost of handing over is spread over enough. */
const maxBatchJobs = 64
/** One that is worked on, and one that is there when it is done. */
const maxBatchesPerThread = 2
/** A message larger than this is a batch of its own, and only one such is on its way, however large it is. */
const maxBatchBytes = 128 * 1024
/** Threads that may be started again at once, and per second after that: one that ends at every start must not spin. */
const restarts = { burst: 4, perSecond: 0.1 } as const

export interface VerificationQueueOptions {
  /** Worker threads, started when there is work for them. Default: one per core. */
  readonly threads?: number
  /** Told of threads that ended, and of what `done` throws. */
  readonly onError?: (error: unknown) => void
  /** For tests: starts another worker than ours. */
  readonly start?: () => Worker
  /** A clock in milliseconds that does not go back; for tests. */
  readonly now?: () => number
}

export interface VerificationCounters {
  /** Signatures that were found valid or invalid. */
  verified: number
  /** Those that were found invalid. */
  failed: number
  /** Jobs that ended with an error. */
  errors: number
  /** Handed to threads. */
  batches: number
  /** Threads that ended by themselves. */
  threadsLost: number
}

/** @param result whether the signature is valid, or why nobody knows */
export type VerificationDone = (result: boolean | VerificationError) => void

interface Job extends VerificationJob {
  readonly client: object
  readonly done: VerificationDone
  /** Its thread ended while it was there. */
  readonly isRetry: boolean
}

/**
 * Verifies signatures in worker threads, in batches: a call of `crypto.verify` with a callback costs the main thread a
 * multiple of its share of a batch, and in libuv's pool writes to the disk would queue behind signatures. Clients take
 * turns, so that one with thousands waiting holds up nobody else by more than the batches that are on their way.
 */
export class VerificationQueue {
  readonly counters: VerificationCounters = { verified: 0, failed: 0, errors: 0, batches: 0, threadsLost: 0 }
  readonly #maxThreads: number
  readonly #onError: (error: unknown) => void
  readonly #start: () => Worker
  readonly #starts: TokenBucket
  readonly #threads = new Set<VerificationThread<Job>>()
  readonly #small = new Turns<Job>()
  readonly #large = new Turns<Job>()
  #pending = 0
  /** The large one that is on its way. */
  #largeJob: Job | undefined
  #wasLarge = false
  #isScheduled = false
  #isClosed = false
  #onIdle: (() => void)[] = []

  constructor(options: VerificationQueueOptions = {}) {
    this.#maxThreads = Math.max(1, options.threads ?? availableParallelism())
    this.#onError = options.onError ?? (() => {})
    this.#start = options.start ?? (() => startWorker('verification-worker', import.meta.url))
    const burst = this.#maxThreads + restarts.burst
    this.#starts = new TokenBucket({ ...restarts, burst }, options.now)
  }

  /** Jobs without a result, of all clients. */
  get pending(): number {
    return this.#pending
  }

  /** Threads that have work. */
  get busy(): number {
    let busy = 0
    for (const { batches } of this.#threads) if (batches > 0) busy++
    return busy
  }

  /**
   * @param client whose turn it takes
   * @param done called once, after `verify` has returned; not in the order of the calls
   */
  verify(client: object, job: VerificationJob, done: VerificationDone): void {
    this.#pending++
    const { key, message, signature } = job
    const waiting: Job = { client, key, message, signature, done, isRetry: false }
    if (this.#isClosed) queueMicrotask(() => this.#fail(waiting, closed()))
    else if (signature.length !== signatureBytes) queueMicrotask(() => this.#judge(waiting, false))
    else {
      this.#turnsOf(waiting).push(client, waiting)
      this.#schedule()
    }
  }

  /** Resolves when no job is without a result, and those who asked have had the time to go on with theirs. */
  async whenIdle(): Promise<void> {
    while (this.#pending > 0) {
      await new Promise<void>((resolve) => this.#onIdle.push(() => setImmediate(resolve)))
    }
  }

  /** Whatever waits or is on its way gets ERR_VERIFICATION_CLOSED, and so does whatever comes later. */
  async close(): Promise<void> {
    this.#isClosed = true
    const threads = [...this.#threads]
    this.#threads.clear()
    for (const thread of threads) for (const job of thread.abandon()) this.#fail(job, closed())
    this.#failWaiting(closed())
    await Promise.all(threads.map((thread) => thread.terminate()))
  }

  #turnsOf({ message }: Job): Turns<Job> {
    return message.length > maxBatchBytes ? this.#large : this.#small
  }

  /** After the sockets that are readable now: what they bring goes together. */
  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#dispatch()
    })
  }

  #dispatch(): void {
    while (this.#hasWork()) {
      const thread = this.#freeThread()
      if (thread === undefined) return
      this.counters.batches++
      thread.send(this.#nextBatch())
    }
  }

  #hasWork(): boolean {
    return this.#small.length > 0 || this.#mayTakeLarge()
  }

  #mayTakeLarge(): boolean {
    return this.#large.length > 0 && this.#largeJob === undefined
  }

  /** The one with the least to do; another one is started while all have something. */
  #freeThread(): VerificationThread<Job> | undefined {
    let best: VerificationThread<Job> | undefined
    for (const thread of this.#threads) {
      if (thread.batches < maxBatchesPerThread && thread.bytes <= maxBatchBytes) {
        if (best === undefined || thread.batches < best.batches) best = thread
      }
    }
    if (best?.batches === 0 || this.#threads.size === this.#maxThreads) return best
    return this.#newThread() ?? best
  }

  /** Large and small take turns too. */
  #nextBatch(): readonly Job[] {
    const isLargesTurn = !this.#wasLarge || this.#small.length === 0
    const large = isLargesTurn && this.#mayTakeLarge() ? this.#large.take() : undefined
    this.#largeJob ??= large
    this.#wasLarge = large !== undefined
    return large === undefined ? this.#nextSmallBatch() : [large]
  }

  #nextSmallBatch(): readonly Job[] {
    const idle = this.#maxThreads - this.busy
    // A thread without work is better than a full batch.
    const most = idle > 1 ? Math.min(maxBatchJobs, Math.ceil(this.#small.length / idle)) : maxBatchJobs
    const jobs: Job[] = []
    let bytes = 0
    for (let next = this.#small.first; next !== undefined && jobs.length < most; next = this.#small.first) {
      bytes += next.message.length
      if (jobs.length > 0 && bytes > maxBatchBytes) break
      this.#small.take()
      jobs.push(next)
    }
    return jobs
  }

  #newThread(): VerificationThread<Job> | undefined {
    if (!this.#starts.take()) {
      if (this.#threads.size === 0) this.#failWaiting(failed('verification threads ended too often'))
      return undefined
    }
    try {
      const thread: VerificationThread<Job> = new VerificationThread<Job>(this.#start(), {
        onVerdicts: (jobs, verdicts) => this.#onVerdicts(jobs, verdicts),
        onEnd: (jobs, cause) => this.#onEnd(thread, jobs, cause),
      })
      this.#threads.add(thread)
      return thread
    } catch (cause) {
      const error = failed('a verification thread cannot be started', cause)
      this.#onError(error)
      if (this.#threads.size === 0) this.#failWaiting(error)
      return undefined
    }
  }

  #onVerdicts(jobs: readonly Job[], verdicts: Uint8Array): void {
    this.#release(jobs)
    for (const [index, job] of jobs.entries()) this.#judge(job, verdicts[index] === 1)
    this.#schedule()
  }

  #onEnd(thread: VerificationThread<Job>, jobs: readonly Job[], cause: unknown): void {
    // After `close` nothing is left to do.
    if (!this.#threads.delete(thread)) return
    this.#release(jobs)
    this.counters.threadsLost++
    const error = failed('a verification thread ended', cause)
    this.#onError(error)
    for (const job of jobs.toReversed()) {
      if (job.isRetry) this.#fail(job, error)
      else this.#turnsOf(job).putBack(job.client, { ...job, isRetry: true })
    }
    this.#schedule()
  }

  #release(jobs: readonly Job[]): void {
    if (this.#largeJob !== undefined && jobs.includes(this.#largeJob)) this.#largeJob = undefined
  }

  #failWaiting(error: VerificationError): void {
    // All are taken out before anyone is told, who may come again at once.
    const jobs = [...this.#small.takeAll(), ...this.#large.takeAll()]
    for (const job of jobs) this.#fail(job, error)
  }

  #judge(job: Job, isValid: boolean): void {
    this.counters.verified++
    if (!isValid) this.counters.failed++
    this.#settle(job, isValid)
  }

  #fail(job: Job, error: VerificationError): void {
    this.counters.errors++
    this.#settle(job, error)
  }

  #settle({ done }: Job, result: boolean | VerificationError): void {
    this.#pending--
    try {
      done(result)
    } catch (error) {
      // The other jobs of the batch have a right to their results.
      this.#onError(error)
    }
    if (this.#pending === 0) for (const resolve of this.#onIdle.splice(0)) resolve()
  }
}

const closed = () => new VerificationError('ERR_VERIFICATION_CLOSED', 'signature verification is closed')
const failed = (message: string, cause?: unknown) =>
  new VerificationError('ERR_VERIFICATION_FAILED', message, {}, cause)
