import type { SeqReuseAlarm } from '../plugins/index.ts'
import { toBase64url } from '../protocol/index.ts'

/** An alarm as administrators get it on `$notary/alarm`. */
export function alarmJson({ kind, index, acceptedIndex, thumbprint, name, seq, topic, requester }: SeqReuseAlarm) {
  const { clientId, username } = requester
  return { kind, index, acceptedIndex, kid: toBase64url(thumbprint), subject: name, seq, topic, clientId, username }
}

/** That no checkpoint is published since an anchor cannot be written. @param place as configured */
export function anchorAlarmJson(place: string) {
  return { kind: 'anchor-failed', anchor: place }
}
