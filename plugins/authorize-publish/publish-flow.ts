import type { ChainRecord, RefusalCause } from '../../protocol/index.ts'
import type { Decision, Submission } from '../audit-chain/index.ts'
import { nativeCrypto } from '../native-crypto.ts'
import { admit } from './admission.ts'
import { type IncomingPublish, isRefused, type Verdict } from './publish.ts'
import type { PublishGate } from './publish-gate.ts'

/**
 * What is known of a publish when it leaves its lane. `acknowledge`: nothing to record or deliver, a request or a
 * retransmission.
 */
export type FlowVerdict = Verdict | 'acknowledge'

/** What came of a publish: to be delivered and acknowledged, to be acknowledged only, or refused with this cause. */
export type Settlement = 'deliver' | 'acknowledge' | RefusalCause

/** Where a publish came from, and where the answer goes. Must not throw. */
export interface Outlet {
  /** The record has its index; it is not durable yet. What follows from it for others is written in the same batch. */
  recorded?(index: number, record: ChainRecord): void
  /** It is durable, or was refused. */
  settle(settlement: Settlement): void
}

/** One publish on its way through the sequencer. */
export class PublishFlow implements Submission {
  verdict: FlowVerdict = { cause: 'hook-failed' }
  readonly bytes: number
  readonly #gate: PublishGate
  readonly #outlet: Outlet
  #settlement: Settlement = 'hook-failed'

  /** @param publish undefined when it could not even be read */
  constructor(gate: PublishGate, publish: IncomingPublish | undefined, outlet: Outlet) {
    this.#gate = gate
    this.#outlet = outlet
    this.bytes = 512 + (publish === undefined ? 0 : publish.topic.length + publish.payload.length)
  }

  decide(index: number, timeMs: number): Decision | undefined {
    const { verdict } = this
    if (verdict === 'acknowledge') {
      this.#settlement = verdict
      return undefined
    }
    if (isRefused(verdict)) {
      this.#settlement = verdict.cause
      return undefined
    }
    try {
      const admission = admit(verdict, index, timeMs, nativeCrypto)
      if (admission.kind !== 'record') {
        if (admission.kind === 'duplicate') this.#gate.counters.duplicates++
        this.#settlement = admission.kind === 'refused' ? admission.cause : 'acknowledge'
        return undefined
      }
      const { record, body } = admission.record
      this.#outlet.recorded?.(index, record)
      this.#settlement = 'deliver'
      this.#gate.counters.accepted++
      return { record, body }
    } catch (error) {
      this.#gate.onError(error)
      this.#settlement = 'hook-failed'
      return undefined
    }
  }

  settle(): void {
    try {
      this.#outlet.settle(this.#settlement)
    } catch (error) {
      this.#gate.onError(error)
    }
  }
}
