import { bytesEqual, type EncryptionKey } from '../../protocol/index.ts'
import type { KeySource } from './shared-key-cipher.ts'

/** Keys that still open what was on its way when a newer one came; of each kind. */
const maxKeys = 4

/** The keys that two clients agreed on, of this run. */
export class PairwiseKeys implements KeySource {
  /** Resolves with the first key that both sides are known to have. */
  readonly ready: Promise<void>
  readonly #members: readonly Uint8Array[]
  readonly #settled: () => Promise<void>
  /** Newest first, as in {@link #unconfirmed}. */
  #established: readonly EncryptionKey[] = []
  #unconfirmed: readonly EncryptionKey[] = []
  #setReady: () => void = () => {}

  /** @param members thumbprints of the two @param settled resolves when all key messages so far are dealt with */
  constructor(members: readonly Uint8Array[], settled: () => Promise<void>) {
    this.#members = members
    this.#settled = settled
    this.ready = new Promise((resolve) => {
      this.#setReady = resolve
    })
  }

  sealingKey(sender: Uint8Array | undefined): EncryptionKey | undefined {
    return this.#isMember(sender) ? this.#established[0] : undefined
  }

  async openingKey(id: Uint8Array, sender: Uint8Array | undefined): Promise<EncryptionKey | undefined> {
    await this.#settled()
    return this.#isMember(sender) ? this.#established.find((key) => bytesEqual(key.id, id)) : undefined
  }

  /** A key that the peer does not have before it got an answer. */
  addUnconfirmed(key: EncryptionKey): void {
    this.#unconfirmed = [key, ...this.#unconfirmed].slice(0, maxKeys)
  }

  unconfirmed(id: Uint8Array): EncryptionKey | undefined {
    return this.#unconfirmed.find((key) => bytesEqual(key.id, id))
  }

  /** From now on the key to encrypt with. */
  establish(key: EncryptionKey): void {
    this.#unconfirmed = this.#unconfirmed.filter((other) => other !== key)
    this.#established = [key, ...this.#established].slice(0, maxKeys)
    this.#setReady()
  }

  #isMember(sender: Uint8Array | undefined): boolean {
    return sender !== undefined && this.#members.some((member) => bytesEqual(member, sender))
  }
}
