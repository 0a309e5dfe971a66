import type { AcknowledgementType, EdgeTransport } from './edge-handler.ts'
import type { EdgeTrace } from './edge-trace.ts'
import { encodeSuback, encodeUnsuback, pingresp } from './encode.ts'
import { encodeAcknowledgement, encodeAcknowledgementWith } from './encode-acknowledgement.ts'
import { type OutgoingPublish, type PublishOptions, publishBytes, writePublish } from './encode-publish.ts'
import { maxProtocolPacketBytes } from './framer.ts'
import { type FlushQueue, Output } from './output.ts'
import { type ConnectPacket, type ProtocolVersion, packetType, type QoS, type UserProperty } from './packets.ts'
import { reasonCode } from './reason-codes.ts'
import type { ReceiveWindow } from './receive-window.ts'
import { OutgoingAliases } from './topic-aliases.ts'
import type { Traffic } from './traffic.ts'

/** A client that has not taken this much gets no more for the moment. */
const congestedAtBytes = 1024 * 1024
const noIdentifiers: readonly number[] = []
const never = Number.POSITIVE_INFINITY

/** What an edge shares with others, and who looks on. */
export interface EdgeSurroundings {
  readonly queue: FlushQueue
  readonly traffic: Traffic
  readonly trace?: EdgeTrace | undefined
}

export type EdgeState = 'new' | 'connecting' | 'connected' | 'leaving' | 'closed'

/**
 * The half of an edge that writes, once the client is in: within what the client takes. A base class and no member, as
 * every delivery goes through it: sessions call the edge itself.
 */
export abstract class EdgeWriter {
  protected readonly output: Output
  protected readonly traffic: Traffic
  protected readonly trace: EdgeTrace | undefined
  protected state: EdgeState = 'new'
  protected version: ProtocolVersion = 4
  /** The client was found congested, and it was not seen yet that this is over. */
  protected wasCongested = false
  #receiveMaximum = 65_535
  /** User Properties on acknowledgements, for one [MQTT-5.0 3.1.2-29]. */
  #takesProblemInformation = false
  #maximumPacketSize = maxProtocolPacketBytes
  #window: ReceiveWindow | undefined
  #aliases: OutgoingAliases | undefined

  constructor(transport: EdgeTransport, { queue, traffic, trace }: EdgeSurroundings) {
    this.output = new Output(transport, queue, traffic)
    this.traffic = traffic
    this.trace = trace
  }

  get protocolVersion(): ProtocolVersion {
    return this.version
  }

  /** Receive Maximum of the client. */
  get receiveMaximum(): number {
    return this.#receiveMaximum
  }

  get isClosed(): boolean {
    return this.state === 'closed'
  }

  /** The client does not take what it is sent. `EdgeHandler.onRelief` tells when it does again. */
  get isCongested(): boolean {
    if (!this.isBehind) return false
    this.wasCongested = true
    return true
  }

  protected get isBehind(): boolean {
    return this.output.bufferedBytes >= congestedAtBytes
  }

  /** Also what came before the client's DISCONNECT is answered. */
  protected get mayAnswer(): boolean {
    return this.state === 'connected' || this.state === 'leaving'
  }

  /**
   * What holds towards this client, as its CONNECT says.
   * @param topicAliasMaximum that we use at most
   * @param window of the publishes that it waits for the answer of; undefined before MQTT 5
   */
  protected writeFor(packet: ConnectPacket, topicAliasMaximum: number, window: ReceiveWindow | undefined): void {
    this.#receiveMaximum = packet.receiveMaximum
    this.#takesProblemInformation = packet.protocolVersion === 5 && packet.requestProblemInformation
    this.#maximumPacketSize = Math.min(packet.maximumPacketSize ?? maxProtocolPacketBytes, maxProtocolPacketBytes)
    this.#window = window
    const aliases = Math.min(packet.topicAliasMaximum, topicAliasMaximum)
    if (aliases > 0) this.#aliases = new OutgoingAliases(aliases)
  }

  /** @returns false when the client does not take packets of that size; nothing is written then [MQTT-5.0 3.1.2-24] */
  sendPublish(
    message: OutgoingPublish & { readonly topic: string; readonly expiresAtMs: number },
    qos: QoS,
    retain: boolean,
    dup: boolean,
    packetId: number,
    subscriptionIdentifiers: readonly number[] = noIdentifiers,
  ): boolean {
    if (this.state !== 'connected') return true
    const alias = this.#aliases?.for(message.topic)
    const { expiresAtMs } = message
    // One literal: spreading optional parts into it would cost more than writing the packet.
    const options: PublishOptions = {
      version: this.version,
      qos,
      retain,
      dup,
      packetId,
      topicAlias: alias?.number,
      sendTopic: alias === undefined || alias.isNew,
      messageExpirySeconds: expiresAtMs === never ? undefined : secondsUntil(expiresAtMs),
      subscriptionIdentifiers: subscriptionIdentifiers.length === 0 ? undefined : subscriptionIdentifiers,
    }
    const bytes = publishBytes(message, options)
    if (bytes > this.#maximumPacketSize) {
      if (alias?.isNew === true) this.#aliases?.forget(message.topic)
      return false
    }
    this.trace?.sentPublish({ topic: message.topic, payloadBytes: message.payload.length, qos, retain, dup, packetId })
    this.traffic.publishesSent++
    this.traffic.publishBytesSent += message.payload.length
    const at = this.output.reserve(bytes)
    this.output.commit(writePublish(this.output.slab, at, message, options))
    return true
  }

  /** @param userProperties left out where the client takes none: before MQTT 5, or because it said so */
  sendAcknowledgement(
    type: AcknowledgementType,
    packetId: number,
    code: number,
    userProperties?: readonly UserProperty[],
  ): void {
    if (!this.mayAnswer) return
    const endsExchange = type === packetType.puback || type === packetType.pubcomp
    if (endsExchange || (type === packetType.pubrec && code >= 0x80)) this.#window?.release(packetId)
    this.trace?.sentAcknowledgement(type, packetId, code)
    const isWith = userProperties !== undefined && this.#takesProblemInformation
    if (isWith && this.#appendWith(userProperties, type, packetId, code)) return
    this.output.append(encodeAcknowledgement(type, packetId, code, this.version))
  }

  /** @returns false when the client does not take packets of that size [MQTT-5.0 3.4.2-3] */
  #appendWith(
    userProperties: readonly UserProperty[],
    type: AcknowledgementType,
    packetId: number,
    code: number,
  ): boolean {
    const packet = encodeAcknowledgementWith(userProperties, type, packetId, code)
    if (packet.length > this.#maximumPacketSize) return false
    this.output.append(packet)
    return true
  }

  /** @param isKnown false: the client spoke of an exchange that is not there [MQTT-5.0 3.6.2.1] */
  sendPubrel(packetId: number, isKnown: boolean): void {
    this.sendAcknowledgement(
      packetType.pubrel,
      packetId,
      isKnown ? reasonCode.success : reasonCode.packetIdentifierNotFound,
    )
  }

  sendSuback(packetId: number, codes: readonly number[]): void {
    if (!this.mayAnswer) return
    this.trace?.sent('SUBACK')
    this.output.append(encodeSuback(packetId, codes, this.version))
  }

  sendUnsuback(packetId: number, codes: readonly number[]): void {
    if (!this.mayAnswer) return
    this.trace?.sent('UNSUBACK')
    this.output.append(encodeUnsuback(packetId, codes, this.version))
  }

  protected sendPingresp(): void {
    this.trace?.sent('PINGRESP')
    this.output.append(pingresp)
  }
}

/** What is left of a Message Expiry Interval. [MQTT-5.0 3.3.2-6] */
function secondsUntil(timeMs: number): number {
  // The clock may have been set back since the message came.
  return Math.min(0xffff_ffff, Math.max(0, Math.ceil((timeMs - Date.now()) / 1000)))
}
