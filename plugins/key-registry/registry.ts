import {
  bytesEqual,
  type CryptoProvider,
  isKidOf,
  type KeyEvent,
  type P256PublicKey,
  ReplayWindow,
  shortKidBytes,
  thumbprintOfP256,
  toHex,
} from '../../protocol/index.ts'
import { PluginError } from '../errors.ts'

/** A publisher's key as the chain knows it. */
export interface RegisteredKey {
  readonly key: P256PublicKey
  readonly thumbprint: Uint8Array
  /** Given once per log, for ever. */
  readonly name: string
  /** Index of the enrolment; the key is valid at every index above. */
  readonly enrolledAt: number
  /** Index of the revocation; undefined while the key is valid. */
  readonly revokedAt: number | undefined
  readonly window: ReplayWindow
}

type Entry = { -readonly [K in keyof RegisteredKey]: RegisteredKey[K] }

const maxNameBytes = 255

/**
 * The keys that publishers sign with. Holds nothing of its own: every change is an event of the chain, applied here
 * when its index is assigned, so that it governs the very next index.
 */
export class KeyRegistry {
  readonly #crypto: CryptoProvider
  /** By the short kid, which is unique among all keys ever enrolled. */
  readonly #byShortKid = new Map<string, Entry>()
  readonly #names = new Set<string>()

  constructor(crypto: CryptoProvider) {
    this.#crypto = crypto
  }

  /** The key that a kid from a message means; revoked ones included. */
  resolve(kid: Uint8Array): RegisteredKey | undefined {
    if (kid.length < shortKidBytes) return undefined
    const entry = this.#byShortKid.get(shortId(kid))
    return entry !== undefined && isKidOf(kid, entry.thumbprint) ? entry : undefined
  }

  list(): readonly RegisteredKey[] {
    return [...this.#byShortKid.values()]
  }

  /**
   * The one key whose thumbprint begins with `prefix`.
   * @throws {PluginError} ERR_KEY_NOT_FOUND, ERR_KEY_AMBIGUOUS
   */
  find(prefix: Uint8Array): RegisteredKey {
    const found = this.list().filter((entry) => bytesEqual(entry.thumbprint.subarray(0, prefix.length), prefix))
    const [first] = found
    if (first === undefined || prefix.length === 0) throw new PluginError('ERR_KEY_NOT_FOUND', 'no key has this kid')
    if (found.length > 1) throw new PluginError('ERR_KEY_AMBIGUOUS', `${found.length} keys begin with this kid`)
    return first
  }

  /**
   * Plans an enrolment.
   * @returns the event to record, or undefined when exactly this enrolment is in force already
   * @throws {PluginError} ERR_KEY_EXISTS, ERR_KEY_NAME_TAKEN, ERR_KEY_KID_COLLISION, ERR_KEY_NAME_INVALID
   */
  planEnrolment(key: P256PublicKey, name: string | undefined): KeyEvent | undefined {
    const thumbprint = thumbprintOfP256(key, this.#crypto)
    const known = this.#byShortKid.get(shortId(thumbprint))
    if (known !== undefined) {
      if (!bytesEqual(known.thumbprint, thumbprint)) {
        throw new PluginError('ERR_KEY_KID_COLLISION', 'another key has the same short kid', { name: known.name })
      }
      const isSame = known.revokedAt === undefined && (name === undefined || name === known.name)
      if (isSame) return undefined
      const state = known.revokedAt === undefined ? `enrolled as ${known.name}` : `revoked at index ${known.revokedAt}`
      throw new PluginError('ERR_KEY_EXISTS', `this key is known: ${state}`, { name: known.name })
    }
    const givenName = name ?? toHex(thumbprint.subarray(0, shortKidBytes))
    checkName(givenName)
    if (this.#names.has(givenName)) {
      throw new PluginError('ERR_KEY_NAME_TAKEN', `another key is named ${givenName}`, { name: givenName })
    }
    return { action: 'enroll', thumbprint, key, name: givenName }
  }

  /**
   * Plans a revocation.
   * @returns the event to record, or undefined when the key is revoked already
   * @throws {PluginError} ERR_KEY_NOT_FOUND, ERR_KEY_AMBIGUOUS
   */
  planRevocation(prefix: Uint8Array, reason: string | undefined): KeyEvent | undefined {
    const { thumbprint, revokedAt } = this.find(prefix)
    if (revokedAt !== undefined) return undefined
    return { action: 'revoke', thumbprint, ...(reason === undefined ? undefined : { reason }) }
  }

  /** Applies an event of the chain. Its plan was checked against the state just before `index`. */
  apply(event: KeyEvent, index: number): void {
    const id = shortId(event.thumbprint)
    if (event.action === 'enroll') {
      const { key, thumbprint, name } = event
      const entry = { key, thumbprint, name, enrolledAt: index, revokedAt: undefined, window: new ReplayWindow() }
      this.#byShortKid.set(id, entry)
      this.#names.add(name)
      return
    }
    const entry = this.#byShortKid.get(id)
    if (entry !== undefined) entry.revokedAt = index
  }
}

function shortId(thumbprint: Uint8Array): string {
  return toHex(thumbprint.subarray(0, shortKidBytes))
}

function checkName(name: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (name.length === 0 || Buffer.byteLength(name) > maxNameBytes || /[\u0000-\u001f\u007f-\u009f]/.test(name)) {
    throw new PluginError('ERR_KEY_NAME_INVALID', 'a key name has 1 to 255 bytes and no control characters')
  }
}
