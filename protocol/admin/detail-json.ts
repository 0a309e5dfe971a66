import { toBase64url } from '../bytes.ts'
import { nobleCrypto } from '../noble-provider.ts'
import {
  type ChainRecord,
  type Damage,
  type KeyEvent,
  parseConfig,
  parseDamage,
  parseErasure,
  parseKeyEvent,
  parseRecovery,
  parseSeqReuse,
  parseSession,
} from '../record/index.ts'
import { withoutUndefined } from '../without-undefined.ts'
import type { Includable } from './methods.ts'
import type { RecordJson } from './record-json.ts'
import { timeText } from './time-text.ts'

/** What a record of its kind has beyond the common fields. @throws {ProtocolError} ERR_RECORD_MALFORMED, ERR_KEY_* */
export function detailToJson(record: ChainRecord, include: ReadonlySet<Includable>): Partial<RecordJson> {
  switch (record.kind) {
    case 'key':
      return keyEventToJson(parseKeyEvent(record, nobleCrypto))
    case 'session': {
      const { sid, expiryMs } = parseSession(record)
      return withoutUndefined({ sid: toBase64url(sid), expiry: timeText(expiryMs) })
    }
    case 'config': {
      const { digest, occasion } = parseConfig(record)
      return { configuration: toBase64url(digest), occasion }
    }
    case 'damage':
      return damageToJson(parseDamage(record))
    case 'recovery':
      return { keys: parseRecovery(record).size }
    case 'seq-reuse': {
      const { acceptedIndex, acceptedTopic, accepted, refused } = parseSeqReuse(record)
      if (!include.has('envelope')) return { acceptedIndex, acceptedTopic }
      const envelopes = { acceptedEnvelope: toBase64url(accepted), refusedEnvelope: toBase64url(refused) }
      return { acceptedIndex, acceptedTopic, ...envelopes }
    }
    case 'erasure': {
      const { what, ranges, reason, seqs } = parseErasure(record)
      const erasedSeqs = seqs.map(({ thumbprint, highest }) => ({ kid: toBase64url(thumbprint), highest }))
      return seqs.length === 0 ? { what, ranges, reason } : { what, ranges, reason, erasedSeqs }
    }
    default:
      return {}
  }
}

function damageToJson({ firstIndex, lastIndex, cause, tile }: Damage): Partial<RecordJson> {
  const range = { firstIndex, lastIndex, cause }
  if (tile === undefined) return range
  const { level, index, isRepaired } = tile
  return { ...range, tile: { level, index, repaired: isRepaired } }
}

function keyEventToJson(event: KeyEvent): Partial<RecordJson> {
  const { action } = event
  switch (action) {
    case 'enroll': {
      const { restrictions, proof, replaces } = event
      const more = { restrictions, replaces: replaces === undefined ? undefined : toBase64url(replaces) }
      return { action, proof: proof !== undefined, ...withoutUndefined(more) }
    }
    case 'revoke':
      return { action, ...withoutUndefined({ reason: event.reason }) }
    case 'restrict':
      return { action, restrictions: event.restrictions }
    case 'retire':
      return { action, lastIndex: event.lastIndex }
    case 'broker-key':
    case 'log-key':
      return { action, proof: true, replaces: toBase64url(event.replaces) }
  }
}
