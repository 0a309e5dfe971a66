import { parseSharedFilter, type SubscriptionOptions } from '../router/index.ts'
import type { Entry } from './queue.ts'
import type { RetainedMessage } from './retained.ts'
import type { Session } from './session.ts'
import type { Sessions } from './sessions.ts'

/** A retained message for a new subscription. [MQTT-5.0 3.3.1-9..11] */
export class RetainedDelivery {
  readonly #session: Session
  readonly #message: RetainedMessage
  readonly #subscriptionIdentifiers: readonly number[]
  /** With QoS 1 and 2; undefined when the queue has no room for it. */
  readonly #entry: Entry | undefined
  readonly #qos: 0 | 1 | 2

  /** Called while the commit decides: an entry of a session on disk is there before it is sent. */
  constructor(sessions: Sessions, session: Session, message: RetainedMessage, options: SubscriptionOptions) {
    const { qos: granted, subscriptionIdentifier } = options
    this.#session = session
    this.#message = message
    this.#subscriptionIdentifiers = subscriptionIdentifier === undefined ? [] : [subscriptionIdentifier]
    const qos = Math.min(message.qos, granted) as 0 | 1 | 2
    this.#qos = qos
    if (qos === 0) return
    // Past the limit of the queue, so that one SUBSCRIBE brings all; but not over and over, by one that never acknowledges.
    const isForced = session.outbox.size < 2 * sessions.retained.size
    this.#entry = sessions.enqueue(
      session,
      {
        index: message.index,
        qos,
        retain: true,
        subscriptionIdentifiers: this.#subscriptionIdentifiers,
        shared: undefined,
        bytes: message.payload.length,
        message,
      },
      isForced,
    )
  }

  deliver(): void {
    const { outbox, isEnded } = this.#session
    if (isEnded) return
    if (this.#qos === 0) outbox.sendQos0(this.#message, true, this.#subscriptionIdentifiers, true)
    else if (this.#entry !== undefined) outbox.release(this.#entry)
  }
}

/** Whether retained messages are sent for this subscription. Shared ones get none. [MQTT-5.0 3.3.1.3, 4.8.2] */
export function wantsRetained(topicFilter: string, { retainHandling }: SubscriptionOptions, isNew: boolean): boolean {
  if (retainHandling === 2 || (retainHandling === 1 && !isNew)) return false
  return parseSharedFilter(topicFilter) === undefined
}
