import { type IncomingPublish, Lane, type Outlet, type PublishGate, type Settlement } from '../../plugins/index.ts'
import { type ChainRecord, type RefusalCause, recordProperties } from '../../protocol/index.ts'
import { Delivery } from '../sessions/delivery.ts'
import type { ClientName } from '../sessions/delivery-rules.ts'
import { messageOf } from '../sessions/message.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { StoredWill } from '../sessions/stored-will.ts'

export interface WillPublisherOptions {
  readonly sessions: Sessions
  readonly gate: PublishGate
  readonly mayWrite: (client: ClientName, topicName: string) => boolean
  readonly onRefused: (publish: IncomingPublish, cause: RefusalCause) => void
}

/** Publishes wills when they are due. */
export class WillPublisher {
  readonly #sessions: Sessions
  readonly #gate: PublishGate
  readonly #mayWrite: WillPublisherOptions['mayWrite']
  readonly #onRefused: WillPublisherOptions['onRefused']
  readonly #lane = new Lane()

  constructor({ sessions, gate, mayWrite, onRefused }: WillPublisherOptions) {
    this.#sessions = sessions
    this.#gate = gate
    this.#mayWrite = mayWrite
    this.#onRefused = onRefused
  }

  publish(stored: StoredWill): void {
    const { will, publisher } = stored
    const { topic, payload, qos, retain, properties } = will
    const publish: IncomingPublish = {
      publisher,
      topic,
      payload,
      qos,
      retain,
      isWill: true,
      userProperties: properties?.userProperties ?? [],
      properties: recordProperties(properties),
    }
    const outlet = new WillOutlet(this.#sessions, stored, (settlement) => {
      if (settlement !== 'deliver' && settlement !== 'acknowledge') this.#onRefused(publish, settlement)
    })
    // As with Mosquitto its right is asked for when it fires, not when it is left.
    this.#gate.submit(publish, this.#lane, outlet, () => {
      return this.#mayWrite(publisher, topic) ? this.#gate.verify(publish) : { cause: 'access-denied' }
    })
  }
}

class WillOutlet implements Outlet {
  readonly #sessions: Sessions
  readonly #stored: StoredWill
  readonly #told: (settlement: Settlement) => void
  #delivery: Delivery | undefined

  constructor(sessions: Sessions, stored: StoredWill, told: (settlement: Settlement) => void) {
    this.#sessions = sessions
    this.#stored = stored
    this.#told = told
  }

  recorded(index: number, record: ChainRecord): void {
    const message = messageOf({ ...this.#stored.will, index, timeMs: record.timeMs })
    this.#delivery = new Delivery(this.#sessions, message, undefined)
    if (message.retain) this.#sessions.retained.apply(message, message.payload.length === 0, this.#stored.publisher)
    // In the batch of the record: a crash publishes it once.
    this.#sessions.willSettled(this.#stored)
  }

  settle(settlement: Settlement): void {
    if (settlement === 'deliver') this.#delivery?.deliver()
    else this.#sessions.willSettled(this.#stored)
    this.#told(settlement)
  }
}
