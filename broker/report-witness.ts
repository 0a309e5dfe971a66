import { type DirectTopics, isProofAgainstLog, type WitnessChange, witnessTroubles } from '../plugins/index.ts'
import { describe } from './describe.ts'
import type { BrokerLogger } from './logger.ts'

/** Says that a witness no longer cosigns, or does again; what it says against the log is an alarm. */
export function reportWitness({ name, trouble, cause }: WitnessChange, log: BrokerLogger, topics: DirectTopics): void {
  if (trouble === undefined) {
    log.notice(`Witness ${name} cosigns.`)
    return
  }
  const why = cause instanceof Error && cause.cause !== undefined ? ` (${describe(cause.cause)})` : ''
  const text = `Witness ${name} does not cosign: ${witnessTroubles[trouble]}${why}`
  if (!isProofAgainstLog(trouble)) {
    log.warning(`Warning: ${text}`)
    return
  }
  log.error(`Error: ${text}`)
  topics.raiseAlarm({ kind: 'witness', witness: name, trouble })
}
