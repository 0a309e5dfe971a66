import { checkConnectOffered, checkPublishOffered } from './capabilities.ts'
import type { AcknowledgementType, CloseReason, EdgeHandler, EdgeLimits, EdgeTransport } from './edge-handler.ts'
import type { EdgeTrace } from './edge-trace.ts'
import { encodeConnack, encodeDisconnect, encodeSuback, encodeUnsuback, pingresp } from './encode.ts'
import { encodeAcknowledgement } from './encode-acknowledgement.ts'
import { type OutgoingPublish, type PublishOptions, publishBytes, writePublish } from './encode-publish.ts'
import { MqttError, protocolError } from './errors.ts'
import { checkClientPacketType } from './fixed-header.ts'
import { type Frame, Framer, maxProtocolPacketBytes } from './framer.ts'
import { KeepAlive } from './keep-alive.ts'
import { type FlushQueue, Output } from './output.ts'
import type {
  AcknowledgementPacket,
  Connack,
  ConnectPacket,
  DisconnectPacket,
  ProtocolVersion,
  PublishPacket,
  QoS,
  SubscribePacket,
  UnsubscribePacket,
} from './packets.ts'
import { packetType } from './packets.ts'
import { parseAcknowledgement } from './parse-acknowledgement.ts'
import { parseConnect } from './parse-connect.ts'
import { checkPingreq, parseDisconnect } from './parse-disconnect.ts'
import { parsePublish } from './parse-publish.ts'
import { parseSubscribe, parseUnsubscribe } from './parse-subscribe.ts'
import { reasonCode, toReturnCode } from './reason-codes.ts'
import { ReceiveWindow } from './receive-window.ts'
import { IncomingAliases, OutgoingAliases } from './topic-aliases.ts'
import type { Traffic } from './traffic.ts'

/** A client that has not taken this much gets no more for the moment. */
const congestedAtBytes = 1024 * 1024
/**
 * Largest packet other than PUBLISH, and largest one that is collected before it is known who sends it. Of a SUBSCRIBE as
 * large as the protocol allows, tens of millions of filters would be made.
 */
const maxControlPacketBytes = 4 * 1024 * 1024
/** What may wait here while CONNECT is being decided or publishes are being committed. */
const heldAtBytes = 64 * 1024
const noIdentifiers: readonly number[] = []
const never = Number.POSITIVE_INFINITY

/** What an edge shares with others, and who looks on. */
export interface EdgeSurroundings {
  readonly queue: FlushQueue
  readonly traffic: Traffic
  readonly trace?: EdgeTrace | undefined
}

/**
 * Between socket and broker: cuts and checks what comes, knows what may come when, writes what goes out, and keeps the
 * time. Whatever violates the protocol ends here, with its reason code where the client can be told.
 */
export class Edge {
  readonly #transport: EdgeTransport
  readonly #limits: EdgeLimits
  readonly #handler: EdgeHandler
  readonly #framer: Framer
  readonly #output: Output
  readonly #keepAlive: KeepAlive
  readonly #traffic: Traffic
  readonly #trace: EdgeTrace | undefined
  #state: 'new' | 'connecting' | 'connected' | 'leaving' | 'closed' = 'new'
  #version: ProtocolVersion = 4
  /** {@link hold}s without their {@link release}. */
  #holds = 0
  /** The peer sends nothing more; what it sent before may still wait here. */
  #hasEnded = false
  #wasCongested = false
  #receiveMaximum = 65_535
  #maximumPacketSize = maxProtocolPacketBytes
  #window: ReceiveWindow | undefined
  #incomingAliases: IncomingAliases | undefined
  #outgoingAliases: OutgoingAliases | undefined

  constructor(
    transport: EdgeTransport,
    limits: EdgeLimits,
    handler: EdgeHandler,
    { queue, traffic, trace }: EdgeSurroundings,
  ) {
    this.#transport = transport
    this.#traffic = traffic
    this.#trace = trace
    this.#limits = limits
    this.#handler = handler
    this.#framer = new Framer(Math.min(limits.maximumPacketSize || maxControlPacketBytes, maxControlPacketBytes))
    this.#output = new Output(transport, queue, traffic)
    this.#keepAlive = new KeepAlive(() => this.#onSilence())
    transport.onData((chunk) => this.#onData(chunk))
    transport.onEnd(() => this.#onEnd())
    transport.onClose(() => this.#onEnd())
    transport.onDrain(() => this.#relieve())
  }

  get protocolVersion(): ProtocolVersion {
    return this.#version
  }

  /** Receive Maximum of the client. */
  get receiveMaximum(): number {
    return this.#receiveMaximum
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  /** The client does not take what it is sent. {@link EdgeHandler.onRelief} tells when it does again. */
  get isCongested(): boolean {
    if (this.#output.bufferedBytes < congestedAtBytes) return false
    this.#wasCongested = true
    return true
  }

  /** Answers the CONNECT; from then on packets are given to the handler. */
  accept(connack: Connack): void {
    if (this.#state !== 'connecting') return
    this.#trace?.sentConnack(connack)
    this.#output.append(encodeConnack(this.#version, connack))
    this.#state = 'connected'
    this.#read()
  }

  /** Refuses the CONNECT and closes. @param code Reason Code of MQTT 5; others get the return code nearest to it */
  refuse(code: number): void {
    if (this.#state === 'closed') return
    this.#trace?.sentConnack({ sessionPresent: false, code })
    if (this.#version === 5) this.#output.append(encodeConnack(5, { sessionPresent: false, code }))
    else {
      const returnCode = toReturnCode(code)
      if (returnCode !== undefined) {
        this.#output.append(encodeConnack(this.#version, { sessionPresent: false, code: returnCode }))
      }
    }
    this.end()
  }

  /** Tells a MQTT 5 client why and closes; others are closed. [MQTT-5.0 4.13] */
  disconnect(code: number): void {
    if (this.#mayAnswer && this.#version === 5) this.#output.append(encodeDisconnect(code))
    this.end()
  }

  /** Sends what was written and closes. */
  end(): void {
    this.#close('ended')
  }

  /**
   * Stops taking packets, because more are being worked on than there should be; not from the middle of one. Silence does
   * not count against the client meanwhile.
   */
  hold(): void {
    this.#holds++
  }

  /** Takes one {@link hold} back; goes on after the last. */
  release(): void {
    if (--this.#holds === 0) this.#read()
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
    if (this.#state !== 'connected') return true
    const alias = this.#outgoingAliases?.for(message.topic)
    const { expiresAtMs } = message
    // One literal: spreading optional parts into it would cost more than writing the packet.
    const options: PublishOptions = {
      version: this.#version,
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
      if (alias?.isNew === true) this.#outgoingAliases?.forget(message.topic)
      return false
    }
    this.#trace?.sentPublish({ topic: message.topic, payloadBytes: message.payload.length, qos, retain, dup, packetId })
    this.#traffic.publishesSent++
    this.#traffic.publishBytesSent += message.payload.length
    const at = this.#output.reserve(bytes)
    this.#output.commit(writePublish(this.#output.slab, at, message, options))
    return true
  }

  sendAcknowledgement(type: AcknowledgementType, packetId: number, code: number): void {
    if (!this.#mayAnswer) return
    const endsExchange = type === packetType.puback || type === packetType.pubcomp
    if (endsExchange || (type === packetType.pubrec && code >= 0x80)) this.#window?.release(packetId)
    this.#trace?.sentAcknowledgement(type, packetId, code)
    this.#output.append(encodeAcknowledgement(type, packetId, code, this.#version))
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
    if (!this.#mayAnswer) return
    this.#trace?.sent('SUBACK')
    this.#output.append(encodeSuback(packetId, codes, this.#version))
  }

  sendUnsuback(packetId: number, codes: readonly number[]): void {
    if (!this.#mayAnswer) return
    this.#trace?.sent('UNSUBACK')
    this.#output.append(encodeUnsuback(packetId, codes, this.#version))
  }

  /** Also what came before the client's DISCONNECT is answered. */
  get #mayAnswer(): boolean {
    return this.#state === 'connected' || this.#state === 'leaving'
  }

  #onData(chunk: Buffer): void {
    if (this.#state === 'closed' || this.#state === 'leaving') return
    this.#framer.push(chunk)
    this.#read()
  }

  #onEnd(): void {
    this.#hasEnded = true
    this.#read()
  }

  #read(): void {
    try {
      while (this.#mayRead()) {
        const frame = this.#framer.next()
        if (frame === undefined) break
        this.#keepAlive.heard()
        this.#traffic.messagesReceived++
        this.#traffic.bytesReceived += frame.bytes
        this.#take(frame)
      }
    } catch (error) {
      if (error instanceof MqttError) this.#violated(error)
      else this.#failed(error)
    }
    this.#pace()
  }

  /**
   * A handler that failed: this connection cannot be trusted to be in step any more, the process can. Thrown on, it would
   * end the process from a socket's event, and the chain from a commit that released or accepted this client.
   */
  #failed(error: unknown): void {
    this.#handler.onFailure(error)
    if (this.#state === 'connecting') this.refuse(reasonCode.implementationSpecificError)
    else this.disconnect(reasonCode.implementationSpecificError)
  }

  #mayRead(): boolean {
    if (this.#holds > 0 || (this.#state !== 'new' && this.#state !== 'connected')) return false
    return this.#hasEnded || !this.isCongested
  }

  /** Reads from the socket only what will be taken soon. */
  #pace(): void {
    if (this.#state === 'closed' || this.#state === 'leaving') return
    const mustWait = !this.#mayRead()
    if (this.#hasEnded) {
      if (!mustWait) this.#close('closed-by-peer')
      return
    }
    this.#keepAlive.isSuspended = mustWait
    if (mustWait && (this.#holds > 0 || this.#framer.bufferedBytes >= heldAtBytes || this.#wasCongested))
      this.#transport.pause()
    else this.#transport.resume()
  }

  #take(frame: Frame): void {
    if (this.#state === 'new') {
      this.#connect(frame)
      return
    }
    const { type, flags, body } = frame
    const version = this.#version
    if (type !== packetType.publish && frame.bytes > maxControlPacketBytes) {
      throw new MqttError('ERR_MQTT_PACKET_TOO_LARGE', `a packet of ${frame.bytes} bytes that is no PUBLISH`)
    }
    switch (type) {
      case packetType.publish:
        this.#publish(parsePublish(flags, body, version), frame.bytes)
        return
      case packetType.puback:
      case packetType.pubrec:
      case packetType.pubrel:
      case packetType.pubcomp:
        this.#acknowledged(type, parseAcknowledgement(type, flags, body, version))
        return
      case packetType.subscribe:
        this.#subscribe(parseSubscribe(flags, body, version))
        return
      case packetType.unsubscribe:
        this.#unsubscribe(parseUnsubscribe(flags, body, version))
        return
      case packetType.pingreq:
        checkPingreq(flags, body, version)
        this.#trace?.received('PINGREQ')
        this.#trace?.sent('PINGRESP')
        this.#output.append(pingresp)
        return
      case packetType.disconnect:
        this.#leave(parseDisconnect(flags, body, version))
        return
      case packetType.connect:
        // [MQTT-3.1.1 3.1.0-2], [MQTT-5.0 3.1.0-2]
        throw protocolError('a second CONNECT')
      default:
        checkClientPacketType(type, version)
        throw protocolError('AUTH without an Authentication Method in CONNECT')
    }
  }

  #connect(frame: Frame): void {
    // [MQTT-3.1.1 3.1.0-1], [MQTT-5.0 3.1.0-1]
    if (frame.type !== packetType.connect) throw protocolError('the first packet is not CONNECT')
    const packet = parseConnect(frame.flags, frame.body)
    this.#version = packet.protocolVersion
    this.#framer.setMaxPacketBytes(this.#limits.maximumPacketSize)
    this.#framer.setProtocolVersion(packet.protocolVersion)
    this.#state = 'connecting'
    this.#receiveMaximum = packet.receiveMaximum
    this.#maximumPacketSize = Math.min(packet.maximumPacketSize ?? maxProtocolPacketBytes, maxProtocolPacketBytes)
    checkConnectOffered(packet, this.#limits)
    const { receiveMaximum, topicAliasMaximum, topicAliasMaximumOut } = this.#limits
    if (this.#version === 5) {
      this.#window = new ReceiveWindow(receiveMaximum || 65_535)
      this.#incomingAliases = new IncomingAliases(topicAliasMaximum)
      const outgoing = Math.min(packet.topicAliasMaximum, topicAliasMaximumOut)
      if (outgoing > 0) this.#outgoingAliases = new OutgoingAliases(outgoing)
    }
    this.#trace?.receivedConnect(packet.will)
    this.#keepAlive.start(this.keepAliveSecondsOf(packet))
    this.#handler.onConnect(packet)
  }

  /** Keep alive that holds for this client. [MQTT-5.0 3.2.2-21] */
  keepAliveSecondsOf({ keepAliveSeconds, protocolVersion }: ConnectPacket): number {
    const { maxKeepAliveSeconds } = this.#limits
    if (protocolVersion !== 5 || maxKeepAliveSeconds === 0) return keepAliveSeconds
    return keepAliveSeconds === 0 ? maxKeepAliveSeconds : Math.min(keepAliveSeconds, maxKeepAliveSeconds)
  }

  #publish(packet: PublishPacket, bytes: number): void {
    const { topicAlias, qos, packetId } = packet
    this.#traffic.publishesReceived++
    this.#traffic.publishBytesReceived += packet.payload.length
    checkPublishOffered(packet, this.#limits)
    let resolved = packet
    if (topicAlias !== undefined) {
      const topic = this.#incomingAliases?.resolve(topicAlias, packet.topic) ?? packet.topic
      if (topic !== packet.topic) resolved = { ...packet, topic }
    }
    if (qos > 0) this.#window?.take(packetId)
    this.#trace?.receivedPublish(resolved)
    this.#handler.onPublish(resolved, bytes)
  }

  #acknowledged(type: AcknowledgementType, packet: AcknowledgementPacket): void {
    this.#trace?.receivedAcknowledgement(type, packet.packetId, packet.reasonCode)
    this.#handler.onAcknowledgement(type, packet)
  }

  #subscribe(packet: SubscribePacket): void {
    this.#trace?.receivedSubscribe(packet)
    this.#handler.onSubscribe(packet)
  }

  #unsubscribe(packet: UnsubscribePacket): void {
    this.#trace?.receivedUnsubscribe(packet)
    this.#handler.onUnsubscribe(packet)
  }

  #leave(packet: DisconnectPacket): void {
    this.#trace?.received('DISCONNECT')
    this.#state = 'leaving'
    this.#keepAlive.stop()
    this.#transport.pause()
    this.#handler.onDisconnect(packet)
  }

  #violated(error: MqttError): void {
    if (this.#state === 'connected' && this.#version === 5) this.#output.append(encodeDisconnect(error.reasonCode))
    // Before CONNACK a client of MQTT 5 is told in one; older ones where their protocol has a code for it.
    else if (this.#state === 'connecting' || this.#state === 'new') this.#refuseViolation(error)
    this.#close(error)
  }

  /** The CONNECT, or what came in its place, was no good. [MQTT-5.0 4.13.1], [MQTT-3.1.1 3.1.4-1] */
  #refuseViolation({ reasonCode: code, details }: MqttError): void {
    if (this.#version === 5 || details.protocolVersion === 5) {
      this.#output.append(encodeConnack(5, { sessionPresent: false, code }))
      return
    }
    // A version that we do not know is told in the form that all know, what is no MQTT nothing; of all else 3.1.1 closes
    // without a word.
    const isVersionTold = code === reasonCode.unsupportedProtocolVersion && details.protocolVersion !== undefined
    const isTold = isVersionTold || code === reasonCode.clientIdentifierNotValid
    const returnCode = isTold ? toReturnCode(code) : undefined
    if (returnCode !== undefined) {
      this.#output.append(encodeConnack(this.#version, { sessionPresent: false, code: returnCode }))
    }
  }

  #onSilence(): void {
    if (this.#state === 'connected' && this.#version === 5) {
      this.#output.append(encodeDisconnect(reasonCode.keepAliveTimeout))
    }
    this.#close('keep-alive')
  }

  #relieve(): void {
    if (this.#state === 'closed') return
    if (this.#wasCongested && this.#output.bufferedBytes < congestedAtBytes) {
      this.#wasCongested = false
      try {
        this.#handler.onRelief()
      } catch (error) {
        this.#failed(error)
      }
    }
    this.#read()
  }

  #close(reason: CloseReason): void {
    if (this.#state === 'closed') return
    this.#output.flush()
    this.#state = 'closed'
    this.#keepAlive.stop()
    this.#transport.end()
    try {
      this.#handler.onClosed(reason)
    } catch (error) {
      this.#handler.onFailure(error)
    }
  }
}

/** What is left of a Message Expiry Interval. [MQTT-5.0 3.3.2-6] */
function secondsUntil(timeMs: number): number {
  // The clock may have been set back since the message came.
  return Math.min(0xffff_ffff, Math.max(0, Math.ceil((timeMs - Date.now()) / 1000)))
}
