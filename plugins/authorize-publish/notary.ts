import type { AedesOptions, Client, PublishPacket } from 'aedes'
import { isBrokerTopic, type RefusalCause } from '../../protocol/index.ts'
import {
  isGone,
  isWill,
  publishForGoneClient,
  recordedProperties,
  sinkPacket,
  userPropertiesOf,
} from '../aedes-seams.ts'
import type { AuditChain } from '../audit-chain/index.ts'
import { Lane } from './lane.ts'
import { PublishPolicy } from './policy.ts'
import type { ProtectRule } from './policy-rule.ts'
import type { IncomingPublish, Publisher } from './publish.ts'
import type { FlowVerdict, Outlet, Settlement } from './publish-flow.ts'
import { PublishGate, refusalOf } from './publish-gate.ts'
import { OpenQos2, type Settled } from './qos2.ts'
import type { PublishCounters, Refusal } from './refusals.ts'
import { isReservedProperty } from './reserved-properties.ts'
import { RulesInForce } from './rules-in-force.ts'

type AuthorizePublish = NonNullable<AedesOptions['authorizePublish']>
type Answer = Parameters<AuthorizePublish>[2]

export interface NotaryOptions {
  /** Where accepted publishes are recorded. */
  readonly chain: AuditChain
  /** Topics that ask for a signature. Default: none. */
  readonly protect?: readonly ProtectRule[]
  /** Who a client is. Default: its client id, with nothing proved. */
  readonly publisherOf?: (client: Client) => Publisher
  /** Takes publishes to request topics below `$notary/`; false when there is no such service. */
  readonly onRequest?: (client: Client, packet: PublishPacket) => boolean
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
 * The hook for an Aedes broker: verify, then record, then let the engine acknowledge and deliver.
 *
 * Aedes 2.0.0-beta.1 acknowledges QoS 1 before it stores or routes anything, so both belong inside `authorizePublish`,
 * and its callbacks run in the order of the publishes of a client. Wills come through it, perhaps without a client; a
 * QoS 2 retransmission comes through it again; what the broker itself publishes does not. The engine reads on from a
 * socket only when the publishes it read are answered: that is the back-pressure.
 */
export function createNotary(options: NotaryOptions): Notary {
  const hook = new AedesHook(options)
  return {
    counters: hook.gate.counters,
    authorizePublish: (client, packet, answer) => hook.take(client, packet, answer),
  }
}

class AedesHook {
  readonly gate: PublishGate
  readonly #options: NotaryOptions
  readonly #lanes = new WeakMap<Client, Lane>()
  readonly #orphanLane = new Lane()
  readonly #openQos2 = new OpenQos2()

  constructor(options: NotaryOptions) {
    const { chain, onError, now } = options
    this.#options = options
    this.gate = new PublishGate({
      chain,
      rules: new RulesInForce(new PublishPolicy(options.protect ?? [])),
      ...(onError === undefined ? undefined : { onError }),
      ...(now === undefined ? undefined : { now }),
    })
  }

  take(client: Client | null, packet: PublishPacket, answer: Answer): void {
    const outlet = new EngineOutlet(this, client, packet, answer)
    const lane = client === null ? this.#orphanLane : this.#laneOf(client)
    this.gate.submit(undefined, lane, outlet, () => this.#judge(outlet, client, packet))
  }

  refuse(cause: RefusalCause, publish: IncomingPublish | undefined, client: Client | null): void {
    if (publish === undefined) this.gate.counters.countRefusal(cause)
    else this.#options.onRefused?.(refusalOf(this.gate, cause, publish), client)
  }

  #judge(outlet: EngineOutlet, client: Client | null, packet: PublishPacket): FlowVerdict | Promise<FlowVerdict> {
    const publish = this.#incoming(client, packet)
    outlet.publish = publish
    if (isBrokerTopic(packet.topic)) {
      const isTaken = client !== null && !publish.isWill && this.#options.onRequest?.(client, packet) === true
      return isTaken ? 'acknowledge' : { cause: 'broker-topic' }
    }
    if (packet.qos === 2 && client !== null && !publish.isWill) return this.#judgeQos2(outlet, publish, client, packet)
    return this.gate.verify(publish)
  }

  async #judgeQos2(
    outlet: EngineOutlet,
    publish: IncomingPublish,
    client: Client,
    packet: PublishPacket,
  ): Promise<FlowVerdict> {
    const exchange = await this.#openQos2.begin(client, packet)
    if (exchange.kind === 'first') {
      outlet.onSettled = exchange.settled
      return this.gate.verify(publish)
    }
    const refusal = await exchange.first
    return refusal === undefined ? 'acknowledge' : { cause: refusal }
  }

  #incoming(client: Client | null, packet: PublishPacket): IncomingPublish {
    takeOutReserved(packet)
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
    const isTls = (client?.conn as { encrypted?: boolean } | undefined)?.encrypted === true
    return { clientId, username: undefined, auth: 'none', listener: '', isTls }
  }

  #laneOf(client: Client): Lane {
    let lane = this.#lanes.get(client)
    if (lane === undefined) {
      lane = new Lane()
      this.#lanes.set(client, lane)
    }
    return lane
  }
}

/** What the broker alone may say of a publish goes neither into its record nor to subscribers. */
function takeOutReserved(packet: PublishPacket): void {
  const given = packet.properties?.userProperties
  for (const name of Object.keys(given ?? {})) if (given !== undefined && isReservedProperty(name)) delete given[name]
}

/** A v5 peer sees this as Reason String: the same for every cause, so that a refusal tells nothing about keys. */
const refusalText = 'not authorized'

/** Gives what came of a publish to the engine. */
class EngineOutlet implements Outlet {
  publish: IncomingPublish | undefined
  onSettled: Settled | undefined
  readonly #hook: AedesHook
  readonly #client: Client | null
  readonly #packet: PublishPacket
  readonly #answer: Answer

  constructor(hook: AedesHook, client: Client | null, packet: PublishPacket, answer: Answer) {
    this.#hook = hook
    this.#client = client
    this.#packet = packet
    this.#answer = answer
  }

  settle(settlement: Settlement): void {
    try {
      if (settlement === 'deliver') this.#deliver()
      else if (settlement === 'acknowledge') this.#acknowledge()
      else this.#refuse(settlement)
    } finally {
      this.onSettled?.(settlement === 'deliver' || settlement === 'acknowledge' ? undefined : settlement)
    }
  }

  #deliver(): void {
    const client = this.#client
    const isVanished = client !== null && !isWill(this.#packet) && isGone(client)
    // QoS 0 and 2 are routed by the engine before it tries to answer; QoS 1 after, so never.
    if (isVanished && this.#packet.qos === 1) publishForGoneClient(client, this.#packet, this.#hook.gate.onError)
    else this.#answer(null)
  }

  #acknowledge(): void {
    sinkPacket(this.#packet)
    this.#answer(null)
  }

  #refuse(cause: RefusalCause): void {
    this.#hook.refuse(cause, this.publish, this.#client)
    // Asked of the packet: when reading it failed there is no `publish`.
    const canBeTold = this.#client?.version === 5 && !isWill(this.#packet)
    if (canBeTold) this.#answer(new Error(refusalText))
    else this.#acknowledge()
  }
}
