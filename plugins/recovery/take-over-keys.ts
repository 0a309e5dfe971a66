import {
  type HighestSeqs,
  keyEventRecord,
  keySeqsOf,
  maxKeysPerRecovery,
  type PublisherKeyEvent,
  type RegisteredKey,
  type Requester,
  recoveryRecord,
} from '../../protocol/index.ts'
import type { AuditChain } from '../audit-chain/index.ts'
import { PluginError } from '../errors.ts'

/** Tells a new log, before anything else, which numbers keys had used. */
export async function recordUsedNumbers(chain: AuditChain, used: HighestSeqs, requester: Requester): Promise<void> {
  const seqs = keySeqsOf(used)
  for (let from = 0; from < seqs.length || from === 0; from += maxKeysPerRecovery) {
    const part = seqs.slice(from, from + maxKeysPerRecovery)
    await chain.record((index, timeMs) => {
      const record = recoveryRecord(part, requester, timeMs)
      if (!chain.registry.enter(record, index)) throw new PluginError('ERR_CHAIN_DAMAGED', 'keys were enrolled before')
      return { record }
    })
  }
}

/**
 * Enrols the keys of the old log in a new one, under their names, with their restrictions. What was revoked or had
 * ended there has here too: names and kids stay taken, and no file of keys brings one back.
 * @param oldSize records of the old log, for keys that were to end later
 */
export async function takeOverKeys(
  chain: AuditChain,
  keys: readonly RegisteredKey[],
  oldSize: number,
  requester: Requester,
): Promise<void> {
  const events = keys.flatMap((key) => eventsOf(key, oldSize))
  await Promise.all(
    events.map((eventAt) =>
      chain.record((index, timeMs) => {
        const event = eventAt(index)
        if (!chain.registry.apply(event, index)) throw new PluginError('ERR_KEY_EXISTS', 'a key is there already')
        return { record: keyEventRecord(event, requester, timeMs) }
      }),
    ),
  )
}

type EventAt = (index: number) => PublisherKeyEvent

function eventsOf(entry: RegisteredKey, oldSize: number): readonly EventAt[] {
  const { thumbprint, key, name, restrictions, replaces, revokedAt, lastIndex } = entry
  // A proof of possession was for the old log, and is in it.
  const enrolment: PublisherKeyEvent = {
    action: 'enroll',
    thumbprint,
    key,
    name,
    ...(Object.keys(restrictions).length === 0 ? undefined : { restrictions }),
    ...(replaces === undefined ? undefined : { replaces }),
  }
  const events: EventAt[] = [() => enrolment]
  if (lastIndex !== undefined) {
    const left = Math.max(0, lastIndex - oldSize)
    events.push((index) => ({ action: 'retire', thumbprint, lastIndex: index + left }))
  }
  if (revokedAt !== undefined)
    events.push(() => ({ action: 'revoke', thumbprint, reason: 'revoked in the log before' }))
  return events
}
