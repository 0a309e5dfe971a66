import type { AcknowledgementType } from './edge-handler.ts'
import type { Connack, PublishPacket, SubscribePacket, UnsubscribePacket, Will } from './packets.ts'

/** A PUBLISH on its way to a client. */
export interface SentPublish {
  readonly topic: string
  readonly payloadBytes: number
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly dup: boolean
  readonly packetId: number
}

/** Told of every packet of one client, where somebody wants to see them (`log_type debug`). Must not throw. */
export interface EdgeTrace {
  receivedConnect(will: Will | undefined): void
  receivedPublish(packet: PublishPacket): void
  receivedAcknowledgement(type: AcknowledgementType, packetId: number, code: number): void
  receivedSubscribe(packet: SubscribePacket): void
  receivedUnsubscribe(packet: UnsubscribePacket): void
  received(packet: 'PINGREQ' | 'DISCONNECT'): void
  sentConnack(connack: Connack): void
  sentPublish(publish: SentPublish): void
  sentAcknowledgement(type: AcknowledgementType, packetId: number, code: number): void
  sent(packet: 'SUBACK' | 'UNSUBACK' | 'PINGRESP'): void
}
