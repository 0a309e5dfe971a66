import { checkPublishOffered } from './capabilities.ts'
import type { AcknowledgementType, EdgeHandler, EdgeLimits } from './edge-handler.ts'
import type { EdgeTrace } from './edge-trace.ts'
import { protocolError } from './errors.ts'
import { checkClientPacketType } from './fixed-header.ts'
import type { Frame } from './framer.ts'
import { type ProtocolVersion, packetType } from './packets.ts'
import { parseAcknowledgement } from './parse-acknowledgement.ts'
import { parsePublish } from './parse-publish.ts'
import { parseSubscribe, parseUnsubscribe } from './parse-subscribe.ts'
import type { ReceiveWindow } from './receive-window.ts'
import { IncomingAliases } from './topic-aliases.ts'
import type { Traffic } from './traffic.ts'

export interface IncomingOptions {
  readonly version: ProtocolVersion
  readonly limits: EdgeLimits
  readonly handler: EdgeHandler
  readonly traffic: Traffic
  readonly trace: EdgeTrace | undefined
  /** Of MQTT 5. */
  readonly window: ReceiveWindow | undefined
}

/** What a client that is in asks for, checked and given to the handler. */
export class IncomingPackets {
  readonly #version: ProtocolVersion
  readonly #limits: EdgeLimits
  readonly #handler: EdgeHandler
  readonly #traffic: Traffic
  readonly #trace: EdgeTrace | undefined
  readonly #window: ReceiveWindow | undefined
  readonly #aliases: IncomingAliases | undefined

  constructor({ version, limits, handler, traffic, trace, window }: IncomingOptions) {
    this.#version = version
    this.#limits = limits
    this.#handler = handler
    this.#traffic = traffic
    this.#trace = trace
    this.#window = window
    this.#aliases = version === 5 ? new IncomingAliases(limits.topicAliasMaximum) : undefined
  }

  /**
   * Any packet but PINGREQ and DISCONNECT, which are the edge's own.
   * @throws {MqttError} what the client did wrong
   */
  take({ type, flags, body, bytes }: Frame): void {
    switch (type) {
      case packetType.publish:
        this.#publish(flags, body, bytes)
        return
      case packetType.puback:
      case packetType.pubrec:
      case packetType.pubrel:
      case packetType.pubcomp:
        this.#acknowledgement(type, flags, body)
        return
      case packetType.subscribe:
        this.#subscribe(flags, body)
        return
      case packetType.unsubscribe:
        this.#unsubscribe(flags, body)
        return
      case packetType.connect:
        // [MQTT-3.1.1 3.1.0-2], [MQTT-5.0 3.1.0-2]
        throw protocolError('a second CONNECT')
      default:
        checkClientPacketType(type, this.#version)
    }
  }

  #publish(flags: number, body: Buffer, bytes: number): void {
    const packet = parsePublish(flags, body, this.#version)
    const { topicAlias, qos, packetId } = packet
    this.#traffic.publishesReceived++
    this.#traffic.publishBytesReceived += packet.payload.length
    checkPublishOffered(packet, this.#limits)
    let resolved = packet
    if (topicAlias !== undefined) {
      const topic = this.#aliases?.resolve(topicAlias, packet.topic) ?? packet.topic
      if (topic !== packet.topic) resolved = { ...packet, topic }
    }
    if (qos > 0) this.#window?.take(packetId)
    this.#trace?.receivedPublish(resolved)
    this.#handler.onPublish(resolved, bytes)
  }

  #acknowledgement(type: AcknowledgementType, flags: number, body: Buffer): void {
    const packet = parseAcknowledgement(type, flags, body, this.#version)
    this.#trace?.receivedAcknowledgement(type, packet.packetId, packet.reasonCode)
    this.#handler.onAcknowledgement(type, packet)
  }

  #subscribe(flags: number, body: Buffer): void {
    const packet = parseSubscribe(flags, body, this.#version)
    this.#trace?.receivedSubscribe(packet)
    this.#handler.onSubscribe(packet)
  }

  #unsubscribe(flags: number, body: Buffer): void {
    const packet = parseUnsubscribe(flags, body, this.#version)
    this.#trace?.receivedUnsubscribe(packet)
    this.#handler.onUnsubscribe(packet)
  }
}
