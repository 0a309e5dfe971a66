import {
  type CryptoProvider,
  externalAad,
  isKidOf,
  type P256PrivateKey,
  ProtocolError,
  parseKeyExchangeRequest,
  type ReceivedKeyExchangeRequest,
  type RefusalCause,
  type Requester,
  requestTopic,
  type SigningKey,
  sigStructure,
} from '../../protocol/index.ts'
import type { AuditChain } from '../audit-chain/index.ts'
import { keyRefusal } from '../authorize-publish/signer-rules.ts'
import { defaultClockSkewMs, type VerifySignature, verifyOnThreadPool } from '../authorize-publish/verifier.ts'
import type { RegisteredKey } from '../key-registry/index.ts'
import { nativeCrypto } from '../native-crypto.ts'
import { RefusalCounters } from '../refusal-counters.ts'
import { TokenBucket } from '../token-bucket.ts'
import { ExchangeSubmission } from './exchange-submission.ts'
import type { MacSession } from './mac-session.ts'
import { MacSessions, type SessionTally } from './mac-sessions.ts'
import { SocketSessions } from './socket-sessions.ts'

const defaultSessionLifetimeMs = 60 * 60 * 1000
/** Exchanges on their way at a time, all connections together; each costs a signature and several multiplications. */
const defaultMaxRunning = 64
/** Of one connection. */
const ratePerConnection = { perSecond: 1, burst: 3 } as const

export interface KeyExchangeServiceOptions {
  readonly chain: Pick<AuditChain, 'registry' | 'nextIndex' | 'submit'>
  /** The identity key, which signs the answers. */
  readonly brokerKey: P256PrivateKey
  /** Its thumbprint, 32 bytes. */
  readonly brokerThumbprint: Uint8Array
  /** Told of what is ours and cannot be thrown to anyone. */
  readonly onError: (error: unknown) => void
  /** Default: OpenSSL on the thread pool. */
  readonly verifySignature?: VerifySignature
  readonly crypto?: CryptoProvider
  /** Wall clock, milliseconds. */
  readonly now?: () => number
  /** From the exchange to its expiry. Default: one hour. */
  readonly sessionLifetimeMs?: number
  /** Default: five minutes. */
  readonly clockSkewMs?: () => number
  /** Default 64. */
  readonly maxRunning?: number
}

/** Who asks on a connection, and how his name was proved. */
export interface ExchangeRequester extends Requester {
  readonly clientId: string
}

/** The answer to send, or why there is none. */
export type ExchangeAnswer =
  | { readonly response: Uint8Array; readonly session: MacSession | undefined }
  | { readonly cause: RefusalCause }

/** Sessions of one MQTT connection, and how often it may ask. */
export interface ExchangeConnection {
  readonly sessions: MacSessions
  readonly rate: TokenBucket
}

/**
 * Agrees on session keys with clients: ephemeral ECDH, both sides signed (design section 4). Every check that is cheap
 * comes before the signature; the sequencer decides when the request gets its index; the answer goes out and the session
 * lives when its record is durable.
 */
export class KeyExchangeService {
  /** Requests; one that is answered again is accepted again. */
  readonly counters = new RefusalCounters()
  readonly #chain: KeyExchangeServiceOptions['chain']
  readonly #signer: SigningKey
  readonly #crypto: CryptoProvider
  readonly #verifySignature: VerifySignature
  readonly #now: () => number
  readonly #onError: (error: unknown) => void
  readonly #sessionLifetimeMs: number
  readonly #clockSkewMs: () => number
  readonly #maxRunning: number
  readonly #socketSessions: SocketSessions
  readonly #tally: SessionTally = { live: 0 }
  #running = 0

  constructor(options: KeyExchangeServiceOptions) {
    this.#chain = options.chain
    this.#signer = { key: options.brokerKey, thumbprint: options.brokerThumbprint }
    this.#crypto = options.crypto ?? nativeCrypto
    this.#verifySignature = options.verifySignature ?? verifyOnThreadPool
    this.#now = options.now ?? Date.now
    this.#onError = options.onError
    this.#sessionLifetimeMs = options.sessionLifetimeMs ?? defaultSessionLifetimeMs
    this.#clockSkewMs = options.clockSkewMs ?? (() => defaultClockSkewMs)
    this.#maxRunning = options.maxRunning ?? defaultMaxRunning
    this.#socketSessions = new SocketSessions(this.#now, this.#tally)
  }

  /**
   * What a connection keeps while it lasts; its `sessions` are to be closed with it.
   * @param clientId whose sessions from sockets may be used on it too
   */
  connect(clientId: string): ExchangeConnection {
    const elsewhere = (sid: Uint8Array) => this.#socketSessions.find(clientId, sid)
    const sessions = new MacSessions(this.#now, this.#tally, elsewhere)
    return { sessions, rate: new TokenBucket(ratePerConnection, this.#now) }
  }

  /** Sessions that are live, of all connections and sockets. */
  get liveSessions(): number {
    return this.#tally.live
  }

  /** Ends the sessions that belong to no connection. */
  close(): void {
    this.#socketSessions.close()
  }

  /**
   * Answers a request that came over MQTT. The same request again gets the same answer while its session lives.
   * Rejects when the chain takes nothing any more, or the check of a signature failed.
   * @param message attacker-controlled bytes
   */
  async answer(
    message: Uint8Array,
    requester: ExchangeRequester,
    connection: ExchangeConnection,
  ): Promise<ExchangeAnswer> {
    const answer = await this.#answerMqtt(message, requester, connection)
    this.counters.count(answer)
    return answer
  }

  async #answerMqtt(
    message: Uint8Array,
    requester: ExchangeRequester,
    { sessions, rate }: ExchangeConnection,
  ): Promise<ExchangeAnswer> {
    if (!rate.take()) return { cause: 'too-busy' }
    const request = this.#parse(message)
    if (request === undefined) return { cause: 'request-malformed' }
    const { clientId } = requester
    if (request.clientId !== undefined && request.clientId !== clientId) return { cause: 'exchange-not-for-us' }
    const earlier = sessions.responseTo(request.digest)
    if (earlier !== undefined) return { response: earlier, session: undefined }
    const answer = await this.#exchange(request, message, requester, sessions)
    if (answer !== 'repeated') return answer
    // Its twin was on the way when this one came; or the session is over, and with it what the answer was good for.
    const response = sessions.responseTo(request.digest)
    return response === undefined ? { cause: 'mac-session-unknown' } : { response, session: undefined }
  }

  /**
   * Answers a request that came over a socket: who asks is what the request says. One per socket, and a repeated one is
   * refused: whoever recorded a link could play it again under the same keys.
   */
  async answerOnSocket(message: Uint8Array, requester: Omit<Requester, 'clientId'>): Promise<ExchangeAnswer> {
    const answer = await this.#answerSocket(message, requester)
    this.counters.count(answer)
    return answer
  }

  async #answerSocket(message: Uint8Array, requester: Omit<Requester, 'clientId'>): Promise<ExchangeAnswer> {
    const request = this.#parse(message)
    if (request === undefined) return { cause: 'request-malformed' }
    const { clientId } = request
    if (clientId === undefined || clientId === '') return { cause: 'exchange-not-for-us' }
    const answer = await this.#exchange(request, message, { ...requester, clientId }, this.#socketSessions)
    return answer === 'repeated' ? { cause: 'mac-session-unknown' } : answer
  }

  #parse(message: Uint8Array): ReceivedKeyExchangeRequest | undefined {
    try {
      return parseKeyExchangeRequest(message, this.#crypto)
    } catch (error) {
      if (error instanceof ProtocolError) return undefined
      throw error
    }
  }

  async #exchange(
    request: ReceivedKeyExchangeRequest,
    message: Uint8Array,
    requester: ExchangeRequester,
    sessions: Pick<MacSessions, 'begin'>,
  ): Promise<ExchangeAnswer | 'repeated'> {
    if (this.#running >= this.#maxRunning) return { cause: 'too-busy' }
    this.#running++
    try {
      const { envelope } = request
      const signer = this.#chain.registry.resolve(envelope.kid)
      if (signer === undefined) return { cause: 'unknown-key' }
      const problem = this.#cheapProblem(request, signer, requester)
      if (problem !== undefined) return { cause: problem }
      const aad = externalAad(requestTopic.keyExchange)
      const toBeSigned = sigStructure(envelope.sign1.protectedBytes, aad, envelope.payload)
      const { signature } = envelope.sign1
      const isValid = await this.#verifySignature(sessions, { key: signer.key, message: toBeSigned, signature })
      if (!isValid) return { cause: 'signature-invalid' }
      return await new Promise((resolve) => {
        const submission = new ExchangeSubmission({
          message,
          request,
          contentDigest: this.#crypto.sha256(toBeSigned),
          requester,
          signer,
          sessions,
          brokerKey: this.#signer,
          crypto: this.#crypto,
          now: this.#now,
          sessionLifetimeMs: this.#sessionLifetimeMs,
          onError: this.#onError,
          onSettled: resolve,
        })
        this.#chain.submit(submission)
      })
    } finally {
      this.#running--
    }
  }

  /** What can be told before the signature was looked at; the sequencer asks again what may change meanwhile. */
  #cheapProblem(
    { envelope, brokerKid }: ReceivedKeyExchangeRequest,
    signer: RegisteredKey,
    requester: ExchangeRequester,
  ): RefusalCause | undefined {
    const refusal = keyRefusal(signer, envelope, requester, this.#chain.nextIndex)
    if (refusal !== undefined) return refusal
    if (brokerKid !== undefined && !isKidOf(brokerKid, this.#signer.thumbprint)) return 'exchange-not-for-us'
    if (signer.window.isTooOld(envelope.seq)) return 'seq-too-old'
    if (signer.hasClock && envelope.timeMs > this.#now() + this.#clockSkewMs()) return 'signed-in-future'
    return undefined
  }
}
