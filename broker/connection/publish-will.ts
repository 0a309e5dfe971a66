import {
  type IncomingPublish,
  Lane,
  type Outlet,
  type Publisher,
  type PublishGate,
  type ReceiptPush,
  type Settlement,
  type VerifiedPublish,
} from '../../plugins/index.ts'
import type { ChainRecord, RefusalCause } from '../../protocol/index.ts'
import type { Will } from '../edge/index.ts'
import { Delivery } from '../sessions/delivery.ts'
import type { ClientName } from '../sessions/delivery-rules.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { StoredWill } from '../sessions/stored-will.ts'
import { incomingProperties } from './incoming-properties.ts'
import type { Refusals } from './refusals.ts'

export interface WillPublisherOptions {
  readonly sessions: Sessions
  readonly gate: PublishGate
  readonly mayWrite: (client: ClientName, topicName: string) => boolean
  readonly refusals: Pick<Refusals, 'noteWill'>
  /** Where receipts for them are noted. */
  readonly receipts: Pick<ReceiptPush, 'acceptedFor'>
}

/** Publishes wills when they are due. */
export class WillPublisher {
  readonly #sessions: Sessions
  readonly #gate: PublishGate
  readonly #mayWrite: WillPublisherOptions['mayWrite']
  readonly #refusals: WillPublisherOptions['refusals']
  readonly #receipts: WillPublisherOptions['receipts']
  readonly #lane = new Lane()

  constructor({ sessions, gate, mayWrite, refusals, receipts }: WillPublisherOptions) {
    this.#sessions = sessions
    this.#gate = gate
    this.#mayWrite = mayWrite
    this.#refusals = refusals
    this.#receipts = receipts
  }

  publish(stored: StoredWill): void {
    const { will, publisher } = stored
    const { topic } = will
    const publish = willPublish(will, publisher)
    // As with Mosquitto its right is asked for when it fires, not when it is left.
    const refusal = () => (this.#mayWrite(publisher, topic) ? undefined : 'access-denied')
    const outlet = new WillOutlet(this.#sessions, stored, refusal, (settlement, index) => {
      if (index !== undefined) this.#receipts.acceptedFor(publisher.clientId, index)
      if (settlement !== 'deliver' && settlement !== 'acknowledge') this.#refusals.noteWill(publish, settlement)
    })
    this.#gate.submit(publish, this.#lane, outlet, () => {
      const cause = refusal()
      return cause === undefined ? this.#gate.verify(publish) : { cause }
    })
  }
}

/** A will as the publish that it becomes; checked as one when it is left, and again when it fires. */
export function willPublish(
  { topic, payload, qos, retain, properties }: Will,
  publisher: Publisher,
  source?: object,
): IncomingPublish {
  return {
    publisher,
    topic,
    payload,
    qos,
    retain,
    isWill: true,
    ...incomingProperties(properties),
    source,
  }
}

class WillOutlet implements Outlet {
  readonly #sessions: Sessions
  readonly #stored: StoredWill
  readonly refusalNow: () => RefusalCause | undefined
  readonly #told: (settlement: Settlement, index: number | undefined) => void
  #index: number | undefined
  #delivery: Delivery | undefined

  constructor(
    sessions: Sessions,
    stored: StoredWill,
    refusalNow: () => RefusalCause | undefined,
    told: (settlement: Settlement, index: number | undefined) => void,
  ) {
    this.#sessions = sessions
    this.#stored = stored
    this.refusalNow = refusalNow
    this.#told = told
  }

  recorded(index: number, record: ChainRecord, verified: VerifiedPublish): void {
    const { will, publisher } = this.#stored
    this.#index = index
    const message = this.#sessions.view.messageOf(index, record, verified, will.properties)
    this.#delivery = new Delivery(this.#sessions, message, undefined)
    if (message.retain) this.#sessions.retained.apply(message, record.payloadSize === 0, publisher)
    // In the batch of the record: a crash publishes it once.
    this.#sessions.willSettled(this.#stored)
  }

  settle(settlement: Settlement): void {
    if (settlement === 'deliver') this.#delivery?.deliver()
    else this.#sessions.willSettled(this.#stored)
    this.#told(settlement, settlement === 'deliver' ? this.#index : undefined)
  }
}
