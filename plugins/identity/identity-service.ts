import {
  type CryptoProvider,
  isIdentityNonce,
  type P256PrivateKey,
  type RefusalCause,
  signIdentityStatement,
} from '../../protocol/index.ts'
import { nativeCrypto } from '../native-crypto.ts'
import { RefusalCounters } from '../refusal-counters.ts'
import { type Rate, TokenBucket } from '../token-bucket.ts'

const defaultRatePerConnection: Rate = { perSecond: 1, burst: 5 }
/** Of all connections together: each answer is a signature. */
const defaultRateOfAll: Rate = { perSecond: 500, burst: 500 }

export interface IdentityServiceOptions {
  /** The identity key. */
  readonly brokerKey: P256PrivateKey
  /** Name of the log. */
  readonly brokerId: string
  /** Newest checkpoint; undefined while there is none. */
  readonly checkpoint?: () => string | undefined
  readonly crypto?: CryptoProvider
  /** Milliseconds. */
  readonly now?: () => number
  readonly ratePerConnection?: Rate
  readonly rateOfAll?: Rate
}

/** The connection that asks. */
export interface IdentityRequester {
  readonly clientId: string
  /** SHA-256 of the certificate (DER) that the server showed on this connection; undefined without TLS. */
  readonly certificateSha256: Uint8Array | undefined
}

/** The signed statement, or why there is none. */
export type IdentityAnswer = { readonly response: Uint8Array } | { readonly cause: RefusalCause }

/**
 * Proves to whoever asks who the broker is: signs his nonce together with the certificate of his connection. Anybody may
 * ask, so it is limited how often.
 */
export class IdentityService {
  readonly counters = new RefusalCounters()
  readonly #options: IdentityServiceOptions
  readonly #crypto: CryptoProvider
  readonly #now: () => number
  readonly #ofAll: TokenBucket
  readonly #ofConnections = new WeakMap<object, TokenBucket>()

  constructor(options: IdentityServiceOptions) {
    this.#options = options
    this.#crypto = options.crypto ?? nativeCrypto
    this.#now = options.now ?? Date.now
    this.#ofAll = new TokenBucket(options.rateOfAll ?? defaultRateOfAll, this.#now)
  }

  /**
   * @param nonce attacker-controlled bytes
   * @param connection whose rate it is
   */
  answer(nonce: Uint8Array, requester: IdentityRequester, connection: object): IdentityAnswer {
    const answer = this.#answer(nonce, requester, connection)
    this.counters.count(answer)
    return answer
  }

  #answer(nonce: Uint8Array, requester: IdentityRequester, connection: object): IdentityAnswer {
    if (!this.#rateOf(connection).take() || !this.#ofAll.take()) return { cause: 'too-busy' }
    if (!isIdentityNonce(nonce)) return { cause: 'request-malformed' }
    const { brokerKey, brokerId, checkpoint } = this.#options
    const { clientId, certificateSha256 } = requester
    const statement = { nonce, brokerId, checkpoint: checkpoint?.(), certificateSha256 }
    return { response: signIdentityStatement(brokerKey, clientId, statement, this.#crypto) }
  }

  #rateOf(connection: object): TokenBucket {
    const known = this.#ofConnections.get(connection)
    if (known !== undefined) return known
    const rate = new TokenBucket(this.#options.ratePerConnection ?? defaultRatePerConnection, this.#now)
    this.#ofConnections.set(connection, rate)
    return rate
  }
}
