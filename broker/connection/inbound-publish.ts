import {
  type FlowVerdict,
  type IncomingPublish,
  type Outlet,
  reservedPropertyPrefix,
  type Settlement,
  type VerifiedPublish,
} from '../../plugins/index.ts'
import { type ChainRecord, isBrokerTopic, type RefusalCause } from '../../protocol/index.ts'
import { type PublishPacket, packetType, reasonCode, type UserProperty } from '../edge/index.ts'
import { takeRequest } from '../notary-requests.ts'
import { Delivery } from '../sessions/delivery.ts'
import type { Session } from '../sessions/session.ts'
import type { ClientConnection } from './client-connection.ts'
import { isForgery } from './forgery.ts'
import { incomingProperties } from './incoming-properties.ts'

/**
 * One PUBLISH of a client, from its edge to its acknowledgement. Its record, the queue entries of its subscribers, its
 * retained copy and its packet id go to disk together; then it is delivered and acknowledged.
 */
export class InboundPublish implements Outlet {
  readonly #connection: ClientConnection
  readonly #packet: PublishPacket
  readonly #bytes: number
  #publish: IncomingPublish | undefined
  #delivery: Delivery | undefined
  #index: number | undefined

  constructor(connection: ClientConnection, packet: PublishPacket, bytes: number) {
    this.#connection = connection
    this.#packet = packet
    this.#bytes = bytes
  }

  begin(): void {
    const { session, edge, context, lane, inbound } = this.#connection
    // What a connection sent that lost its session meanwhile is not the session's any more.
    if (session === undefined || session.link !== edge) return
    const { outage } = context.gate.chain
    if (outage !== undefined) {
      this.#turnAway(outage.details.isDiskFull === true)
      return
    }
    const { qos, packetId } = this.#packet
    if (qos === 2 && this.#isRepeated(session, packetId)) return
    inbound.enter(this.#bytes)
    const publish = this.#incoming()
    this.#publish = publish
    context.gate.submit(publish, lane, this, () => this.#judge(publish))
  }

  refusalNow(): RefusalCause | undefined {
    return this.#connection.identity.mayWrite(this.#packet.topic) ? undefined : 'access-denied'
  }

  recorded(index: number, record: ChainRecord, verified: VerifiedPublish): void {
    const { qos, retain, properties, packetId } = this.#packet
    const { session, context } = this.#connection
    const { sessions } = context
    const message = sessions.view.messageOf(index, record, verified, properties)
    this.#index = index
    this.#delivery = new Delivery(sessions, message, session)
    // Of an envelope its inner payload counts: a signed publisher clears a topic with an empty one.
    if (retain) sessions.retained.apply(message, record.payloadSize === 0, this.#connection.identity.publisher)
    if (qos === 2 && session?.isDurable === true && !session.isEnded) {
      const exchange = session.incoming.get(packetId)
      if (exchange !== undefined) exchange.isStored = true
      sessions.store.putIncoming(session, packetId)
    }
  }

  repeated(index: number): void {
    this.#index = index
  }

  settle(settlement: Settlement): void {
    const { inbound } = this.#connection
    try {
      if (settlement === 'deliver') {
        const delivery = this.#delivery as Delivery
        delivery.deliver()
        this.#acknowledge(delivery.hasSubscribers ? reasonCode.success : reasonCode.noMatchingSubscribers)
      } else if (settlement === 'acknowledge') this.#acknowledge(reasonCode.success)
      else this.#refuse(settlement)
      if (this.#index !== undefined) this.#connection.receipts?.accepted(this.#index)
    } finally {
      inbound.leave(this.#bytes)
    }
  }

  /**
   * The store takes no writes. Where the disk is full, a new publish can be refused for good; else the connection ends,
   * and the client sends again on the next one.
   */
  #turnAway(isDiskFull: boolean): void {
    const { edge, version, context } = this.#connection
    const { qos, packetId } = this.#packet
    if (qos === 0) return
    if (!isDiskFull || version !== 5) {
      edge.disconnect(reasonCode.implementationSpecificError)
      return
    }
    context.refusals.tell(this.#connection, this.#packet, this.#incoming(), 'disk-full')
    const type = qos === 1 ? packetType.puback : packetType.pubrec
    // Nothing of this client is on its way any more, so nothing is overtaken.
    edge.sendAcknowledgement(type, packetId, reasonCode.quotaExceeded)
  }

  /**
   * A QoS 2 publish whose packet id is in use is the same one, sent again: it is recorded and delivered once.
   * [MQTT-5.0 4.3.3-10]
   */
  #isRepeated(session: Session, packetId: number): boolean {
    const { edge } = this.#connection
    const exchange = session.incoming.get(packetId)
    if (exchange === undefined) {
      session.incoming.set(packetId, { link: edge, isSettled: false, isStored: false })
      return false
    }
    exchange.link = edge
    // One that is on its way is answered when it is there; that answer goes to the connection that asked last.
    if (exchange.isSettled) {
      this.#connection.submit({
        bytes: 64,
        decide: () => undefined,
        settle: () => edge.sendAcknowledgement(packetType.pubrec, packetId, reasonCode.success),
      })
    }
    return true
  }

  #judge(publish: IncomingPublish): FlowVerdict | Promise<FlowVerdict> {
    const { context } = this.#connection
    const { topic, payload } = publish
    if (isBrokerTopic(topic)) return takeRequest(this.#connection, this.#packet)
    if (!this.#connection.identity.mayWrite(topic)) return { cause: 'access-denied' }
    const { messageSizeLimit } = context
    if (messageSizeLimit > 0 && payload.length > messageSizeLimit) return { cause: 'message-too-large' }
    if (context.isDiskFull()) return { cause: 'disk-full' }
    const verdict = context.gate.verify(publish)
    return verdict instanceof Promise ? this.#counted(verdict) : verdict
  }

  async #counted(verdict: Promise<FlowVerdict>): Promise<FlowVerdict> {
    const { inbound } = this.#connection
    inbound.enterVerification()
    try {
      return await verdict
    } finally {
      inbound.leaveVerification()
    }
  }

  #incoming(): IncomingPublish {
    const { topic, payload, qos, retain, properties } = this.#packet
    const { identity, exchange } = this.#connection
    // Not spread: that would cost more than all else here.
    const incoming = incomingProperties(properties)
    return {
      publisher: identity.publisher,
      topic,
      signedTopic: identity.remoteTopicOf(topic),
      payload,
      qos,
      retain,
      isWill: false,
      userProperties: incoming.userProperties,
      properties: incoming.properties,
      macSessions: exchange.sessions,
      source: this.#connection,
    }
  }

  #refuse(cause: RefusalCause): void {
    const { context, version, edge, session } = this.#connection
    const { qos, packetId } = this.#packet
    context.refusals.tell(this.#connection, this.#packet, this.#publish as IncomingPublish, cause)
    if (version === 5) this.#acknowledge(reasonOfRefusal(cause))
    else if (context.refuseV3 === 'disconnect') {
      // It may be sent again with its packet id, and must not be taken for one that is on its way then.
      if (qos === 2) session?.incoming.delete(packetId)
      edge.disconnect(reasonCode.notAuthorized)
    }
    // Older clients cannot be told: they are acknowledged, and the message is gone, as with Mosquitto's ACLs.
    else this.#acknowledge(reasonCode.success)
    if (isForgery(cause)) this.#connection.onForgery()
  }

  #acknowledge(code: number): void {
    const { qos, packetId } = this.#packet
    const { edge, session, context } = this.#connection
    const told = this.#index !== undefined && context.ackIndex ? indexProperty(this.#index) : undefined
    if (qos === 1) edge.sendAcknowledgement(packetType.puback, packetId, code, told)
    else if (qos === 2) {
      const exchange = session?.incoming.get(packetId)
      // "No matching subscribers" is said of QoS 1 only, as Mosquitto does.
      const said = code < 0x80 ? reasonCode.success : code
      if (exchange === undefined) return
      exchange.isSettled = true
      // A refusal ends the exchange: the packet id is free. [MQTT-5.0 4.3.3-9]
      if (said !== reasonCode.success) session?.incoming.delete(packetId)
      exchange.link.sendAcknowledgement(packetType.pubrec, packetId, said, told)
    }
  }
}

/** Where the record of a publish stands, for its publisher. */
function indexProperty(index: number): readonly UserProperty[] {
  return [[`${reservedPropertyPrefix}index`, String(index)]]
}

/** What a MQTT 5 publisher is told. */
function reasonOfRefusal(cause: RefusalCause): number {
  switch (cause) {
    // Mosquitto says "packet too large" of the latter, which no acknowledgement may. [MQTT-5.0 3.4.2.1]
    case 'disk-full':
    case 'message-too-large':
    case 'too-busy':
      return reasonCode.quotaExceeded
    default:
      return reasonCode.notAuthorized
  }
}
