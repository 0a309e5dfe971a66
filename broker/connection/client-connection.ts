import type { PublishPacket as EnginePublishPacket } from 'aedes'
import {
  afterEarlier,
  type ExchangeConnection,
  FailureBudget,
  Lane,
  type ReceiptQueue,
  type Submission,
} from '../../plugins/index.ts'
import { Edge } from '../edge/edge.ts'
import type { AcknowledgementType, CloseReason, EdgeHandler } from '../edge/edge-handler.ts'
import {
  type AcknowledgementPacket,
  type ConnectPacket,
  type DisconnectPacket,
  type PublishPacket,
  packetType,
  reasonCode,
  type SubscribePacket,
  type UnsubscribePacket,
} from '../edge/index.ts'
import { type Arrival, addressKey, type OpenListener, type Transport } from '../listeners/index.ts'
import { answerTooLarge, clientLeft, unknownClient } from '../log/messages.ts'
import { messageOf } from '../sessions/message.ts'
import type { Session } from '../sessions/session.ts'
import { ClientIdentity } from './client-identity.ts'
import { departureCause } from './close-reasons.ts'
import type { ConnectionContext } from './connection-context.ts'
import { ClientDeparture } from './departure.ts'
import { type EntryRefusal, entryOf } from './entry.ts'
import { Handshake } from './handshake.ts'
import { InboundLimit } from './inbound-limit.ts'
import { InboundPublish } from './inbound-publish.ts'
import type { ListenerRules } from './listener-rules.ts'
import { PacketLog } from './packet-log.ts'
import { PublishPace } from './publish-pace.ts'
import { releasePublish } from './pubrel.ts'
import { subscribe, unsubscribe } from './subscribing.ts'

/**
 * One client: stands between its edge, the engine, its session and the gate of publishes. Whatever it asks for takes its
 * place in the order of the chain, behind what it asked for before.
 *
 *     CONNECT                 entry.ts: is it in order -> handshake.ts: engine, login, session, CONNACK
 *     PUBLISH                 inbound-publish.ts: access, gate, record, delivery, PUBACK or PUBREC; notary-requests.ts
 *                             where the broker itself is asked
 *     PUBREL                  pubrel.ts
 *     SUBSCRIBE, UNSUBSCRIBE  subscribing.ts
 *     DISCONNECT, the end     departure.ts, then the session closes
 */
export class ClientConnection implements EdgeHandler {
  readonly context: ConnectionContext
  readonly transport: Transport
  readonly edge: Edge
  readonly identity: ClientIdentity
  readonly departure = new ClientDeparture()
  readonly lane = new Lane()
  readonly inbound: InboundLimit
  /** From its place in the order on, with which it was opened. */
  session: Session | undefined
  /** What it publishes is noted here, if it wants receipts. */
  receipts: ReceiptQueue | undefined
  readonly #failures: FailureBudget
  readonly #pace: PublishPace | undefined
  #isForger = false
  readonly #arrival: Arrival
  readonly #rules: ListenerRules
  #exchange: ExchangeConnection | undefined
  readonly #departed = new AbortController()
  /** Undefined until a CONNECT was found to be in order. */
  #handshake: Handshake | undefined

  constructor(transport: Transport, arrival: Arrival, rules: ListenerRules, context: ConnectionContext) {
    this.transport = transport
    this.#rules = rules
    this.#arrival = arrival
    this.context = context
    this.identity = new ClientIdentity(arrival, rules.security, context)
    const { flushQueue: queue, counters: traffic, log } = context
    const trace = log.isOn('debug') ? new PacketLog(this, log.debug) : undefined
    this.edge = new Edge(transport, rules.limits, this, { queue, traffic, trace })
    this.inbound = new InboundLimit(this.edge, () => context.gate.chain.pendingBytes)
    this.#failures = new FailureBudget(rules.failureBudget)
    if (rules.publishRate !== undefined) this.#pace = new PublishPace(this.edge, rules.publishRate)
  }

  /** Client id. */
  get id(): string {
    return this.identity.clientId
  }

  /** Protocol version. */
  get version(): number {
    return this.edge.protocolVersion
  }

  /** A bridge of Mosquitto, which says so. */
  get isBridge(): boolean {
    return this.#handshake?.packet.isBridge === true
  }

  get isAdministrator(): boolean {
    return this.identity.isAdministrator
  }

  get isCongested(): boolean {
    return this.edge.isCongested
  }

  get peer(): string {
    return `${this.transport.remoteAddress}:${this.transport.remotePort}`
  }

  /** Its session for hop MACs, and how often it may ask for one. */
  get exchange(): ExchangeConnection {
    this.#exchange ??= this.context.keyExchange.connect(this.id)
    return this.#exchange
  }

  /** Aborted when the connection is over: what it asked for need not be done. */
  get departed(): AbortSignal {
    return this.#departed.signal
  }

  /** SHA-256 of the certificate (DER) that it was shown; undefined without TLS. */
  get serverCertificateSha256(): Uint8Array | undefined {
    return this.#arrival.tls?.serverCertificateSha256()
  }

  /** A signature or MAC of it did not verify: who does that too often has to go, and does not come back at once. */
  onForgery(): void {
    // What was on its way when it was disconnected is no second offence.
    if (this.#isForger || this.#failures.spend()) return
    this.#isForger = true
    this.penalise()
    this.context.counters.forgersDisconnected++
    this.context.log.notice(`Client ${this.id} disconnected: too many envelopes that do not verify.`)
    this.edge.disconnect(reasonCode.connectionRateExceeded)
  }

  /** Its address has to wait before it may connect again. */
  penalise(): void {
    this.context.penalties.penalise(addressKey(this.transport.remoteAddress))
  }

  /** The rules were read anew: who would not be let in any more is let go. @param listener that it came in by */
  applyRules(listener: Pick<OpenListener, 'certificateProblem'> | undefined): void {
    const why = this.identity.applyRules(listener)
    if (why === undefined) return
    this.context.log.notice(`Client ${this.id} disconnected: ${why}.`)
    this.edge.disconnect(reasonCode.notAuthorized)
  }

  /**
   * Sends a message of the broker to this client only: neither recorded nor queued.
   * @returns false when it is larger than the client takes [MQTT-5.0 3.1.2-24], and was left out
   */
  publish(packet: EnginePublishPacket, done: (error?: Error) => void): boolean {
    const { topic, properties, retain } = packet
    const correlationData = properties?.correlationData
    const message = messageOf({
      index: 0,
      topic,
      payload: Buffer.from(packet.payload),
      qos: 0,
      retain,
      properties: correlationData === undefined ? undefined : { correlationData },
      timeMs: 0,
    })
    const fits =
      this.edge.isCongested || this.edge.sendPublish(message, 0, retain, false, 0, this.#identifiersOf(topic))
    if (!fits) {
      this.context.counters.answersTooLarge++
      this.context.log.notice(answerTooLarge(this.id, topic, message.payload.length))
    }
    done()
    return fits
  }

  /** Of the subscription to this very topic, which is how clients subscribe below `$notary/`. [MQTT-5.0 3.3.4-3] */
  #identifiersOf(topic: string): readonly number[] {
    const identifier = this.session?.subscriptions.get(topic)?.subscriptionIdentifier
    return identifier === undefined ? [] : [identifier]
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

  onConnect(packet: ConnectPacket): void {
    this.#arrival.connected()
    this.context.counters.connections++
    const { certificateUsername } = this.#arrival
    const username = certificateUsername === undefined ? packet.username : certificateUsername
    const entry = entryOf(packet, username, this.#rules, this.context)
    if ('code' in entry) {
      this.#refuse(packet.clientId, entry)
      return
    }
    this.identity.claim(entry)
    this.#handshake = new Handshake(this, packet, this.#rules.limits)
    this.#handshake.begin()
  }

  #refuse(clientId: string, { why, code }: EntryRefusal): void {
    if (why !== undefined) {
      this.context.counters.loginsRefused++
      this.context.log.notice(`Client ${clientId || unknownClient} from ${this.peer} refused: ${why}`)
    }
    this.edge.refuse(code)
  }

  /** Whether the client may come in. Asked by the engine, in the middle of the handshake. */
  async logIn(): Promise<boolean> {
    return (await this.#handshake?.logIn()) === true
  }

  onPublish(packet: PublishPacket, bytes: number): void {
    this.#pace?.enter()
    new InboundPublish(this, packet, bytes).begin()
  }

  onAcknowledgement(type: AcknowledgementType, packet: AcknowledgementPacket): void {
    const { session } = this
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

  onDisconnect(packet: DisconnectPacket): void {
    const isAllowed = this.departure.announce(packet, this.#handshake?.packet.sessionExpiryIntervalSeconds ?? 0)
    // What it sent before is answered first.
    if (isAllowed) this.submit(afterEarlier(() => this.edge.end()))
    else this.edge.disconnect(reasonCode.protocolError)
  }

  /**
   * The store takes no writes, and what was being written may be there or not: who waits for an answer gets none, and
   * sends again on the next connection.
   */
  onOutage(): void {
    if (this.inbound.isWaiting) this.edge.disconnect(reasonCode.implementationSpecificError)
  }

  onRelief(): void {
    this.session?.outbox.resume()
  }

  onClosed(reason: CloseReason): void {
    this.#logDeparture(reason)
    this.#pace?.stop()
    this.#exchange?.sessions.close()
    this.context.topics.forget(this)
    this.#departed.abort()
    this.context.receipts.forget(this)
    // Who was turned away before has no session. While the store takes no writes clients come again and again.
    if (this.#handshake === undefined) return
    this.#handshake.end()
    this.submit({
      bytes: 512,
      decide: () => {
        if (this.session !== undefined) this.context.sessions.closeSession(this.session, this.edge)
        return undefined
      },
      settle: () => {},
    })
  }

  #logDeparture(reason: CloseReason): void {
    const { connectionMessages, log } = this.context
    if (typeof reason !== 'string') log.debug(`Client ${this.id} from ${this.peer}: ${reason.code}: ${reason.message}`)
    if (!connectionMessages) return
    // Mosquitto does not name who was not let in; the address tells an operator more than nothing.
    const name = this.id === '' ? `${unknownClient} from ${this.peer}` : this.id
    log.notice(clientLeft(name, departureCause(reason, this.departure.hasLeft)))
  }

  onFailure(error: unknown): void {
    this.context.onError(error)
  }
}
