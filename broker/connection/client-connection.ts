import type { PublishPacket as EnginePublishPacket } from 'aedes'
import { afterEarlier, type ClientAccess, Lane, type Publisher, type Submission } from '../../plugins/index.ts'
import { Edge } from '../edge/edge.ts'
import type { AcknowledgementType, CloseReason, EdgeHandler } from '../edge/edge-handler.ts'
import {
  type AcknowledgementPacket,
  type Connack,
  type ConnectPacket,
  type DisconnectPacket,
  encodeConnect,
  type PublishPacket,
  packetType,
  reasonCode,
  type SubscribePacket,
  type UnsubscribePacket,
} from '../edge/index.ts'
import type { Arrival, OpenListener, Transport } from '../listeners/index.ts'
import { clientConnected, clientLeft, unknownClient } from '../log/messages.ts'
import type { Login } from '../security/login.ts'
import { messageOf } from '../sessions/message.ts'
import type { Session } from '../sessions/session.ts'
import { acceptingConnack } from './accepting-connack.ts'
import { departureCause } from './close-reasons.ts'
import { reasonOfReturnCode } from './connack.ts'
import type { ConnectionContext } from './connection-context.ts'
import { engineClientId } from './engine-client-id.ts'
import { type EngineListener, EngineStream } from './engine-stream.ts'
import { type EntryRefusal, entryOf } from './entry.ts'
import { InboundLimit } from './inbound-limit.ts'
import { InboundPublish } from './inbound-publish.ts'
import type { ListenerRules } from './listener-rules.ts'
import { PacketLog } from './packet-log.ts'
import { releasePublish } from './pubrel.ts'
import { resumeNotarySubscriptions, subscribe, unsubscribe } from './subscribing.ts'

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
  readonly #rules: ListenerRules
  #login: Login | undefined
  #access: ClientAccess | undefined
  #clientId = ''
  #publisher: Publisher | undefined
  #connect: ConnectPacket | undefined
  #session: Session | undefined
  #stream: EngineStream | undefined
  #engineReason: number | undefined
  #sessionExpiryIntervalSeconds: number | undefined
  #isWillWanted = true
  #hasLeft = false

  constructor(transport: Transport, arrival: Arrival, rules: ListenerRules, context: ConnectionContext) {
    this.transport = transport
    this.#rules = rules
    this.#arrival = arrival
    this.context = context
    const { flushQueue: queue, counters: traffic, log } = context
    const trace = log.isOn('debug') ? new PacketLog(this, log.debug) : undefined
    this.edge = new Edge(transport, rules.limits, this, { queue, traffic, trace })
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

  /** A bridge of Mosquitto, which says so. */
  get isBridge(): boolean {
    return this.#connect?.isBridge === true
  }

  get session(): Session | undefined {
    return this.#session
  }

  /** Proven when it is logged in, else as it says. */
  get username(): string | undefined {
    return this.#login === undefined ? this.#claimedUsername : this.#login.username
  }

  get #claimedUsername(): string | undefined {
    return this.#arrival.certificateUsername ?? this.#connect?.username
  }

  /** Who it is, when it was let in. */
  get login(): Login | undefined {
    return this.#login
  }

  get will(): ConnectPacket['will'] {
    return this.#connect?.will
  }

  get peer(): string {
    return `${this.transport.remoteAddress}:${this.transport.remotePort}`
  }

  /** As records name it. Of one that was not let in, what it says of itself. */
  get publisher(): Publisher {
    if (this.#login !== undefined && this.#publisher !== undefined) return this.#publisher
    const { name: listener, isTls } = this.#arrival.listener
    const auth = this.#login?.auth ?? 'none'
    this.#publisher = { clientId: this.#clientId, username: this.username, auth, listener, isTls }
    return this.#publisher
  }

  /** May use the admin topic: an anonymous client of this machine where that is allowed, or a proven name. */
  get isAdministrator(): boolean {
    const { isLoopback, protocol } = this.#arrival.listener
    const { anonymousAdmin, admins } = this.context
    if (this.username === undefined) return anonymousAdmin && isLoopback && protocol === 'mqtt'
    return this.#login !== undefined && this.#login.auth !== 'none' && admins.has(this.username)
  }

  mayWrite(topicName: string): boolean {
    return this.#access === undefined || this.#access.mayWrite(topicName)
  }

  /**
   * The rules were read anew: they hold from now on, and who would not be let in any more is let go.
   * @param listener that it came in by; undefined: it is one of the broker's own
   */
  applyRules(listener: Pick<OpenListener, 'certificateProblem'> | undefined): void {
    if (this.#login === undefined || this.#arrival.bridge !== undefined) return
    const certificate = this.#arrival.tls?.peerCertificate
    const problem = certificate === undefined ? undefined : listener?.certificateProblem(certificate)
    if (problem !== undefined || !this.#rules.security.holds(this.#login)) {
      const why = problem === undefined ? '' : `: its certificate is not good any more (${problem})`
      this.context.log.notice(`Client ${this.id} disconnected: not authorised any more${why}.`)
      this.edge.disconnect(reasonCode.notAuthorized)
      return
    }
    this.#access = this.#rules.security.accessOf(this.id, this.username)
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
    this.context.counters.connections++
    this.#connect = packet
    const { certificateUsername } = this.#arrival
    const username = certificateUsername === undefined ? packet.username : certificateUsername
    const entry = entryOf(packet, username, this.#rules, this.context)
    if ('code' in entry) {
      this.#refuse(entry)
      return
    }
    this.#clientId = entry.clientId
    this.#stream = new EngineStream(this)
    this.context.streams.set(this.#stream, this)
    this.context.engine.handle(this.#stream)
    // A will, a keep alive and a session are not the engine's business.
    const { protocolVersion: version, password, authenticationMethod, authenticationData } = packet
    const clientId = engineClientId(this.id)
    const connect = {
      version,
      clientId,
      cleanStart: true,
      username: packet.username,
      password,
      authenticationMethod,
      authenticationData,
    }
    this.#stream.push(encodeConnect(connect))
  }

  #refuse({ why, code }: EntryRefusal): void {
    if (why !== undefined) {
      this.context.counters.loginsRefused++
      const name = this.#connect?.clientId === '' ? unknownClient : this.#connect?.clientId
      this.context.log.notice(`Client ${name} from ${this.peer} refused: ${why}`)
    }
    this.edge.refuse(code)
  }

  /** Whether the client may come in. Asked by the engine, in the middle of the handshake. */
  async logIn(): Promise<boolean> {
    const { certificateUsername, bridge } = this.#arrival
    const connect = this.#connect as ConnectPacket
    const { username, password } = connect
    if (bridge !== undefined) {
      // The broker made it itself; as with Mosquitto neither password nor access control list stands in its way.
      this.#login = { username, auth: 'none' }
      return true
    }
    const login = await this.#rules.security.authenticate({
      username,
      password,
      certificateUsername: certificateUsername ?? undefined,
    })
    // The password is not kept; neither is it in the session.
    this.#connect = { ...connect, password: undefined }
    if (login === undefined) {
      this.context.counters.loginsRefused++
      const user = this.username === undefined ? '' : ` (u'${this.username}')`
      this.context.log.notice(`Client ${this.id} from ${this.peer} refused: not authorised${user}`)
      return false
    }
    this.#login = login
    this.#access = this.#rules.security.accessOf(this.id, login.username)
    return true
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

  #connack(sessionPresent: boolean): Connack {
    const connect = this.#connect as ConnectPacket
    return acceptingConnack(connect, {
      clientId: this.id,
      sessionPresent,
      keepAliveSeconds: this.edge.keepAliveSecondsOf(connect),
      limits: this.#rules.limits,
      responseInformation: this.context.responseInformation,
    })
  }

  #logArrival(): void {
    const { connectionMessages, log } = this.context
    if (!connectionMessages) return
    log.notice(
      clientConnected({
        address: this.transport.remoteAddress,
        port: this.transport.remotePort,
        clientId: this.id,
        protocolVersion: this.version,
        cleanStart: this.#connect?.cleanStart === true,
        keepAliveSeconds: this.#connect?.keepAliveSeconds ?? 0,
        username: this.username,
      }),
    )
  }

  #logDeparture(reason: CloseReason): void {
    const { connectionMessages, log } = this.context
    if (typeof reason !== 'string') log.debug(`Client ${this.id} from ${this.peer}: ${reason.code}: ${reason.message}`)
    if (!connectionMessages) return
    const cause = departureCause(reason, this.#hasLeft)
    // Mosquitto does not name who was not let in; the address tells an operator more than nothing.
    log.notice(clientLeft(this.#clientId === '' ? `${unknownClient} from ${this.peer}` : this.id, cause))
  }
}
