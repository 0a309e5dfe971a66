import type { Capabilities } from './capabilities.ts'
import type { MqttError } from './errors.ts'
import type { OutgoingTransport } from './outgoing-transport.ts'
import type {
  AcknowledgementPacket,
  ConnectPacket,
  DisconnectPacket,
  PublishPacket,
  packetType,
  SubscribePacket,
  UnsubscribePacket,
} from './packets.ts'

/** What an edge needs of what carries its bytes. */
export interface EdgeTransport extends OutgoingTransport {
  onData(handler: (chunk: Buffer) => void): void
  onEnd(handler: () => void): void
  onClose(handler: () => void): void
  onDrain(handler: () => void): void
  pause(): void
  resume(): void
  end(): void
}

/** Acknowledgements of PUBLISH packets, in both directions. */
export type AcknowledgementType =
  | typeof packetType.puback
  | typeof packetType.pubrec
  | typeof packetType.pubrel
  | typeof packetType.pubcomp

/** What the packets of a client are given to, after everything that the protocol itself asks for was checked. */
export interface EdgeHandler {
  /** Once. Nothing else comes before `Edge.accept`. */
  onConnect(packet: ConnectPacket): void
  /** The topic is resolved when it came as an alias. */
  onPublish(packet: PublishPacket, bytes: number): void
  onAcknowledgement(type: AcknowledgementType, packet: AcknowledgementPacket): void
  onSubscribe(packet: SubscribePacket): void
  onUnsubscribe(packet: UnsubscribePacket): void
  /** The client takes its leave; nothing comes after it. The handler ends the connection. */
  onDisconnect(packet: DisconnectPacket): void
  /** The client takes bytes again after `Edge.isCongested` was true. */
  onRelief(): void
  /** The connection is gone, or will take nothing more. Once, whoever ended it. */
  onClosed(reason: CloseReason): void
  /** One of the above threw, which is a defect: the connection ends, and nobody else hears of it. Must not throw. */
  onFailure(error: unknown): void
}

/** Why a connection ended. */
export type CloseReason =
  /** The peer closed it without a DISCONNECT. */
  | 'closed-by-peer'
  /** The handler asked for it: `Edge.disconnect` or `Edge.end`. */
  | 'ended'
  | 'keep-alive'
  | MqttError

/** Limits of one edge. */
export interface EdgeLimits extends Capabilities {
  /** Largest packet that a client may send, in bytes; 0: what the protocol allows. */
  readonly maximumPacketSize: number
  /** PUBLISHes with QoS 1 and 2 that a MQTT 5 client may have unacknowledged; 0 is 65,535. */
  readonly receiveMaximum: number
  /** Topic aliases that a client may use. */
  readonly topicAliasMaximum: number
  /** Topic aliases that we use towards a client that admits them. */
  readonly topicAliasMaximumOut: number
  /** Seconds; a longer or absent keep alive is lowered to this. 0: as the client wants. */
  readonly maxKeepAliveSeconds: number
}
