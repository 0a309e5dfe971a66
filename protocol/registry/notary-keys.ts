import { bytesEqual } from '../bytes.ts'
import { type P256PublicKey, thumbprintOfEd25519, thumbprintOfP256 } from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import type { Genesis, RotationEvent } from '../record/index.ts'

/** One key of the notary, from when on. */
export interface KeyTerm<Key> {
  readonly key: Key
  readonly thumbprint: Uint8Array
  /** Index of the record that names it; what it signs begins with the block after, but for the genesis key. */
  readonly since: number
}

/** All keys that the notary ever had, oldest first; the last one of each is in force. Empty before the genesis record. */
export interface NotaryKeyHistory {
  /** ECDSA P-256: block headers, key exchanges, statements of identity. */
  readonly brokers: readonly KeyTerm<P256PublicKey>[]
  /** Ed25519, 32 bytes: checkpoints. */
  readonly logs: readonly KeyTerm<Uint8Array>[]
}

/** The keys of the notary itself, as genesis record and rotations say. */
export class NotaryKeys implements NotaryKeyHistory {
  readonly #crypto: CryptoProvider
  #brokers: readonly KeyTerm<P256PublicKey>[] = []
  #logs: readonly KeyTerm<Uint8Array>[] = []

  constructor(crypto: CryptoProvider) {
    this.#crypto = crypto
  }

  get brokers(): readonly KeyTerm<P256PublicKey>[] {
    return this.#brokers
  }

  get logs(): readonly KeyTerm<Uint8Array>[] {
    return this.#logs
  }

  /** The key that signs the next header. */
  get broker(): P256PublicKey | undefined {
    return this.#brokers.at(-1)?.key
  }

  /**
   * The key that signs the header of the block whose first record has this index.
   * @throws {RangeError} before the genesis record
   */
  brokerAt(firstIndex: number): P256PublicKey {
    const term = this.#brokers.findLast(({ since }) => since < firstIndex) ?? this.#brokers[0]
    if (term === undefined) throw new RangeError('the chain has not begun')
    return term.key
  }

  /** Whether the notary has, or had, this broker key. */
  hasBroker(thumbprint: Uint8Array): boolean {
    return this.#brokers.some((term) => bytesEqual(term.thumbprint, thumbprint))
  }

  begin({ brokerKey, logKey }: Pick<Genesis, 'brokerKey' | 'logKey'>): void {
    this.#brokers = [{ key: brokerKey, thumbprint: thumbprintOfP256(brokerKey, this.#crypto), since: 0 }]
    this.#logs = [{ key: logKey, thumbprint: thumbprintOfEd25519(logKey, this.#crypto), since: 0 }]
  }

  /** Takes what was found in a snapshot. */
  restore({ brokers, logs }: NotaryKeyHistory): void {
    this.#brokers = brokers
    this.#logs = logs
  }

  /** Replaces a key; false when the event contradicts what came before it. A key that was replaced never comes back. */
  rotate(event: RotationEvent, index: number): boolean {
    const { thumbprint, replaces } = event
    if (event.action === 'broker-key') {
      const isItsOwn = bytesEqual(thumbprintOfP256(event.key, this.#crypto), thumbprint)
      if (!isItsOwn || !follows(this.#brokers, thumbprint, replaces)) return false
      this.#brokers = [...this.#brokers, { key: event.key, thumbprint, since: index }]
    } else {
      const isItsOwn = bytesEqual(thumbprintOfEd25519(event.key, this.#crypto), thumbprint)
      if (!isItsOwn || !follows(this.#logs, thumbprint, replaces)) return false
      this.#logs = [...this.#logs, { key: event.key, thumbprint, since: index }]
    }
    return true
  }
}

function follows(terms: readonly KeyTerm<unknown>[], thumbprint: Uint8Array, replaces: Uint8Array): boolean {
  const current = terms.at(-1)
  const isNew = terms.every((term) => !bytesEqual(term.thumbprint, thumbprint))
  return isNew && current !== undefined && bytesEqual(current.thumbprint, replaces)
}
