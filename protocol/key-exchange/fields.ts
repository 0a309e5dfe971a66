import { type CborKey, type CborValue, decodeCbor } from '../cbor/index.ts'
import { type P256PublicKey, p256FromCoseKey } from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'

/** Longest message of either direction, in bytes; looked at before anything else, as nobody is proven yet. */
export const maxKeyExchangeBytes = 4096

/** Bytes of the nonce that each side adds. */
export const nonceBytes = 16

/** Refuses what is longer than any message of the exchange. */
export function checkMessageSize(message: Uint8Array): void {
  if (message.length > maxKeyExchangeBytes) throw malformedExchange('longer than a message of the exchange can be')
}

export function malformedExchange(what: string): ProtocolError {
  return new ProtocolError('ERR_KEY_EXCHANGE_MALFORMED', `not a key exchange message: ${what}`)
}

/** The payload map of a message, read field by field; each field has to be asked for, no other may be there. */
export class ExchangeFields {
  readonly #fields: ReadonlyMap<CborKey, CborValue>
  #read = 0

  /** @throws {ProtocolError} ERR_CBOR_*, ERR_KEY_EXCHANGE_MALFORMED */
  constructor(payload: Uint8Array) {
    const fields = decodeCbor(payload)
    if (!(fields instanceof Map)) throw malformedExchange('the payload is no map')
    this.#fields = fields
  }

  has(label: number): boolean {
    return this.#fields.has(label)
  }

  /** A point of the curve. @throws {ProtocolError} ERR_KEY_UNSUPPORTED, ERR_KEY_INVALID */
  key(label: number, crypto: CryptoProvider): P256PublicKey {
    return p256FromCoseKey(this.#take(label), crypto)
  }

  bytes(label: number, min: number, max = min): Uint8Array {
    const value = this.#take(label)
    if (value instanceof Uint8Array && value.length >= min && value.length <= max) return value
    throw malformedExchange(`field ${label}`)
  }

  text(label: number): string {
    const value = this.#take(label)
    if (typeof value === 'string') return value
    throw malformedExchange(`field ${label}`)
  }

  uint(label: number): number {
    const value = this.#take(label)
    if (typeof value === 'number' && value >= 0) return value
    throw malformedExchange(`field ${label}`)
  }

  /** Refuses fields that nobody asked for. */
  end(): void {
    if (this.#read !== this.#fields.size) throw malformedExchange('a field that is not known')
  }

  #take(label: number): CborValue {
    const value = this.#fields.get(label)
    if (value === undefined) throw malformedExchange(`field ${label}`)
    this.#read++
    return value
  }
}
