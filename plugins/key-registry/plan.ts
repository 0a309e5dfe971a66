import {
  areSameRestrictions,
  bytesEqual,
  type CryptoProvider,
  type EnrollEvent,
  faultOfRestrictions,
  type KeyRegistry,
  type KeyRestrictions,
  type P256PublicKey,
  type RegisteredKey,
  type RestrictEvent,
  type RetireEvent,
  type RevokeEvent,
  shortKidBytes,
  thumbprintOfP256,
  toHex,
} from '../../protocol/index.ts'
import { PluginError } from '../errors.ts'

// What becomes of a wish to change the registry: an event to record, nothing because it is so already, or an error.

/** What is asked of an enrolment. */
export interface Enrolment {
  readonly key: P256PublicKey
  /** Default: 16 hexadecimal digits of the thumbprint. */
  readonly name?: string | undefined
  /** Default: those of the key that it replaces, else none. */
  readonly restrictions?: KeyRestrictions | undefined
  /** Proof of possession, verified already. */
  readonly proof?: Uint8Array | undefined
  /** Thumbprint of the key that it takes the place of. */
  readonly replaces?: Uint8Array | undefined
}

const maxNameBytes = 255

/**
 * The one key whose thumbprint begins with `prefix`.
 * @throws {PluginError} ERR_KEY_NOT_FOUND, ERR_KEY_AMBIGUOUS
 */
export function findKey(registry: KeyRegistry, prefix: Uint8Array): RegisteredKey {
  // As long as a kid it cannot be ambiguous.
  const exact = registry.resolve(prefix)
  if (exact !== undefined) return exact
  const found = registry.list().filter((key) => bytesEqual(key.thumbprint.subarray(0, prefix.length), prefix))
  const [first] = found
  if (first === undefined || prefix.length === 0) throw new PluginError('ERR_KEY_NOT_FOUND', 'no key has this kid')
  if (found.length > 1) throw new PluginError('ERR_KEY_AMBIGUOUS', `${found.length} keys begin with this kid`)
  return first
}

/**
 * Plans an enrolment.
 * @returns the event to record, or undefined when exactly this enrolment is in force already
 * @throws {PluginError} ERR_KEY_EXISTS, ERR_KEY_NAME_TAKEN, ERR_KEY_KID_COLLISION, ERR_KEY_NAME_INVALID,
 * ERR_KEY_RESTRICTIONS, ERR_KEY_NOT_FOUND
 */
export function planEnrolment(
  registry: KeyRegistry,
  wanted: Enrolment,
  crypto: CryptoProvider,
): EnrollEvent | undefined {
  const { key, name, proof, replaces } = wanted
  const thumbprint = thumbprintOfP256(key, crypto)
  const known = registry.withShortKidOf(thumbprint)
  if (known !== undefined) {
    checkIsSame(known, thumbprint, wanted)
    return undefined
  }
  const givenName = name ?? toHex(thumbprint.subarray(0, shortKidBytes))
  checkName(givenName)
  if (registry.named(givenName) !== undefined) {
    throw new PluginError('ERR_KEY_NAME_TAKEN', `another key is named ${givenName}`, { name: givenName })
  }
  const replaced = replaces === undefined ? undefined : findKey(registry, replaces)
  const restrictions = checked(wanted.restrictions ?? replaced?.restrictions ?? {})
  return {
    action: 'enroll',
    thumbprint,
    key,
    name: givenName,
    ...(Object.keys(restrictions).length === 0 ? undefined : { restrictions }),
    ...(proof === undefined ? undefined : { proof }),
    ...(replaced === undefined ? undefined : { replaces: replaced.thumbprint }),
  }
}

function checkIsSame(known: RegisteredKey, thumbprint: Uint8Array, { name, restrictions, replaces }: Enrolment): void {
  if (!bytesEqual(known.thumbprint, thumbprint)) {
    throw new PluginError('ERR_KEY_KID_COLLISION', 'another key has the same short kid', { name: known.name })
  }
  const state = known.revokedAt === undefined ? `enrolled as ${known.name}` : `revoked at index ${known.revokedAt}`
  const isSame =
    known.revokedAt === undefined &&
    (name === undefined || name === known.name) &&
    (restrictions === undefined || areSameRestrictions(restrictions, known.restrictions)) &&
    (replaces === undefined || (known.replaces !== undefined && bytesEqual(known.replaces, replaces)))
  if (!isSame) throw new PluginError('ERR_KEY_EXISTS', `this key is known: ${state}`, { name: known.name })
}

/**
 * Plans a revocation.
 * @returns the event to record, or undefined when the key is revoked already
 * @throws {PluginError} ERR_KEY_NOT_FOUND, ERR_KEY_AMBIGUOUS
 */
export function planRevocation(
  registry: KeyRegistry,
  prefix: Uint8Array,
  reason: string | undefined,
): RevokeEvent | undefined {
  const { thumbprint, revokedAt } = findKey(registry, prefix)
  if (revokedAt !== undefined) return undefined
  return { action: 'revoke', thumbprint, ...(reason === undefined ? undefined : { reason }) }
}

/**
 * Plans other restrictions for a key, instead of those that it has.
 * @returns the event to record, or undefined when it has exactly these
 * @throws {PluginError} ERR_KEY_NOT_FOUND, ERR_KEY_AMBIGUOUS, ERR_KEY_REVOKED, ERR_KEY_RESTRICTIONS
 */
export function planRestriction(
  registry: KeyRegistry,
  prefix: Uint8Array,
  restrictions: KeyRestrictions,
): RestrictEvent | undefined {
  const known = findKey(registry, prefix)
  if (areSameRestrictions(checked(restrictions), known.restrictions)) return undefined
  refuseRevoked(known)
  return { action: 'restrict', thumbprint: known.thumbprint, restrictions }
}

/**
 * Plans the retirement of a key.
 * @param index of the event
 * @param overlap records after the event at which the key is still valid
 * @returns the event to record, or undefined when the key is retired already
 * @throws {PluginError} ERR_KEY_NOT_FOUND, ERR_KEY_AMBIGUOUS, ERR_KEY_REVOKED
 * @throws {RangeError} for an overlap that is no number of records
 */
export function planRetirement(
  registry: KeyRegistry,
  prefix: Uint8Array,
  overlap: number,
  index: number,
): RetireEvent | undefined {
  const known = findKey(registry, prefix)
  if (known.lastIndex !== undefined) return undefined
  refuseRevoked(known)
  const lastIndex = index + overlap
  if (!Number.isSafeInteger(lastIndex) || overlap < 0) throw new RangeError('an overlap is a number of records')
  return { action: 'retire', thumbprint: known.thumbprint, lastIndex }
}

function refuseRevoked({ name, revokedAt }: RegisteredKey): void {
  if (revokedAt === undefined) return
  throw new PluginError('ERR_KEY_REVOKED', `${name} was revoked at index ${revokedAt}`, { name })
}

function checked(restrictions: KeyRestrictions): KeyRestrictions {
  const fault = faultOfRestrictions(restrictions)
  if (fault !== undefined) throw new PluginError('ERR_KEY_RESTRICTIONS', fault)
  return restrictions
}

function checkName(name: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (name.length === 0 || Buffer.byteLength(name) > maxNameBytes || /[\u0000-\u001f\u007f-\u009f]/.test(name)) {
    throw new PluginError('ERR_KEY_NAME_INVALID', 'a key name has 1 to 255 bytes and no control characters')
  }
}
