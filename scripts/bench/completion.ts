import { performance } from 'node:perf_hooks'
import type { JobBase } from './jobs.ts'

const watchMs = 100

/** The instant after which nothing of a job is waited for any more, on the clock of `performance.now()`. */
export function deadlineOf(job: Pick<JobBase, 'deadlineMs'>): number {
  return performance.now() + job.deadlineMs
}

/**
 * The end of a measurement, whatever comes first: everything is there, a connection was lost, nothing moved for
 * `quietMs`, or the time is up. So a wait is bounded whatever a broker does.
 */
export class Completion {
  /** Connections the broker ended, and why. */
  readonly closed: string[] = []
  readonly #isComplete: () => boolean
  #progressedAt = performance.now()
  #finish: () => void = () => {}
  readonly #finished = new Promise<void>((resolve) => {
    this.#finish = resolve
  })

  constructor(isComplete: () => boolean) {
    this.#isComplete = isComplete
  }

  /** To be called after every read that may have brought something; returns the time. */
  progressed(): number {
    this.#progressedAt = performance.now()
    if (this.#isComplete()) this.#finish()
    return this.#progressedAt
  }

  /** The handler for the loss of one connection. */
  closedFor(who: string): (reason: string) => void {
    return (reason) => {
      this.closed.push(`${who}: ${reason}`)
      this.#finish()
    }
  }

  async wait(quietMs: number, deadlineAt: number): Promise<void> {
    this.#progressedAt = performance.now()
    const watch = setInterval(() => {
      const now = performance.now()
      if (now - this.#progressedAt > quietMs || now > deadlineAt) this.#finish()
    }, watchMs)
    if (this.#isComplete()) this.#finish()
    await this.#finished
    clearInterval(watch)
  }
}

/** After the last expected message: long enough for a duplicate that follows it. */
const lingerMs = 50

export function linger(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, lingerMs))
}
