import { coseKeyOfP256, decodeP256CoseKey, encodeCbor, nobleCrypto } from '../../../protocol/index.ts'
import { knownBrokerKey, rememberBroker } from '../../identity/index.ts'
import type { KeyStore } from '../../key-store/key-store.ts'
import { brokerValue } from '../../sdk/pinned-broker.ts'

/**
 * A key store in which the keys of brokers are those of the file `known-brokers`, which `notarymq identity` reads and
 * writes too, and which people edit.
 */
export class KnownBrokerStore implements KeyStore {
  readonly #open: () => KeyStore
  readonly #file: string
  #opened: KeyStore | undefined

  /** @param open makes the store for everything else, when it is needed */
  constructor(open: () => KeyStore, file: string) {
    this.#open = open
    this.#file = file
  }

  async reserveSequenceNumbers(thumbprint: Uint8Array, count: number): Promise<number> {
    return this.#store().reserveSequenceNumbers(thumbprint, count)
  }

  async raiseSequenceNumber(thumbprint: Uint8Array, atLeast: number): Promise<void> {
    return this.#store().raiseSequenceNumber(thumbprint, atLeast)
  }

  async countEncryptions(keyName: string, count: number): Promise<void> {
    return this.#store().countEncryptions(keyName, count)
  }

  /** @throws {ClientError} ERR_KNOWN_BROKERS, ERR_KEY_STORE */
  async get(name: string): Promise<Uint8Array | undefined> {
    const broker = brokerOf(name)
    if (broker === undefined) return this.#store().get(name)
    const key = knownBrokerKey(this.#file, broker)
    return key === undefined ? undefined : encodeCbor(coseKeyOfP256(key))
  }

  /** @throws {ClientError} ERR_KNOWN_BROKERS, ERR_KEY_STORE */
  async set(name: string, value: Uint8Array, expected?: Uint8Array): Promise<boolean> {
    const broker = brokerOf(name)
    if (broker === undefined) return this.#store().set(name, value, expected)
    // Only people replace the key of a broker.
    if (expected !== undefined || knownBrokerKey(this.#file, broker) !== undefined) return false
    rememberBroker(this.#file, broker, decodeP256CoseKey(value, nobleCrypto))
    return true
  }

  #store(): KeyStore {
    this.#opened ??= this.#open()
    return this.#opened
  }
}

function brokerOf(name: string): string | undefined {
  return name.startsWith(brokerValue) ? name.slice(brokerValue.length) : undefined
}
