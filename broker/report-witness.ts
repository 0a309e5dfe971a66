import {
  type DirectTopics,
  isProofAgainstLog,
  type WitnessAttemptFailed,
  type WitnessChange,
  witnessTroubles,
} from '../plugins/index.ts'
import { describe } from './describe.ts'
import type { BrokerLogger } from './logger.ts'

/** Says that a witness no longer cosigns, or does again; what it says against the log is an alarm. */
export function reportWitness({ name, trouble, cause }: WitnessChange, log: BrokerLogger, topics: DirectTopics): void {
  if (trouble === undefined) {
    log.notice(`Witness ${name} cosigns.`)
    return
  }
  const text = `Witness ${name} does not cosign: ${witnessTroubles[trouble]}${detailOf(cause)}`
  if (!isProofAgainstLog(trouble)) {
    log.warning(`Warning: ${text}`)
    return
  }
  log.error(`Error: ${text}`)
  topics.raiseAlarm({ kind: 'witness', witness: name, trouble })
}

/** The line of a log for a witness that a start could not ask. */
export function unheardWitness(name: string, failure: WitnessAttemptFailed): string {
  const why = `${failure.message}${detailOf(failure)}`
  return `Warning: The chain is not compared with what witness ${name} cosigned: ${why}`
}

function detailOf(cause: unknown): string {
  return cause instanceof Error && cause.cause !== undefined ? ` (${describe(cause.cause)})` : ''
}
