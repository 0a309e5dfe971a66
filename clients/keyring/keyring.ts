import {
  type CryptoProvider,
  isKidOf,
  isSameP256,
  isValidTopicFilter,
  type P256PublicKey,
  thumbprintOfP256,
  topicMatchesFilter,
} from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import { webCrypto } from '../sdk/web-crypto.ts'
import { type PublicKeyInput, readPublicKey } from './public-key.ts'

/** A key whose signatures are believed, and for what. */
export interface KeyringKey {
  /** What people call it: `subject` of a verified message. */
  readonly name: string
  readonly publicKey: P256PublicKey
  /** RFC 9679 thumbprint, 32 bytes. */
  readonly thumbprint: Uint8Array
  /** Topic filters that it may sign for; undefined: all topics. */
  readonly topics: readonly string[] | undefined
  /** It is not believed any more. */
  readonly isRevoked: boolean
}

/** Whose signatures are believed: public keys with names. */
export class Keyring {
  readonly #keys = new Map<string, KeyringKey>()
  readonly #crypto: CryptoProvider

  constructor(crypto: CryptoProvider = webCrypto) {
    this.#crypto = crypto
  }

  /**
   * Believes a key from now on.
   * @param name one that no other key of this ring has
   * @param topics filters that it may sign for; none: all topics
   * @throws {ClientError} ERR_PUBLIC_KEY: not a key, or the name or the key is there already
   */
  add(name: string, key: PublicKeyInput, topics?: readonly string[]): KeyringKey {
    const publicKey = readPublicKey(key, this.#crypto)
    const isThere = this.#keys.has(name) || this.keys.some((one) => isSameP256(one.publicKey, publicKey))
    if (isThere) throw new ClientError('ERR_PUBLIC_KEY', `${name} or its key is in the keyring already`)
    const wrong = topics?.find((filter) => !isValidTopicFilter(filter))
    if (wrong !== undefined) throw new ClientError('ERR_PUBLIC_KEY', `${wrong} is not a topic filter`)
    const thumbprint = thumbprintOfP256(publicKey, this.#crypto)
    const added = Object.freeze<KeyringKey>({ name, publicKey, thumbprint, topics, isRevoked: false })
    this.#keys.set(name, added)
    return added
  }

  /** Believes a key no longer; what it signs is told from what an unknown key signs. @returns false for an unknown name */
  revoke(name: string): boolean {
    const key = this.#keys.get(name)
    if (key === undefined) return false
    this.#keys.set(name, Object.freeze<KeyringKey>({ ...key, isRevoked: true }))
    return true
  }

  get keys(): readonly KeyringKey[] {
    return [...this.#keys.values()]
  }

  /** Keys that a kid may stand for: it is a prefix, and verifying tells. */
  withKid(kid: Uint8Array): readonly KeyringKey[] {
    return this.keys.filter(({ thumbprint }) => isKidOf(kid, thumbprint))
  }
}

/** Whether a key may sign for a topic now. */
export function mayStillSign({ topics, isRevoked }: KeyringKey, topic: string): boolean {
  return !isRevoked && (topics === undefined || topics.some((filter) => topicMatchesFilter(topic, filter)))
}
