import type { RefusalCause } from '../../protocol/index.ts'
import type { Publisher } from './publish.ts'

/** A refused publish: what the log and `$notary/rejected/<client-id>` tell. Never the payload. */
export interface Refusal {
  readonly cause: RefusalCause
  readonly publisher: Publisher
  readonly topic: string
  readonly qos: number
  readonly payloadBytes: number
  readonly timeMs: number
}

/** Counts refusals by cause and accepted publishes, since the start. */
export class PublishCounters {
  accepted = 0
  duplicates = 0
  readonly #refused = new Map<RefusalCause, number>()

  countRefusal(cause: RefusalCause): void {
    this.#refused.set(cause, (this.#refused.get(cause) ?? 0) + 1)
  }

  get refused(): Partial<Record<RefusalCause, number>> {
    return Object.fromEntries(this.#refused)
  }
}
