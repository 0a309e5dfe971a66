import type { DamageAlarm, SeqReuseAlarm } from '../plugins/index.ts'
import { toBase64url } from '../protocol/index.ts'

/** An alarm as administrators get it on `$notary/alarm`. */
export function alarmJson({ kind, index, acceptedIndex, thumbprint, name, seq, topic, requester }: SeqReuseAlarm) {
  const { clientId, username } = requester
  return { kind, index, acceptedIndex, kid: toBase64url(thumbprint), subject: name, seq, topic, clientId, username }
}

/** Damage of the store, likewise. */
export function damageAlarmJson({ kind, index, firstIndex, lastIndex, cause, tile }: DamageAlarm) {
  const range = { kind, index, firstIndex, lastIndex, cause }
  return tile === undefined
    ? range
    : { ...range, tile: { level: tile.level, index: tile.index, repaired: tile.isRepaired } }
}

/** That no checkpoint is published since an anchor cannot be written. @param place as configured */
export function anchorAlarmJson(place: string) {
  return { kind: 'anchor-failed', anchor: place }
}
