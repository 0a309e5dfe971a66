import type { RefusalCause } from '../protocol/index.ts'

/** Counts what was accepted and what was refused, by cause, since the start. */
export class RefusalCounters {
  accepted = 0
  readonly #refused = new Map<RefusalCause, number>()

  countRefusal(cause: RefusalCause): void {
    this.#refused.set(cause, (this.#refused.get(cause) ?? 0) + 1)
  }

  get refused(): Partial<Record<RefusalCause, number>> {
    return Object.fromEntries(this.#refused)
  }

  /** Counts a request by its answer. */
  count(answer: object | { readonly cause: RefusalCause }): void {
    if ('cause' in answer) this.countRefusal(answer.cause)
    else this.accepted++
  }
}
