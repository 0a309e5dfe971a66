import type { CborValue } from '../cbor/index.ts'
import { coseKeyOfP256, type P256PublicKey, p256FromCoseKey } from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'
import type { ChainRecord } from './record.ts'
import type { AuthKind } from './vocabulary.ts'

/** Who asked for a change, and how that name was proved. */
export interface Requester {
  readonly clientId?: string
  readonly username?: string
  readonly auth: AuthKind
  readonly listener?: string
}

/** A change of the key registry. At index k it governs every index above k. */
export type KeyEvent =
  | { readonly action: 'enroll'; readonly thumbprint: Uint8Array; readonly key: P256PublicKey; readonly name: string }
  | { readonly action: 'revoke'; readonly thumbprint: Uint8Array; readonly reason?: string }

const detail = { action: 1, key: 2, name: 3, reason: 4 } as const
const actionEnroll = 1
const actionRevoke = 2

export function keyEventRecord(event: KeyEvent, requester: Requester, timeMs: number): ChainRecord {
  const fields = new Map<number, CborValue>()
  if (event.action === 'enroll') {
    fields.set(detail.action, actionEnroll).set(detail.key, coseKeyOfP256(event.key)).set(detail.name, event.name)
  } else {
    fields.set(detail.action, actionRevoke)
    if (event.reason !== undefined) fields.set(detail.reason, event.reason)
  }
  return { kind: 'key', timeMs, ...requester, thumbprint: event.thumbprint, detail: fields }
}

/** @throws {ProtocolError} ERR_RECORD_MALFORMED, ERR_KEY_UNSUPPORTED, ERR_KEY_INVALID */
export function parseKeyEvent(record: ChainRecord, crypto: CryptoProvider): KeyEvent {
  const { thumbprint, detail: fields } = record
  if (record.kind !== 'key' || thumbprint === undefined || fields === undefined) throw malformed()
  const action = fields.get(detail.action)
  const name = fields.get(detail.name)
  const reason = fields.get(detail.reason)
  if (action === actionEnroll && fields.size === 3 && typeof name === 'string') {
    return { action: 'enroll', thumbprint, key: p256FromCoseKey(fields.get(detail.key) ?? null, crypto), name }
  }
  if (action === actionRevoke && fields.size === 1) return { action: 'revoke', thumbprint }
  if (action === actionRevoke && fields.size === 2 && typeof reason === 'string') {
    return { action: 'revoke', thumbprint, reason }
  }
  throw malformed()
}

function malformed(): ProtocolError {
  return new ProtocolError('ERR_RECORD_MALFORMED', 'not a key event')
}
