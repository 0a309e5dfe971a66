import { type DirectTopics, type IncomingPublish, type PublishGate, refusalOf } from '../../plugins/index.ts'
import type { RefusalCause } from '../../protocol/index.ts'
import type { PublishPacket } from '../edge/index.ts'
import { deniedPublish } from '../log/packet-messages.ts'
import type { BrokerLogger } from '../logger.ts'
import type { BrokerCounters } from '../metrics/index.ts'
import type { ClientConnection } from './client-connection.ts'

export interface RefusalsOptions {
  readonly gate: PublishGate
  readonly counters: BrokerCounters
  readonly topics: DirectTopics
  readonly log: BrokerLogger
}

/** A will is no packet. */
const noPacket = { dup: false, packetId: 0 } as const

/** What the broker makes of a publish that it refused, whatever its client can be told: counts it and says why. */
export class Refusals {
  readonly #options: RefusalsOptions

  constructor(options: RefusalsOptions) {
    this.#options = options
  }

  /** A publish of a client that is here to be told on `$notary/rejected/<client-id>`. */
  tell(client: ClientConnection, packet: PublishPacket, publish: IncomingPublish, cause: RefusalCause): void {
    const { timeMs, topic, qos } = this.#note(publish, packet, cause)
    this.#options.topics.sendEvent(client, 'rejected', { time: new Date(timeMs).toISOString(), topic, qos, cause })
  }

  /** A will, whose client is gone. Mosquitto says nothing of it. */
  noteWill(will: IncomingPublish, cause: RefusalCause): void {
    this.#note(will, noPacket, cause)
  }

  #note(publish: IncomingPublish, { dup, packetId }: Pick<PublishPacket, 'dup' | 'packetId'>, cause: RefusalCause) {
    const { gate, counters, log } = this.#options
    const refusal = refusalOf(gate, cause, publish)
    if (cause === 'access-denied') counters.publishesDenied++
    const { topic: topicName, qos, retain, payload } = publish
    const trace = { dup, qos, retain, packetId, topicName, payloadBytes: payload.length }
    log.notice(`${deniedPublish(publish.publisher.clientId, trace)}: ${cause}`)
    return refusal
  }
}
