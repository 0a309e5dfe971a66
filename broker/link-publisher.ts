import {
  type FlowVerdict,
  type IncomingPublish,
  Lane,
  type Outlet,
  type PublishGate,
  type ReceiptPush,
  type Settlement,
  type VerifiedPublish,
} from '../plugins/index.ts'
import {
  bytesEqual,
  type ChainRecord,
  isBrokerTopic,
  isTopicName,
  type LinkAnswer,
  type LinkPublish,
  parseAttachedEnvelope,
  type RefusalCause,
} from '../protocol/index.ts'
import { reasonCode } from './edge/index.ts'
import type { LinkClient } from './listeners/index.ts'
import { Delivery } from './sessions/delivery.ts'
import type { ClientName } from './sessions/delivery-rules.ts'
import type { Sessions } from './sessions/sessions.ts'

export interface LinkPublisherOptions {
  readonly sessions: Sessions
  readonly gate: PublishGate
  readonly mayWrite: (client: ClientName, topicName: string) => boolean
  readonly isDiskFull: () => boolean
  /** Where receipts for what came over links are noted. */
  readonly receipts: Pick<ReceiptPush, 'acceptedFor'>
  /** Told of every refusal. */
  readonly onRefused: (publish: IncomingPublish, cause: RefusalCause) => void
}

/** Gives what came by links to the same gate as all publishes: recorded, delivered with QoS 1, then answered. */
export class LinkPublisher {
  readonly #options: LinkPublisherOptions
  /** One lane a link keeps the order of its answers. */
  readonly #lanes = new WeakMap<object, Lane>()

  constructor(options: LinkPublisherOptions) {
    this.#options = options
  }

  publish(
    { publisher, session }: LinkClient,
    { topic, envelope }: LinkPublish,
    source: object,
    answer: (answer: LinkAnswer) => void,
  ): void {
    const { gate } = this.#options
    const publish: IncomingPublish = {
      publisher,
      topic,
      payload: envelope,
      qos: 1,
      retain: false,
      isWill: false,
      userProperties: [],
      properties: undefined,
      macSessions: { find: (sid) => (bytesEqual(sid, session.sid) ? session : undefined) },
      source,
    }
    const outlet = new LinkOutlet(this.#options, publish, answer)
    gate.submit(publish, this.#laneOf(source), outlet, () => this.#refusal(publish) ?? gate.verify(publish))
  }

  #refusal(publish: IncomingPublish): FlowVerdict | undefined {
    const { mayWrite, isDiskFull } = this.#options
    const { topic, payload, publisher } = publish
    if (!isTopicName(topic)) return { cause: 'request-malformed' }
    if (isBrokerTopic(topic)) return { cause: 'broker-topic' }
    // A link is for what is signed; what is not has MQTT.
    if (parseAttachedEnvelope(payload) === undefined) return { cause: 'not-signed' }
    if (!mayWrite(publisher, topic)) return { cause: 'access-denied' }
    return isDiskFull() ? { cause: 'disk-full' } : undefined
  }

  #laneOf(source: object): Lane {
    const known = this.#lanes.get(source)
    if (known !== undefined) return known
    const lane = new Lane()
    this.#lanes.set(source, lane)
    return lane
  }
}

class LinkOutlet implements Outlet {
  readonly #options: LinkPublisherOptions
  readonly #publish: IncomingPublish
  readonly #answer: (answer: LinkAnswer) => void
  #index: number | undefined
  #delivery: Delivery | undefined

  constructor(options: LinkPublisherOptions, publish: IncomingPublish, answer: (answer: LinkAnswer) => void) {
    this.#options = options
    this.#publish = publish
    this.#answer = answer
  }

  recorded(index: number, record: ChainRecord, verified: VerifiedPublish): void {
    const { sessions } = this.#options
    this.#index = index
    this.#delivery = new Delivery(sessions, sessions.view.messageOf(index, record, verified, undefined), undefined)
  }

  settle(settlement: Settlement): void {
    if (settlement === 'deliver') this.#delivery?.deliver()
    if (settlement === 'deliver' || settlement === 'acknowledge') {
      if (this.#index !== undefined) this.#options.receipts.acceptedFor(this.#publish.publisher.clientId, this.#index)
      this.#answer({ reasonCode: reasonCode.success, index: this.#index })
      return
    }
    this.#options.onRefused(this.#publish, settlement)
    const code = settlement === 'disk-full' ? reasonCode.quotaExceeded : reasonCode.notAuthorized
    this.#answer({ reasonCode: code, index: undefined })
  }
}
