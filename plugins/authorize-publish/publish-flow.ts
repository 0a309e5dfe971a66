import type { ChainRecord, RefusalCause } from '../../protocol/index.ts'
import type { Decision, Submission } from '../audit-chain/index.ts'
import { type Admission, admit } from './admission.ts'
import { type IncomingPublish, isRefused, type Verdict, type VerifiedPublish } from './publish.ts'
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
  /** Rules have changed since it was verified: why it may not be published any more, beside the policy; undefined: it may. */
  refusalNow?(): RefusalCause | undefined
  /** The record has its index; it is not durable yet. What follows from it for others is written in the same batch. */
  recorded?(index: number, record: ChainRecord, verified: VerifiedPublish): void
  /** It is a copy of what is recorded already, there. */
  repeated?(index: number): void
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
      const isOutdated = verdict.policyVersion !== this.#gate.rules.version
      const refusal = isOutdated ? this.#outlet.refusalNow?.() : undefined
      if (refusal !== undefined) {
        this.#settlement = refusal
        return undefined
      }
      const admission = admit(verdict, index, timeMs, this.#gate)
      if (admission.kind !== 'record') {
        this.#settlement = this.#withoutRecord(admission, verdict)
        return undefined
      }
      const { also } = admission
      const { record, body } = admission.record
      this.#outlet.recorded?.(index, record, verdict)
      this.#settlement = 'deliver'
      this.#gate.counters.accepted++
      return also === undefined ? { record, body } : { record, body, also }
    } catch (error) {
      this.#gate.onError(error)
      this.#settlement = 'hook-failed'
      return undefined
    }
  }

  #withoutRecord(admission: Exclude<Admission, { kind: 'record' }>, verified: VerifiedPublish): Settlement {
    switch (admission.kind) {
      case 'duplicate':
        this.#gate.counters.duplicates++
        this.#outlet.repeated?.(admission.index)
        return 'acknowledge'
      case 'reused':
        this.#gate.reportReuse(verified, admission.acceptedIndex)
        return 'seq-reuse'
      case 'refused':
        return admission.cause
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
