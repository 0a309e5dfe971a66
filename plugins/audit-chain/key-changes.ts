import {
  type KeyRegistry,
  type KeyRestrictions,
  keyEventRecord,
  type P256PublicKey,
  ProtocolError,
  type PublisherKeyEvent,
  type RegisteredKey,
  type Requester,
  thumbprintOfP256,
  verifyProofOfPossession,
} from '../../protocol/index.ts'
import { PluginError } from '../errors.ts'
import {
  type Enrolment,
  findKey,
  planEnrolment,
  planRestriction,
  planRetirement,
  planRevocation,
} from '../key-registry/index.ts'
import { nativeCrypto } from '../native-crypto.ts'
import type { Submission } from './submission.ts'

/** What an enrolment may say beside the key. */
export interface EnrolmentOptions extends Omit<Enrolment, 'key'> {
  /** Records for which the key that is replaced stays valid. Default 0. */
  readonly overlap?: number
}

/** Requester of what the broker's own configuration, or its operator at the machine, asks for. */
export const configuration: Requester = { auth: 'none' }

export interface KeyChangesOptions {
  readonly registry: KeyRegistry
  /** Name of the log. */
  readonly origin: string
  /** Records what is decided when its index is known; rejects with what that throws. */
  readonly record: (decide: Submission['decide']) => Promise<void>
}

/** Changes of the keys of publishers: each is a record, and holds from the next index on. */
export class KeyChanges {
  readonly #registry: KeyRegistry
  readonly #origin: string
  readonly #record: KeyChangesOptions['record']

  constructor({ registry, origin, record }: KeyChangesOptions) {
    this.#registry = registry
    this.#origin = origin
    this.#record = record
  }

  /**
   * Enrols a key; doing it again changes nothing.
   * @param wanted a name alone, or everything that an enrolment may say
   * @returns the key as registered, once the event is durable
   * @throws {PluginError} ERR_KEY_RESERVED, ERR_KEY_EXISTS, ERR_KEY_NAME_TAKEN, ERR_KEY_KID_COLLISION,
   * ERR_KEY_NAME_INVALID, ERR_KEY_RESTRICTIONS, ERR_KEY_PROOF, ERR_KEY_NOT_FOUND, ERR_KEY_AMBIGUOUS
   */
  async enroll(
    key: P256PublicKey,
    wanted: string | EnrolmentOptions = {},
    requester: Requester = configuration,
  ): Promise<RegisteredKey> {
    const { overlap = 0, ...options } = typeof wanted === 'string' ? { name: wanted } : wanted
    const thumbprint = thumbprintOfP256(key, nativeCrypto)
    // One key per role: what the broker signs must never pass for a publish.
    if (this.#registry.notary.hasBroker(thumbprint)) {
      throw new PluginError('ERR_KEY_RESERVED', 'this is, or was, a key of the broker itself')
    }
    if (options.proof !== undefined) await checkProof(options.proof, key, this.#origin)
    const replaces = options.replaces === undefined ? undefined : findKey(this.#registry, options.replaces).thumbprint
    const enrolment: Enrolment = { ...options, key, replaces }
    await this.#recordKeyEvent(() => planEnrolment(this.#registry, enrolment, nativeCrypto), requester)
    // A second step of its own: whoever asks again after a crash between the two completes it.
    if (replaces !== undefined) await this.retire(replaces, overlap, requester)
    return findKey(this.#registry, thumbprint)
  }

  /**
   * Revokes a key; publishes at every later index are refused. Doing it again changes nothing.
   * @param kid thumbprint, or an unambiguous prefix of it
   * @throws {PluginError} ERR_KEY_NOT_FOUND, ERR_KEY_AMBIGUOUS
   */
  revoke(kid: Uint8Array, reason?: string, requester: Requester = configuration): Promise<RegisteredKey> {
    return this.#change(kid, (thumbprint) => planRevocation(this.#registry, thumbprint, reason), requester)
  }

  /**
   * Gives a key these restrictions instead of those that it has. Doing it again changes nothing.
   * @throws {PluginError} ERR_KEY_NOT_FOUND, ERR_KEY_AMBIGUOUS, ERR_KEY_REVOKED, ERR_KEY_RESTRICTIONS
   */
  restrict(
    kid: Uint8Array,
    restrictions: KeyRestrictions,
    requester: Requester = configuration,
  ): Promise<RegisteredKey> {
    return this.#change(kid, (thumbprint) => planRestriction(this.#registry, thumbprint, restrictions), requester)
  }

  /**
   * Lets a key end in an orderly way. Doing it again changes nothing, the overlap neither.
   * @param overlap records after the event for which it is still valid
   * @throws {PluginError} ERR_KEY_NOT_FOUND, ERR_KEY_AMBIGUOUS, ERR_KEY_REVOKED
   */
  retire(kid: Uint8Array, overlap = 0, requester: Requester = configuration): Promise<RegisteredKey> {
    return this.#change(
      kid,
      (thumbprint, index) => planRetirement(this.#registry, thumbprint, overlap, index),
      requester,
    )
  }

  async #change(
    kid: Uint8Array,
    plan: (thumbprint: Uint8Array, index: number) => PublisherKeyEvent | undefined,
    requester: Requester,
  ): Promise<RegisteredKey> {
    const { thumbprint } = findKey(this.#registry, kid)
    await this.#recordKeyEvent((index) => plan(thumbprint, index), requester)
    return findKey(this.#registry, thumbprint)
  }

  /** Plans when the index is known, so that two requests at once cannot both succeed. */
  #recordKeyEvent(plan: (index: number) => PublisherKeyEvent | undefined, requester: Requester): Promise<void> {
    return this.#record((index, timeMs) => {
      const event = plan(index)
      if (event === undefined) return undefined
      this.#registry.apply(event, index)
      return { record: keyEventRecord(event, requester, timeMs) }
    })
  }
}

async function checkProof(proof: Uint8Array, key: P256PublicKey, origin: string): Promise<void> {
  try {
    await verifyProofOfPossession(proof, key, origin, nativeCrypto)
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    throw new PluginError('ERR_KEY_PROOF', 'the proof of possession is not one of this key for this log', {}, cause)
  }
}
