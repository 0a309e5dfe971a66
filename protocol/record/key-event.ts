import type { CborValue } from '../cbor/index.ts'
import {
  coseKeyOfEd25519,
  coseKeyOfP256,
  ed25519FromCoseKey,
  type P256PublicKey,
  p256FromCoseKey,
} from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'
import type { ChainRecord } from './record.ts'
import { type KeyRestrictions, restrictionsFromCbor, restrictionsToCbor } from './restrictions.ts'
import type { AuthKind } from './vocabulary.ts'

/** Who asked for a change, and how that name was proved. */
export interface Requester {
  readonly clientId?: string
  readonly username?: string
  readonly auth: AuthKind
  readonly listener?: string
}

/** A key begins to be valid. */
export interface EnrollEvent {
  readonly action: 'enroll'
  readonly thumbprint: Uint8Array
  readonly key: P256PublicKey
  readonly name: string
  readonly restrictions?: KeyRestrictions
  /** Proof of possession: a COSE_Sign1 by the key itself. */
  readonly proof?: Uint8Array
  /** Thumbprint of the key that this one takes the place of. */
  readonly replaces?: Uint8Array
}

/** A key is not valid any more from the next index on. */
export interface RevokeEvent {
  readonly action: 'revoke'
  readonly thumbprint: Uint8Array
  readonly reason?: string
}

/** Other restrictions take the place of those of a key, as a whole. */
export interface RestrictEvent {
  readonly action: 'restrict'
  readonly thumbprint: Uint8Array
  readonly restrictions: KeyRestrictions
}

/** A key stops being valid in an orderly way, perhaps later. */
export interface RetireEvent {
  readonly action: 'retire'
  readonly thumbprint: Uint8Array
  /** Last index at which the key is valid; not below that of the event. */
  readonly lastIndex: number
}

/** A change of the keys of publishers. */
export type PublisherKeyEvent = EnrollEvent | RevokeEvent | RestrictEvent | RetireEvent

/** What a new key of the notary itself says, whichever it is. */
interface NotaryKeyEvent<Action extends string, Key> {
  readonly action: Action
  /** Of the new key. */
  readonly thumbprint: Uint8Array
  readonly key: Key
  /** COSE_Sign1 by the new key over the place in the chain: `signBrokerKeyProof`, `signLogKeyProof`. */
  readonly proof: Uint8Array
  /** Thumbprint of the key that it takes the place of. */
  readonly replaces: Uint8Array
}

/** Another broker key signs the headers of all later blocks. */
export type BrokerKeyEvent = NotaryKeyEvent<'broker-key', P256PublicKey>

/** Another log key, Ed25519, 32 bytes. */
export type LogKeyEvent = NotaryKeyEvent<'log-key', Uint8Array>

/** A change of the keys of the notary itself; it stands alone in its block. */
export type RotationEvent = BrokerKeyEvent | LogKeyEvent

/** A change of keys. At index k it governs every index above k. */
export type KeyEvent = PublisherKeyEvent | RotationEvent

export function isRotation(event: KeyEvent): event is RotationEvent {
  return event.action === 'broker-key' || event.action === 'log-key'
}

const detail = {
  action: 1,
  key: 2,
  name: 3,
  reason: 4,
  restrictions: 5,
  proof: 6,
  replaces: 7,
  lastIndex: 8,
} as const
const actions = { enroll: 1, revoke: 2, restrict: 3, retire: 4, 'broker-key': 5, 'log-key': 6 } as const
const thumbprintBytes = 32

type Fields = ReadonlyMap<number, CborValue>

export function keyEventRecord(event: KeyEvent, requester: Requester, timeMs: number): ChainRecord {
  const fields = new Map<number, CborValue>([[detail.action, actions[event.action]], ...fieldsOf(event)])
  return { kind: 'key', timeMs, ...requester, thumbprint: event.thumbprint, detail: fields }
}

function fieldsOf(event: KeyEvent): Fields {
  const fields = new Map<number, CborValue>()
  if (event.action === 'enroll') {
    fields.set(detail.key, coseKeyOfP256(event.key)).set(detail.name, event.name)
    if (event.restrictions !== undefined) fields.set(detail.restrictions, restrictionsToCbor(event.restrictions))
    if (event.proof !== undefined) fields.set(detail.proof, event.proof)
    if (event.replaces !== undefined) fields.set(detail.replaces, event.replaces)
  } else if (event.action === 'revoke') {
    if (event.reason !== undefined) fields.set(detail.reason, event.reason)
  } else if (event.action === 'restrict') {
    fields.set(detail.restrictions, restrictionsToCbor(event.restrictions))
  } else if (event.action === 'retire') {
    fields.set(detail.lastIndex, event.lastIndex)
  } else {
    const key = event.action === 'broker-key' ? coseKeyOfP256(event.key) : coseKeyOfEd25519(event.key)
    fields.set(detail.key, key).set(detail.proof, event.proof).set(detail.replaces, event.replaces)
  }
  return fields
}

/** @throws {ProtocolError} ERR_RECORD_MALFORMED, ERR_KEY_UNSUPPORTED, ERR_KEY_INVALID */
export function parseKeyEvent(record: ChainRecord, crypto: CryptoProvider): KeyEvent {
  const { thumbprint, detail: fields } = record
  if (record.kind !== 'key' || thumbprint === undefined || fields === undefined) throw malformed('a field is missing')
  switch (fields.get(detail.action)) {
    case actions.enroll:
      return parseEnrolment(thumbprint, fields, crypto)
    case actions.revoke:
      return parseRevocation(thumbprint, fields)
    case actions.restrict:
      only(fields, detail.restrictions)
      return {
        action: 'restrict',
        thumbprint,
        restrictions: restrictionsFromCbor(fields.get(detail.restrictions) ?? null),
      }
    case actions.retire:
      return parseRetirement(thumbprint, fields)
    case actions['broker-key']: {
      const key = p256FromCoseKey(fields.get(detail.key) ?? null, crypto)
      return { action: 'broker-key', thumbprint, key, ...parseRotation(fields) }
    }
    case actions['log-key']: {
      const key = ed25519FromCoseKey(fields.get(detail.key) ?? null)
      return { action: 'log-key', thumbprint, key, ...parseRotation(fields) }
    }
    default:
      throw malformed('action')
  }
}

function parseEnrolment(thumbprint: Uint8Array, fields: Fields, crypto: CryptoProvider): EnrollEvent {
  only(fields, detail.key, detail.name, detail.restrictions, detail.proof, detail.replaces)
  const name = fields.get(detail.name)
  const restrictions = fields.get(detail.restrictions)
  const proof = fields.get(detail.proof)
  const replaces = fields.get(detail.replaces)
  if (typeof name !== 'string') throw malformed('name')
  if (proof !== undefined && !(proof instanceof Uint8Array)) throw malformed('proof')
  if (replaces !== undefined && !isThumbprint(replaces)) throw malformed('replaced key')
  return {
    action: 'enroll',
    thumbprint,
    key: p256FromCoseKey(fields.get(detail.key) ?? null, crypto),
    name,
    ...(restrictions === undefined ? undefined : { restrictions: restrictionsFromCbor(restrictions) }),
    ...(proof === undefined ? undefined : { proof }),
    ...(replaces === undefined ? undefined : { replaces }),
  }
}

function parseRevocation(thumbprint: Uint8Array, fields: Fields): RevokeEvent {
  only(fields, detail.reason)
  const reason = fields.get(detail.reason)
  if (reason === undefined) return { action: 'revoke', thumbprint }
  if (typeof reason !== 'string') throw malformed('reason')
  return { action: 'revoke', thumbprint, reason }
}

function parseRetirement(thumbprint: Uint8Array, fields: Fields): RetireEvent {
  only(fields, detail.lastIndex)
  const lastIndex = fields.get(detail.lastIndex)
  if (typeof lastIndex !== 'number' || lastIndex < 0) throw malformed('last index')
  return { action: 'retire', thumbprint, lastIndex }
}

function parseRotation(fields: Fields): Pick<RotationEvent, 'proof' | 'replaces'> {
  only(fields, detail.key, detail.proof, detail.replaces)
  const proof = fields.get(detail.proof)
  const replaces = fields.get(detail.replaces)
  if (!(proof instanceof Uint8Array)) throw malformed('proof')
  if (!isThumbprint(replaces)) throw malformed('replaced key')
  return { proof, replaces }
}

function isThumbprint(value: CborValue | undefined): value is Uint8Array {
  return value instanceof Uint8Array && value.length === thumbprintBytes
}

/** Refuses fields that the action does not have. */
function only(fields: Fields, ...known: readonly number[]): void {
  for (const key of fields.keys()) if (key !== detail.action && !known.includes(key)) throw malformed(`field ${key}`)
}

function malformed(what: string): ProtocolError {
  return new ProtocolError('ERR_RECORD_MALFORMED', `not a key event: ${what}`)
}
