import type { RefusalCause } from '../../protocol/index.ts'
import type { AuditChain } from '../audit-chain/index.ts'
import { nativeCrypto } from '../native-crypto.ts'
import type { AdmissionRules } from './admission.ts'
import type { Lane } from './lane.ts'
import { PublishPolicy } from './policy.ts'
import type { IncomingPublish, Verdict, VerifiedPublish } from './publish.ts'
import { type FlowVerdict, type Outlet, PublishFlow } from './publish-flow.ts'
import { PublishCounters } from './refusals.ts'
import { RulesInForce } from './rules-in-force.ts'
import { defaultClockSkewMs, PublishVerifier, type VerifySignature, verifyOnThreadPool } from './verifier.ts'

export interface PublishGateOptions {
  /** Where accepted publishes are recorded. */
  readonly chain: AuditChain
  /** Topics that ask for something. Default: none. */
  readonly rules?: RulesInForce
  /** Verifies off the main thread. Default: OpenSSL on the thread pool. */
  readonly verifySignature?: VerifySignature
  /** How far the signed time may lie ahead of our clock. Default 5 minutes. */
  readonly clockSkewMs?: () => number
  /** Told of what cannot be thrown to anyone. */
  readonly onError?: (error: unknown) => void
  /** Wall clock in milliseconds; for tests. */
  readonly now?: () => number
}

/**
 * The way of every publish: verify, keep the order of its client, then record; its outlet hears what came of it when
 * that is durable. Knows nothing of Aedes.
 */
export class PublishGate implements AdmissionRules {
  readonly counters = new PublishCounters()
  readonly chain: AuditChain
  readonly rules: RulesInForce
  readonly onError: (error: unknown) => void
  readonly now: () => number
  readonly #verifier: PublishVerifier

  constructor(options: PublishGateOptions) {
    this.chain = options.chain
    this.onError = options.onError ?? (() => {})
    this.now = options.now ?? Date.now
    this.rules = options.rules ?? new RulesInForce(new PublishPolicy([]))
    this.#verifier = new PublishVerifier({
      chain: options.chain,
      rules: this.rules,
      crypto: nativeCrypto,
      verifySignature: options.verifySignature ?? verifyOnThreadPool,
      clockSkewMs: options.clockSkewMs ?? (() => defaultClockSkewMs),
      now: this.now,
    })
  }

  /** @returns a promise only when a signature has to be verified */
  verify(publish: IncomingPublish): Verdict | Promise<Verdict> {
    return this.#verifier.verify(publish)
  }

  /**
   * Sends a publish on its way to the sequencer, behind everything that entered the lane before.
   * @param judge what to think of it; a check that throws, now or later, refuses: `hook-failed`
   */
  submit(
    publish: IncomingPublish | undefined,
    lane: Lane,
    outlet: Outlet,
    judge: () => FlowVerdict | Promise<FlowVerdict>,
  ): void {
    const flow = new PublishFlow(this, publish, outlet)
    let verdict: FlowVerdict | Promise<FlowVerdict>
    try {
      verdict = judge()
    } catch (error) {
      this.onError(error)
      verdict = { cause: 'hook-failed' }
    }
    if (!(verdict instanceof Promise)) {
      flow.verdict = verdict
      lane.run(() => this.#enter(flow))
      return
    }
    const leaveLane = lane.enter()
    const finish = (settled: FlowVerdict) => {
      flow.verdict = settled
      leaveLane(() => this.#enter(flow))
    }
    verdict.then(finish, (error) => {
      this.onError(error)
      finish({ cause: 'hook-failed' })
    })
  }

  /** The key of a publish signed something else under the same number: both go into the chain, as evidence. */
  reportReuse({ publish, signature }: VerifiedPublish, acceptedIndex: number): void {
    if (signature === undefined) return
    const { signer, envelope, contentDigest } = signature
    if (signer.window.isReuseReported(envelope.seq)) return
    const { clientId, username, auth, listener } = publish.publisher
    const requester = username === undefined ? { clientId, auth, listener } : { clientId, username, auth, listener }
    const topic = publish.signedTopic ?? publish.topic
    this.chain.reportSeqReuse({ signer, envelope, topic, contentDigest, acceptedIndex, requester }).catch(this.onError)
  }

  /** Everything goes through the sequencer, refusals too: that keeps the answers to one client in order. */
  #enter(flow: PublishFlow): void {
    try {
      this.chain.submit(flow)
    } catch (error) {
      // The store failed or is closed. What became of publishes before this one is unknown, so this one is not
      // answered either: a refusal would be final for the client, an acknowledgement a lie.
      this.onError(error)
    }
  }
}

/** Counts a refusal and puts it in the words of {@link Refusal}. */
export function refusalOf(gate: PublishGate, cause: RefusalCause, publish: IncomingPublish) {
  gate.counters.countRefusal(cause)
  const { publisher, topic, qos, payload } = publish
  return { cause, publisher, topic, qos, payloadBytes: payload.length, timeMs: gate.now() }
}
