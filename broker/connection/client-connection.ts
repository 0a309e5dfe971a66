import { randomUUID } from 'node:crypto'
import type { PublishPacket as EnginePublishPacket } from 'aedes'
import { afterEarlier, Lane, type Publisher, type Submission } from '../../plugins/index.ts'
import { checkWill } from '../connect-rules.ts'
import { Edge } from '../edge/edge.ts'
import type { AcknowledgementType, CloseReason, EdgeHandler } from '../edge/edge-handler.ts'
import {
  type AcknowledgementPacket,
  type ConnectPacket,
  type DisconnectPacket,
  encodeConnect,
  type PublishPacket,
  packetType,
  reasonCode,
  type SubscribePacket,
  type UnsubscribePacket,
} from '../edge/index.ts'
import type { Arrival, Transport } from '../listeners/index.ts'
import { messageOf } from '../sessions/message.ts'
import type { Session } from '../sessions/session.ts'
import { describeClose } from './close-reasons.ts'
import { reasonOfReturnCode } from './connack.ts'
import type { ConnectionContext } from './connection-context.ts'
import { engineClientId } from './engine-client-id.ts'
import { type EngineListener, EngineStream } from './engine-stream.ts'
import { InboundLimit } from './inbound-limit.ts'
import { InboundPublish } from './inbound-publish.ts'
import { releasePublish } from './pubrel.ts'
import { resumeNotarySubscriptions, subscribe, unsubscribe } from './subscribing.ts'

/** [MQTT-5.0 1.5.4] */
const maxStringBytes = 65_535
/** As Mosquitto names clients that come without an id. */
const autoIdPrefix = 'auto-'
/** Numbers that Mosquitto 2.0 prints for the protocol versions 3.1, 3.1.1 and 5. */
const protocolNumbers: Readonly<Record<number, number>> = { 3: 1, 4: 2, 5: 5 }

/**
 * One client, from its CONNECT on: stands between its edge, the engine, its session and the gate of publishes. Whatever
 * it asks for takes its place in the order of the chain, behind what it asked for before.
 */
export class ClientConnection implements EdgeHandler, EngineListener {
  readonly context: ConnectionContext
  readonly edge: Edge
  readonly lane = new Lane()
  readonly transport: Transport
  readonly inbound: InboundLimit
  readonly #arrival: Arrival
  #clientId = ''
  #publisher: Publisher | undefined
  #connect: ConnectPacket | undefined
  #session: Session | undefined
  #stream: EngineStream | undefined
  #engineReason: number | undefined
  #sessionExpiryIntervalSeconds: number | undefined
  #isWillWanted = true
  #hasLeft = false

  constructor(transport: Transport, arrival: Arrival, context: ConnectionContext) {
    this.transport = transport
    this.#arrival = arrival
    this.context = context
    this.edge = new Edge(transport, context.limits, this, context.flushQueue)
    this.inbound = new InboundLimit(this.edge, () => context.gate.chain.pendingBytes)
  }

  /** Client id. */
  get id(): string {
    return this.#clientId
  }

  /** Protocol version. */
  get version(): number {
    return this.edge.protocolVersion
  }

  get session(): Session | undefined {
    return this.#session
  }

  get username(): string | undefined {
    return this.#connect?.username
  }

  get will(): ConnectPacket['will'] {
    return this.#connect?.will
  }

  get peer(): string {
    return `${this.transport.remoteAddress}:${this.transport.remotePort}`
  }

  /** As records name it. */
  get publisher(): Publisher {
    this.#publisher ??= {
      clientId: this.#clientId,
      username: this.username,
      auth: 'none',
      listener: this.#arrival.listener.name,
    }
    return this.#publisher
  }

  /** May use the admin topic. */
  get isAdministrator(): boolean {
    const { isLoopback, protocol } = this.#arrival.listener
    return this.context.anonymousAdmin && isLoopback && protocol === 'mqtt' && this.username === undefined
  }

  /** Sends a message of the broker to this client only: neither recorded nor queued. */
  publish(packet: EnginePublishPacket, done: (error?: Error) => void): void {
    const { topic, properties } = packet
    const correlationData = properties?.correlationData
    const message = messageOf({
      index: 0,
      topic,
      payload: Buffer.from(packet.payload),
      qos: 0,
      retain: false,
      properties: correlationData === undefined ? undefined : { correlationData },
      timeMs: 0,
    })
    if (!this.edge.isCongested) this.edge.sendPublish(message, 0, false, false, 0)
    done()
  }

  /**
   * Sends something on its way through the sequencer, behind what this client sent before.
   * When the chain is closed or has failed, nothing is answered.
   */
  submit(submission: Submission): void {
    const guarded: Submission = {
      bytes: submission.bytes,
      decide: (index, timeMs) => this.#guard(() => submission.decide(index, timeMs)),
      settle: () => this.#guard(() => submission.settle()),
    }
    this.lane.run(() => {
      try {
        this.context.gate.chain.submit(guarded)
      } catch (error) {
        this.context.onError(error)
        this.edge.disconnect(reasonCode.implementationSpecificError)
      }
    })
  }

  onConnect(packet: ConnectPacket): void {
    this.#arrival.connected()
    this.#connect = packet
    this.#clientId = packet.clientId === '' ? `${autoIdPrefix}${randomUUID().toUpperCase()}` : packet.clientId
    const refusal = checkWill(packet.will, this.context.policy)
    if (refusal !== undefined) {
      this.context.log.notice(`Client ${this.id} from ${this.peer} refused: ${refusal}`)
      this.edge.refuse(reasonCode.notAuthorized)
      return
    }
    if (this.context.gate.chain.outage !== undefined) {
      this.edge.refuse(reasonCode.serverUnavailable)
      return
    }
    const { maxKeepAliveSeconds } = this.context.limits
    const wanted = packet.keepAliveSeconds
    if (packet.protocolVersion < 5 && maxKeepAliveSeconds > 0 && (wanted === 0 || wanted > maxKeepAliveSeconds)) {
      // Mosquitto's answer to one that cannot be told a shorter one.
      this.edge.refuse(reasonCode.clientIdentifierNotValid)
      return
    }
    this.#stream = new EngineStream(this)
    this.context.streams.set(this.#stream, this)
    this.context.engine.handle(this.#stream)
    // A will, a keep alive and a session are not the engine's business.
    const { protocolVersion: version, username, password, authenticationMethod, authenticationData } = packet
    const clientId = engineClientId(this.id)
    const connect = {
      version,
      clientId,
      cleanStart: true,
      username,
      password,
      authenticationMethod,
      authenticationData,
    }
    this.#stream.push(encodeConnect(connect))
  }

  onEngineConnack(code: number): void {
    if (code !== 0) {
      this.edge.refuse(this.version === 5 ? code : reasonOfReturnCode(code))
      return
    }
    let isPresent = false
    this.submit({
      bytes: 512,
      decide: () => {
        const connect = this.#connect
        if (connect === undefined || this.edge.isClosed) return undefined
        const departure = () => ({
          publishWill: this.#isWillWanted,
          sessionExpiryIntervalSeconds: this.#sessionExpiryIntervalSeconds,
        })
        const request = { ...connect, clientId: this.id, publisher: this.publisher, departure }
        const opened = this.context.sessions.openSession(request, this.edge)
        this.#session = opened.session
        isPresent = opened.isPresent
        return undefined
      },
      settle: () => {
        const session = this.#session
        if (session === undefined || session.link !== this.edge) return
        this.#logArrival()
        if (isPresent) resumeNotarySubscriptions(this)
        this.edge.accept(this.#connack(isPresent))
        session.outbox.attach(this.edge)
      },
    })
  }

  /** The engine says why it is about to give the connection up. */
  onEngineDisconnect(code: number): void {
    this.#engineReason = code
  }

  onDisconnect(packet: DisconnectPacket): void {
    const { reasonCode: code, sessionExpiryIntervalSeconds } = packet
    if (sessionExpiryIntervalSeconds !== undefined) {
      // [MQTT-5.0 3.14.2.2.2]
      if (sessionExpiryIntervalSeconds > 0 && this.#connect?.sessionExpiryIntervalSeconds === 0) {
        this.edge.disconnect(reasonCode.protocolError)
        return
      }
      this.#sessionExpiryIntervalSeconds = sessionExpiryIntervalSeconds
    }
    this.#hasLeft = true
    // [MQTT-5.0 3.1.2-8, 3.14.4-3]: any other code than success publishes it.
    this.#isWillWanted = code !== reasonCode.success
    // What it sent before is answered first.
    this.submit(afterEarlier(() => this.edge.end()))
  }

  /** The engine has closed the connection: somebody else has the client id, or the broker ends. */
  onEngineEnd(): void {
    this.edge.disconnect(this.#engineReason ?? reasonCode.sessionTakenOver)
  }

  onPublish(packet: PublishPacket, bytes: number): void {
    new InboundPublish(this, packet, bytes).begin()
  }

  onAcknowledgement(type: AcknowledgementType, packet: AcknowledgementPacket): void {
    const session = this.#session
    if (session === undefined || session.link !== this.edge) return
    const { packetId } = packet
    switch (type) {
      case packetType.puback:
        session.outbox.puback(packetId)
        return
      case packetType.pubrec:
        session.outbox.pubrec(packetId, packet.reasonCode >= 0x80)
        return
      case packetType.pubcomp:
        session.outbox.pubcomp(packetId)
        return
      case packetType.pubrel:
        releasePublish(this, packetId)
        return
    }
  }

  onSubscribe(packet: SubscribePacket): void {
    subscribe(this, packet)
  }

  onUnsubscribe(packet: UnsubscribePacket): void {
    unsubscribe(this, packet)
  }

  /**
   * The store takes no writes, and what was being written may be there or not: who waits for an answer gets none, and
   * sends again on the next connection.
   */
  onOutage(): void {
    if (this.inbound.isWaiting) this.edge.disconnect(reasonCode.implementationSpecificError)
  }

  onRelief(): void {
    this.#session?.outbox.resume()
  }

  onClosed(reason: CloseReason): void {
    this.#logDeparture(reason)
    this.#stream?.destroy()
    // Who was turned away before has no session. While the store takes no writes clients come again and again.
    if (this.#stream === undefined) return
    this.submit({
      bytes: 512,
      decide: () => {
        if (this.#session !== undefined) this.context.sessions.closeSession(this.#session, this.edge)
        return undefined
      },
      settle: () => {},
    })
  }

  /** What throws in a commit would fail the chain for everybody: it ends this connection instead. */
  #guard<T>(step: () => T): T | undefined {
    try {
      return step()
    } catch (error) {
      this.context.onError(error)
      this.edge.disconnect(reasonCode.implementationSpecificError)
      return undefined
    }
  }

  onFailure(error: unknown): void {
    this.context.onError(error)
  }

  #connack(sessionPresent: boolean) {
    const connect = this.#connect as ConnectPacket
    if (connect.protocolVersion !== 5) return { sessionPresent, code: 0 }
    const { limits } = this.context
    const responseInformation = this.#responseInformation(connect)
    const keepAliveSeconds = this.edge.keepAliveSecondsOf(connect)
    return {
      sessionPresent,
      code: 0,
      ...(keepAliveSeconds === connect.keepAliveSeconds ? undefined : { serverKeepAliveSeconds: keepAliveSeconds }),
      ...(limits.topicAliasMaximum === 0 ? undefined : { topicAliasMaximum: limits.topicAliasMaximum }),
      ...(connect.clientId === '' ? { assignedClientId: this.id } : undefined),
      ...(limits.maximumPacketSize === 0 ? undefined : { maximumPacketSize: limits.maximumPacketSize }),
      ...(limits.receiveMaximum === 0 ? undefined : { receiveMaximum: limits.receiveMaximum }),
      ...(responseInformation === undefined ? undefined : { responseInformation }),
    }
  }

  /** Left out, as it may be, where a long client id would make more of it than fits (MQTT 5.0 3.1.2.11.6). */
  #responseInformation({ requestResponseInformation }: ConnectPacket): string | undefined {
    const { responseInformation } = this.context
    if (!requestResponseInformation || responseInformation === undefined) return undefined
    const text = `${responseInformation}${this.id}`
    return Buffer.byteLength(text) > maxStringBytes ? undefined : text
  }

  #logArrival(): void {
    const user = this.username === undefined ? '' : `, u'${this.username}'`
    const clean = this.#connect?.cleanStart === true ? 1 : 0
    const keepAlive = this.#connect?.keepAliveSeconds ?? 0
    const flags = `p${protocolNumbers[this.version]}, c${clean}, k${keepAlive}${user}`
    this.context.log.notice(`New client connected from ${this.peer} as ${this.id} (${flags}).`)
  }

  #logDeparture(reason: CloseReason): void {
    const name = this.#clientId === '' ? `<unknown> from ${this.peer}` : this.#clientId
    this.context.log.notice(`Client ${name} ${describeClose(reason, this.#hasLeft)}.`)
  }
}
