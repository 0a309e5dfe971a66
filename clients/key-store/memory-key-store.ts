import {
  afterReserved,
  countedUp,
  encryptionsName,
  firstSequenceNumber,
  isAsExpected,
  type KeyStore,
  sequenceName,
} from './key-store.ts'

/**
 * Forgets everything with the process: for tests, and for keys that are made anew at each start. A key that lives longer
 * would use its sequence numbers again, and the broker would refuse it.
 */
export class MemoryKeyStore implements KeyStore {
  readonly #counters = new Map<string, number>()
  readonly #values = new Map<string, Uint8Array>()

  async reserveSequenceNumbers(thumbprint: Uint8Array, count: number): Promise<number> {
    const name = sequenceName(thumbprint)
    const first = this.#counters.get(name) ?? firstSequenceNumber
    this.#counters.set(name, afterReserved(first, count))
    return first
  }

  async raiseSequenceNumber(thumbprint: Uint8Array, atLeast: number): Promise<void> {
    const name = sequenceName(thumbprint)
    this.#counters.set(name, Math.max(this.#counters.get(name) ?? firstSequenceNumber, atLeast))
  }

  async countEncryptions(keyName: string, count: number): Promise<void> {
    const name = encryptionsName(keyName)
    this.#counters.set(name, countedUp(keyName, this.#counters.get(name) ?? 0, count))
  }

  async get(name: string): Promise<Uint8Array | undefined> {
    return this.#values.get(name)?.slice()
  }

  async set(name: string, value: Uint8Array, ...expected: [Uint8Array?]): Promise<boolean> {
    if (!isAsExpected(this.#values.get(name), expected)) return false
    this.#values.set(name, value.slice())
    return true
  }
}
