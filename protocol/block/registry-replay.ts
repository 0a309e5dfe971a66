import { bytesEqual, toHex } from '../bytes.ts'
import { type P256PublicKey, thumbprintOfP256 } from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { type ChainRecord, parseKeyEvent } from '../record/index.ts'
import { ReplayWindow } from '../replay/window.ts'

interface KnownKey {
  readonly key: P256PublicKey
  readonly window: ReplayWindow
  revoked: boolean
}

/** The key registry and the replay windows as the chain itself tells them, while it is walked from the start. */
export class RegistryReplay {
  readonly #crypto: CryptoProvider
  readonly #keys = new Map<string, KnownKey>()
  readonly #names = new Set<string>()

  constructor(crypto: CryptoProvider) {
    this.#crypto = crypto
  }

  /** Applies a key event; false when it contradicts what came before it. @throws {ProtocolError} when malformed */
  applyKeyEvent(record: ChainRecord): boolean {
    const event = parseKeyEvent(record, this.#crypto)
    const id = toHex(event.thumbprint)
    const known = this.#keys.get(id)
    if (event.action === 'revoke') {
      if (known === undefined || known.revoked) return false
      known.revoked = true
      return true
    }
    if (known !== undefined || this.#names.has(event.name)) return false
    if (!bytesEqual(thumbprintOfP256(event.key, this.#crypto), event.thumbprint)) return false
    this.#keys.set(id, { key: event.key, window: new ReplayWindow(), revoked: false })
    this.#names.add(event.name)
    return true
  }

  /** The key, if it may sign at this point of the chain. */
  signer(thumbprint: Uint8Array): P256PublicKey | undefined {
    const known = this.#keys.get(toHex(thumbprint))
    return known === undefined || known.revoked ? undefined : known.key
  }

  /** Enters an accepted sequence number; false when it was accepted before or lies below the window. */
  acceptSeq(record: ChainRecord, index: number): boolean {
    const { thumbprint, seq, contentDigest } = record
    if (thumbprint === undefined || seq === undefined || contentDigest === undefined) return false
    const window = this.#keys.get(toHex(thumbprint))?.window
    if (window === undefined || window.isTooOld(seq) || window.find(seq) !== undefined) return false
    window.accept(seq, { index, contentDigest, qos: record.qos ?? 0, retain: record.retain ?? false })
    return true
  }
}
