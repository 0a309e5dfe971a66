import type { Cost } from './cost-meter.ts'
import type { DeliveryCounts } from './delivery-check.ts'

/** What became of the messages of one load, and how long it took. */
export interface LoadOutcome extends DeliveryCounts {
  messages: number
  /** What all subscribers together were due. */
  deliveries: number
  acknowledged: number
  /** PUBACKs that were not the next one due [MQTT-3.1.1 4.6.0-2]. */
  acksOutOfOrder: number
  /** Connections the broker ended, and why. */
  closed: string[]
  /** From just before the first PUBLISH is written to the last PUBACK. */
  ackSeconds: number
  /** To the last delivery: from the first PUBLISH, or from the CONNECT of a client that resumes its session. */
  deliverySeconds: number
  cost: Cost
}

/** Undefined when every message was acknowledged in order and arrived exactly once and in order. */
export function whyNoResult(outcome: Omit<LoadOutcome, 'ackSeconds' | 'deliverySeconds' | 'cost'>): string | undefined {
  const { messages, deliveries } = outcome
  const problems: string[] = []
  if (outcome.lost > 0) problems.push(`lost ${outcome.lost} of ${deliveries}`)
  if (outcome.duplicated > 0) problems.push(`duplicated ${outcome.duplicated} of ${deliveries}`)
  if (outcome.outOfOrder > 0) problems.push(`out of order ${outcome.outOfOrder} of ${deliveries}`)
  if (outcome.unexpected > 0) problems.push(`unexpected deliveries ${outcome.unexpected}`)
  if (outcome.acknowledged < messages) {
    problems.push(`not acknowledged ${messages - outcome.acknowledged} of ${messages}`)
  }
  if (outcome.acksOutOfOrder > 0) problems.push(`PUBACKs not in order ${outcome.acksOutOfOrder}`)
  problems.push(...outcome.closed)
  return problems.length === 0 ? undefined : problems.join(', ')
}

export function sumCounts(counts: readonly DeliveryCounts[]): DeliveryCounts {
  const sum = (pick: (one: DeliveryCounts) => number) => counts.reduce((total, one) => total + pick(one), 0)
  return {
    delivered: sum((one) => one.delivered),
    lost: sum((one) => one.lost),
    duplicated: sum((one) => one.duplicated),
    outOfOrder: sum((one) => one.outOfOrder),
    unexpected: sum((one) => one.unexpected),
  }
}
