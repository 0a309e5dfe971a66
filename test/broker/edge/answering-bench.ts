import type { EdgeLimits } from '../../../broker/edge/edge-handler.ts'
import { EdgeBench, puback, pubcomp, pubrec, pubrel } from './edge-support.ts'

/** A broker that says yes to everything, at once or when it is told to go on. */
export class AnsweringBench extends EdgeBench {
  #holds = 0

  constructor(limits: Partial<EdgeLimits>) {
    super(limits)
    const { edge } = this
    this.on = {
      onPublish: ({ qos, packetId }) => {
        if (qos === 1) edge.sendAcknowledgement(puback, packetId, 0)
        if (qos === 2) edge.sendAcknowledgement(pubrec, packetId, 0)
      },
      onAcknowledgement: (type, { packetId }) => {
        if (type === pubrel) edge.sendAcknowledgement(pubcomp, packetId, 0)
        if (type === pubrec) edge.sendPubrel(packetId, true)
      },
      onSubscribe: ({ packetId, subscriptions }) =>
        edge.sendSuback(
          packetId,
          subscriptions.map(({ qos }) => qos),
        ),
      onUnsubscribe: ({ packetId, topicFilters }) =>
        edge.sendUnsuback(
          packetId,
          topicFilters.map(() => 0),
        ),
      onDisconnect: () => edge.end(),
    }
  }

  /** Takes no more until {@link goOn}. */
  hold(): void {
    this.#holds++
    this.edge.hold()
  }

  /** Decides on the CONNECT, releases what is held, takes bytes: whatever it was that was in the way. */
  goOn(): void {
    this.edge.accept({ sessionPresent: false, code: 0 })
    for (let left = this.#holds; left > 0; left--) {
      this.#holds--
      this.edge.release()
    }
    this.transport.drain()
  }
}
