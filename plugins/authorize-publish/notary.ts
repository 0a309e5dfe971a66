import type { AedesOptions, Client, PublishPacket } from 'aedes'
import { isBrokerTopic, type RefusalCause } from '../../protocol/index.ts'
import { isWill, recordedProperties, userPropertiesOf } from '../aedes-seams.ts'
import type { AuditChain } from '../audit-chain/index.ts'
import { nativeCrypto } from '../native-crypto.ts'
import { Lane } from './lane.ts'
import { type ProtectRule, PublishPolicy } from './policy.ts'
import type { IncomingPublish, Publisher } from './publish.ts'
import { type Answer, type FlowOwner, type FlowVerdict, PublishFlow } from './publish-flow.ts'
import { OpenQos2, type Qos2Marks } from './qos2.ts'
import { PublishCounters, type Refusal } from './refusals.ts'
import { PublishVerifier } from './verifier.ts'

type AuthorizePublish = NonNullable<AedesOptions['authorizePublish']>

export interface NotaryOptions {
  /** Where accepted publishes are recorded. */
  readonly chain: AuditChain
  /** Topics that ask for a signature. Default: none. */
  readonly protect?: readonly ProtectRule[]
  /** The same, made already; instead of `protect`. */
  readonly policy?: PublishPolicy
  /** Who a client is. Default: its client id, with nothing proved. */
  readonly publisherOf?: (client: Client) => Publisher
  /** Takes publishes to request topics below `$notary/`; false when there is no such service. */
  readonly onRequest?: (client: Client, packet: PublishPacket) => boolean
  /** Where recorded QoS 2 publishes are remembered across a crash; without it, one may be recorded twice then. */
  readonly qos2Marks?: Qos2Marks
  /** Told of every refusal. */
  readonly onRefused?: (refusal: Refusal, client: Client | null) => void
  /** Told of what cannot be thrown to anyone. */
  readonly onError?: (error: unknown) => void
  /** Wall clock in milliseconds; for tests. */
  readonly now?: () => number
}

/** What a hook needs to give to Aedes, and what it counted. */
export interface Notary {
  readonly authorizePublish: AuthorizePublish
  readonly counters: PublishCounters
}

/**
 * The hook for Aedes: verify, then record, then let the engine acknowledge and deliver.
 *
 * Aedes 2.0.0-beta.1 acknowledges QoS 1 before it stores or routes anything, so both belong inside `authorizePublish`,
 * and its callbacks run in the order of the publishes of a client. Wills come through it, perhaps without a client; a
 * QoS 2 retransmission comes through it again; what the broker itself publishes does not. The engine reads on from a
 * socket only when the publishes it read are answered: that is the back-pressure.
 */
export function createNotary(options: NotaryOptions): Notary {
  const notary = new PublishNotary(options)
  return {
    counters: notary.counters,
    authorizePublish: (client, packet, answer) => notary.take(client, packet, answer),
  }
}

class PublishNotary implements FlowOwner {
  readonly counters = new PublishCounters()
  readonly #options: NotaryOptions
  readonly #verifier: PublishVerifier
  readonly #lanes = new WeakMap<Client, Lane>()
  readonly #orphanLane = new Lane()
  readonly #openQos2: OpenQos2
  readonly #onError: (error: unknown) => void
  readonly #now: () => number

  constructor(options: NotaryOptions) {
    this.#options = options
    this.#onError = options.onError ?? (() => {})
    this.#now = options.now ?? Date.now
    this.#openQos2 = new OpenQos2(options.qos2Marks)
    this.#verifier = new PublishVerifier({
      registry: options.chain.registry,
      policy: options.policy ?? new PublishPolicy(options.protect ?? []),
      crypto: nativeCrypto,
      now: this.#now,
    })
  }

  take(client: Client | null, packet: PublishPacket, answer: Answer): void {
    const flow = new PublishFlow(this, client, packet, answer)
    const leaveLane = this.#laneOf(client).enter()
    const finish = (verdict: FlowVerdict) =>
      leaveLane(() => {
        flow.verdict = verdict
        this.#submit(flow)
      })
    // A check that throws, now or later, refuses; it must not end the process or leave the lane blocked.
    const fail = (error: unknown) => {
      this.#onError(error)
      finish({ cause: 'hook-failed' })
    }
    try {
      const verdict = this.#judge(flow, client, packet)
      if (verdict instanceof Promise) verdict.then(finish, fail)
      else finish(verdict)
    } catch (error) {
      fail(error)
    }
  }

  #judge(flow: PublishFlow, client: Client | null, packet: PublishPacket): FlowVerdict | Promise<FlowVerdict> {
    flow.publish = this.#incoming(client, packet)
    if (isBrokerTopic(packet.topic)) {
      const isTaken = client !== null && !flow.publish.isWill && this.#options.onRequest?.(client, packet) === true
      return isTaken ? 'consumed' : { cause: 'broker-topic' }
    }
    if (packet.qos === 2 && client !== null && !flow.publish.isWill) return this.#judgeQos2(flow, client, packet)
    return this.#verifier.verify(flow.publish)
  }

  async #judgeQos2(flow: PublishFlow, client: Client, packet: PublishPacket): Promise<FlowVerdict> {
    const exchange = await this.#openQos2.begin(client, packet)
    if (exchange.kind !== 'again') {
      flow.onSettled = exchange.settled
      if (exchange.kind === 'recorded') return 'recorded'
      flow.also = this.#openQos2.markOf(client, packet)
      return this.#verifier.verify(flow.publish as IncomingPublish)
    }
    const refusal = await exchange.first
    return refusal === undefined ? 'consumed' : { cause: refusal }
  }

  #incoming(client: Client | null, packet: PublishPacket): IncomingPublish {
    const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload
    return {
      publisher: this.#publisherOf(client, packet),
      topic: packet.topic,
      payload: payload ?? Buffer.alloc(0),
      qos: packet.qos,
      retain: packet.retain,
      isWill: isWill(packet),
      userProperties: userPropertiesOf(packet),
      properties: recordedProperties(packet),
    }
  }

  #publisherOf(client: Client | null, packet: PublishPacket): Publisher {
    if (client !== null && this.#options.publisherOf !== undefined) return this.#options.publisherOf(client)
    // A stored will published after a restart knows its client by name only.
    const clientId = client?.id ?? (packet as { clientId?: string }).clientId ?? ''
    return { clientId, username: undefined, auth: 'none', listener: '' }
  }

  #laneOf(client: Client | null): Lane {
    if (client === null) return this.#orphanLane
    let lane = this.#lanes.get(client)
    if (lane === undefined) {
      lane = new Lane()
      this.#lanes.set(client, lane)
    }
    return lane
  }

  /** Everything goes through the sequencer, refusals too: that keeps the answers to one client in order. */
  #submit(flow: PublishFlow): void {
    try {
      this.#options.chain.submit(flow)
    } catch (error) {
      // The store failed or is closed. What became of publishes before this one is unknown, so this one is not
      // answered either: a refusal would be final for the client, an acknowledgement a lie.
      this.#onError(error)
    }
  }

  refuse(cause: RefusalCause, flow: PublishFlow): void {
    this.counters.countRefusal(cause)
    const { publish, client } = flow
    if (publish === undefined) return
    const { publisher, topic, qos, payload } = publish
    const refusal = { cause, publisher, topic, qos, payloadBytes: payload.length, timeMs: this.#now() }
    this.#options.onRefused?.(refusal, client)
  }

  reportError(error: unknown): void {
    this.#onError(error)
  }
}
