import type { EncryptionMemory } from '../../clients/encryption/index.ts'
import { ClientError } from '../../clients/errors.ts'
import { bytesEqual, maxMessagesPerKey } from '../../protocol/index.ts'

/** A key store of one process, with what it was asked to keep. */
export class TestMemory implements EncryptionMemory {
  readonly values = new Map<string, Uint8Array>()
  readonly counts = new Map<string, number>()

  async get(name: string): Promise<Uint8Array | undefined> {
    return this.values.get(name)
  }

  async set(name: string, value: Uint8Array, expected?: Uint8Array): Promise<boolean> {
    const present = this.values.get(name)
    const isExpected =
      present === undefined || expected === undefined ? present === expected : bytesEqual(present, expected)
    if (isExpected) this.values.set(name, value.slice())
    return isExpected
  }

  async countEncryptions(keyName: string, count: number): Promise<void> {
    const total = (this.counts.get(keyName) ?? 0) + count
    if (total > maxMessagesPerKey) throw new ClientError('ERR_KEY_EXHAUSTED', 'as much as it may')
    this.counts.set(keyName, total)
  }
}
