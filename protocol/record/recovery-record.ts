import { ProtocolError } from '../errors.ts'
import { decodeHighestSeqs, encodeHighestSeqs, type HighestSeqs, type KeySeq } from './highest-seqs.ts'
import type { Requester } from './key-event.ts'
import type { ChainRecord } from './record.ts'

/** Keys that one recovery record names at most; more of them take several records. */
export const maxKeysPerRecovery = 10_000

const detail = { highestSeqs: 1 } as const

/**
 * Which sequence numbers keys used in the log that this one continues: the same and lower ones are too old here. Such
 * records stand before all enrolments.
 */
export function recoveryRecord(seqs: readonly KeySeq[], requester: Requester, timeMs: number): ChainRecord {
  return {
    kind: 'recovery',
    timeMs,
    ...requester,
    detail: new Map([[detail.highestSeqs, encodeHighestSeqs(seqs)]]),
  }
}

/** @throws {ProtocolError} ERR_RECORD_MALFORMED */
export function parseRecovery(record: ChainRecord): HighestSeqs {
  const packed = record.detail?.get(detail.highestSeqs)
  if (record.kind !== 'recovery' || record.detail?.size !== 1 || !(packed instanceof Uint8Array)) throw malformed()
  const seqs = decodeHighestSeqs(packed)
  if (seqs.size > maxKeysPerRecovery) throw malformed()
  return seqs
}

function malformed(): ProtocolError {
  return new ProtocolError('ERR_RECORD_MALFORMED', 'not the record of a recovery')
}
