import type { AcknowledgementType } from '../edge/edge-handler.ts'
import type { EdgeTrace, SentPublish } from '../edge/edge-trace.ts'
import {
  type Connack,
  type PublishPacket,
  packetType,
  type SubscribePacket,
  type UnsubscribePacket,
  type Will,
} from '../edge/index.ts'
import * as lines from '../log/packet-messages.ts'

const names = {
  [packetType.puback]: 'PUBACK',
  [packetType.pubrec]: 'PUBREC',
  [packetType.pubrel]: 'PUBREL',
  [packetType.pubcomp]: 'PUBCOMP',
} as const

/** Every packet of one client as a line of the log, in Mosquitto's words; of payloads their size. */
export class PacketLog implements EdgeTrace {
  readonly #client: { readonly id: string; readonly peer: string }
  readonly #write: (line: string) => void

  constructor(client: { readonly id: string; readonly peer: string }, write: (line: string) => void) {
    this.#client = client
    this.#write = write
  }

  /** Until it has an id, it is known by its address. */
  get #name(): string {
    const { id, peer } = this.#client
    return id === '' ? peer : id
  }

  receivedConnect(will: Will | undefined): void {
    const told = will && {
      topicName: will.topic,
      payloadBytes: will.payload.length,
      retain: will.retain,
      qos: will.qos,
    }
    for (const line of lines.willLines(told)) this.#write(line)
  }

  receivedPublish({ topic, payload, qos, retain, dup, packetId }: PublishPacket): void {
    const publish = { topicName: topic, payloadBytes: payload.length, qos, retain, dup, packetId }
    this.#write(lines.receivedPublish(this.#name, publish))
  }

  receivedAcknowledgement(type: AcknowledgementType, packetId: number, code: number): void {
    this.#write(lines.receivedAcknowledgement(names[type], this.#name, packetId, code))
  }

  receivedSubscribe({ subscriptions }: SubscribePacket): void {
    this.#write(lines.received('SUBSCRIBE', this.#name))
    for (const { topicFilter, qos } of subscriptions) this.#write(lines.wantedSubscription(topicFilter, qos))
  }

  receivedUnsubscribe({ topicFilters }: UnsubscribePacket): void {
    this.#write(lines.received('UNSUBSCRIBE', this.#name))
    for (const topicFilter of topicFilters) this.#write(lines.endedSubscription(topicFilter))
  }

  received(packet: 'PINGREQ' | 'DISCONNECT'): void {
    this.#write(lines.received(packet, this.#name))
  }

  sentConnack({ sessionPresent, code }: Connack): void {
    this.#write(lines.sendingConnack(this.#name, sessionPresent, code))
  }

  sentPublish({ topic: topicName, ...publish }: SentPublish): void {
    this.#write(lines.sendingPublish(this.#name, { topicName, ...publish }))
  }

  sentAcknowledgement(type: AcknowledgementType, packetId: number, code: number): void {
    this.#write(lines.sendingAcknowledgement(names[type], this.#name, packetId, code))
  }

  sent(packet: 'SUBACK' | 'UNSUBACK' | 'PINGRESP'): void {
    this.#write(lines.sending(packet, this.#name))
  }
}
