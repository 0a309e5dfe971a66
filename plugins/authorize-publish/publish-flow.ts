import type { AedesOptions, Client, PublishPacket } from 'aedes'
import type { RefusalCause } from '../../protocol/index.ts'
import { isGone, isWill, publishForGoneClient, sinkPacket } from '../aedes-seams.ts'
import type { Decision, StoreOperation, Submission } from '../audit-chain/index.ts'
import { nativeCrypto } from '../native-crypto.ts'
import { admit } from './admission.ts'
import { type IncomingPublish, isRefused, type Verdict } from './publish.ts'
import type { Settled } from './qos2.ts'
import type { PublishCounters } from './refusals.ts'

/** The engine's callback of `authorizePublish`. */
export type Answer = Parameters<NonNullable<AedesOptions['authorizePublish']>>[2]

/** A v5 peer sees this as Reason String: the same for every cause, so that a refusal tells nothing about keys. */
const refusalText = 'not authorized'

/** Who sent a flow on its way. */
export interface FlowOwner {
  readonly counters: PublishCounters
  /** Counts and tells a refusal. */
  refuse(cause: RefusalCause, flow: PublishFlow): void
  reportError(error: unknown): void
}

/**
 * What is known of a publish when it leaves its lane. `consumed`: to be acknowledged only. `recorded`: to be delivered,
 * since a crash came between its record and the engine.
 */
export type FlowVerdict = Verdict | 'consumed' | 'recorded'

/** One publish on its way through the sequencer. */
export class PublishFlow implements Submission {
  readonly client: Client | null
  publish: IncomingPublish | undefined
  verdict: FlowVerdict = { cause: 'hook-failed' }
  onSettled: Settled | undefined
  /** To be written with the record. */
  also: readonly StoreOperation[] = []
  readonly #owner: FlowOwner
  readonly #packet: PublishPacket
  readonly #answer: Answer
  #result: 'deliver' | 'acknowledge' | RefusalCause = 'hook-failed'

  constructor(owner: FlowOwner, client: Client | null, packet: PublishPacket, answer: Answer) {
    this.client = client
    this.#owner = owner
    this.#packet = packet
    this.#answer = answer
  }

  get bytes(): number {
    return 512 + this.#packet.topic.length + (this.publish?.payload.length ?? 0)
  }

  decide(index: number, timeMs: number): Decision | undefined {
    try {
      if (this.verdict === 'consumed' || this.verdict === 'recorded') {
        this.#result = this.verdict === 'consumed' ? 'acknowledge' : 'deliver'
        return undefined
      }
      if (isRefused(this.verdict)) {
        this.#result = this.verdict.cause
        return undefined
      }
      const admission = admit(this.verdict, index, timeMs, nativeCrypto)
      if (admission.kind === 'record') {
        this.#result = 'deliver'
        this.#owner.counters.accepted++
        return { ...admission.record, also: this.also }
      }
      if (admission.kind === 'duplicate') this.#owner.counters.duplicates++
      this.#result = admission.kind === 'refused' ? admission.cause : 'acknowledge'
      return undefined
    } catch (error) {
      this.#owner.reportError(error)
      this.#result = 'hook-failed'
      return undefined
    }
  }

  settle(): void {
    try {
      if (this.#result === 'deliver') this.#deliver()
      else if (this.#result === 'acknowledge') this.#acknowledge()
      else this.#refuse(this.#result)
    } catch (error) {
      this.#owner.reportError(error)
    } finally {
      const result = this.#result
      this.onSettled?.(result === 'deliver' || result === 'acknowledge' ? undefined : result)
    }
  }

  #deliver(): void {
    const { client } = this
    const isVanished = client !== null && !isWill(this.#packet) && isGone(client)
    // QoS 0 and 2 are routed by the engine before it tries to answer; QoS 1 after, so never.
    if (isVanished && this.#packet.qos === 1) {
      publishForGoneClient(client, this.#packet, (error) => this.#owner.reportError(error))
    } else {
      this.#answer(null)
    }
  }

  #acknowledge(): void {
    sinkPacket(this.#packet)
    this.#answer(null)
  }

  #refuse(cause: RefusalCause): void {
    this.#owner.refuse(cause, this)
    // Asked of the packet: when reading it failed there is no `publish`.
    const canBeTold = this.client?.version === 5 && !isWill(this.#packet)
    if (canBeTold) this.#answer(new Error(refusalText))
    else this.#acknowledge()
  }
}
