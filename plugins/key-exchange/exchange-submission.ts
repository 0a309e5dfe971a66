import {
  answerKeyExchange,
  type BrokerSession,
  bytesEqual,
  type CryptoProvider,
  type ReceivedKeyExchangeRequest,
  type RefusalCause,
  type SigningKey,
  sessionRecord,
} from '../../protocol/index.ts'
import type { Decision, Submission } from '../audit-chain/index.ts'
import { keyRefusal } from '../authorize-publish/signer-rules.ts'
import type { RegisteredKey } from '../key-registry/index.ts'
import type { ExchangeAnswer, ExchangeRequester } from './key-exchange-service.ts'
import type { MacSession, MacSessionFields } from './mac-session.ts'

/** A request whose signature is good, with all that its answer is made of. */
export interface VerifiedExchange {
  /** The request as it came. */
  readonly message: Uint8Array
  readonly request: ReceivedKeyExchangeRequest
  /** SHA-256 of the Sig_structure. */
  readonly contentDigest: Uint8Array
  readonly requester: ExchangeRequester
  readonly signer: RegisteredKey
  /** Where the session goes. */
  readonly sessions: { begin(fields: MacSessionFields): MacSession | undefined }
  readonly brokerKey: SigningKey
  readonly crypto: CryptoProvider
  readonly now: () => number
  readonly sessionLifetimeMs: number
  readonly onError: (error: unknown) => void
  /** `repeated`: this very request was accepted before. */
  readonly onSettled: (answer: ExchangeAnswer | 'repeated') => void
}

/** What came of it when it got its index. */
type Outcome =
  | { readonly kind: 'agreed'; readonly agreed: BrokerSession; readonly expiresAtMs: number }
  | { readonly kind: 'repeated' }
  | { readonly kind: 'refused'; readonly cause: RefusalCause }

/** Memory that a request holds while it waits, beside its bytes. */
const overheadBytes = 1024

/** One key exchange on its way through the sequencer. */
export class ExchangeSubmission implements Submission {
  readonly bytes: number
  readonly #exchange: VerifiedExchange
  #outcome: Outcome = { kind: 'refused', cause: 'hook-failed' }

  constructor(exchange: VerifiedExchange) {
    this.#exchange = exchange
    this.bytes = exchange.message.length + overheadBytes
  }

  decide(index: number, timeMs: number): Decision | undefined {
    try {
      return this.#decide(index, timeMs)
    } catch (error) {
      this.#exchange.onError(error)
      return undefined
    }
  }

  settle(): void {
    const { sessions, signer, request, requester, onSettled, onError } = this.#exchange
    try {
      const outcome = this.#outcome
      if (outcome.kind === 'repeated') onSettled('repeated')
      else if (outcome.kind === 'refused') onSettled({ cause: outcome.cause })
      else {
        const { agreed, expiresAtMs } = outcome
        const { clientId } = requester
        const session = sessions.begin({ agreed, signer, clientId, expiresAtMs, requestDigest: request.digest })
        onSettled({ response: agreed.message, session })
      }
    } catch (error) {
      onError(error)
    }
  }

  #decide(index: number, timeMs: number): Decision | undefined {
    const { signer, request, message, requester, contentDigest } = this.#exchange
    const { seq, timeMs: signedTimeMs } = request.envelope
    const refusal = keyRefusal(signer, request.envelope, requester, index)
    const cause = refusal ?? (signer.window.isTooOld(seq) ? 'seq-too-old' : undefined)
    if (cause !== undefined) return this.#refuse(cause)
    const earlier = signer.window.find(seq)
    if (earlier !== undefined) {
      if (!bytesEqual(earlier.contentDigest, contentDigest)) return this.#refuse('seq-reuse')
      this.#outcome = { kind: 'repeated' }
      return undefined
    }
    const { agreed, expiryMs } = this.#agree(Math.max(signer.window.highest, seq))
    const { thumbprint } = signer
    const { sid, digest: responseDigest } = agreed
    const record = sessionRecord(
      { thumbprint, seq, signedTimeMs, contentDigest, request: message, sid, expiryMs, responseDigest },
      requester,
      timeMs,
    )
    // Last, when nothing can go wrong any more: a request that is not recorded does not consume its number.
    signer.window.accept(seq, { index, contentDigest, qos: 0, retain: false })
    this.#outcome = { kind: 'agreed', agreed, expiresAtMs: expiryMs }
    return { record }
  }

  #agree(highestSeq: number) {
    const { request, requester, brokerKey, crypto, now, sessionLifetimeMs } = this.#exchange
    const brokerTimeMs = now()
    const expiryMs = brokerTimeMs + sessionLifetimeMs
    const { clientId } = requester
    const agreed = answerKeyExchange(brokerKey, request, { clientId, expiryMs, brokerTimeMs, highestSeq }, crypto)
    return { agreed, expiryMs }
  }

  #refuse(cause: RefusalCause): undefined {
    this.#outcome = { kind: 'refused', cause }
    return undefined
  }
}
