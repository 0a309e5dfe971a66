import type { RefusalCause } from '../../protocol/index.ts'
import { RefusalCounters } from '../refusal-counters.ts'
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

/** Publishes that became records, and those that did not. */
export class PublishCounters extends RefusalCounters {
  /** Acknowledged again without a second record. */
  duplicates = 0
}
