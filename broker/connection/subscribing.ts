import { isBelowNotary } from '../../protocol/index.ts'
import {
  maxTopicLevels,
  reasonCode,
  type SubscribePacket,
  subackFailure,
  topicLevels,
  type UnsubscribePacket,
} from '../edge/index.ts'
import { parseSharedFilter } from '../router/index.ts'
import { type RetainedDelivery, wantsRetained } from '../sessions/subscriptions.ts'
import type { ClientConnection } from './client-connection.ts'

/** One SUBSCRIBE brings each retained message so often at most, however many of its filters match. */
const retainedRounds = 4

/**
 * SUBSCRIBE takes effect at its place in the order: publishes recorded before it are retained messages to it, those
 * after it are live ones, and none is both or neither. Subscriptions of a session on disk are there before SUBACK.
 */
export function subscribe(connection: ClientConnection, packet: SubscribePacket): void {
  const { context, edge, version } = connection
  const codes: number[] = []
  const retained: Pick<RetainedDelivery, 'deliver'>[] = []
  // One at a time: a few bytes that ask for all retained messages may come thousands of times in one read.
  edge.hold()
  connection.submit({
    bytes: 512,
    decide: () => {
      const { session } = connection
      if (session === undefined || session.link !== edge) return undefined
      const mostRetained = retainedRounds * context.sessions.retained.size
      const { isBridge } = connection
      for (const { topicFilter, qos, retainHandling, ...wanted } of packet.subscriptions) {
        const noLocal = wanted.noLocal || isBridge
        const retainAsPublished = wanted.retainAsPublished || isBridge
        const { subscriptionIdentifier } = packet
        const refusal = refusalOfFilter(connection, topicFilter, retainAsPublished)
        if (refusal !== undefined) {
          context.log.notice(`Denied SUBSCRIBE from ${connection.id} to '${topicFilter}'`)
          codes.push(version === 5 ? refusal : subackFailure)
          continue
        }
        context.log.subscribe(`${connection.id} ${qos} ${topicFilter}`)
        codes.push(qos)
        const options = { qos, noLocal, retainAsPublished, retainHandling, subscriptionIdentifier }
        if (isBelowNotary(topicFilter)) {
          const isNew = !session.subscriptions.has(topicFilter)
          context.sessions.keepSubscription(session, topicFilter, options)
          if (wantsRetained(topicFilter, options, isNew)) {
            retained.push({ deliver: () => context.topics.sendRetained(connection, topicFilter) })
          }
        } else {
          const isWithRetained = retained.length < mostRetained
          // Not spread into one call: there may be more of them than a call takes arguments.
          for (const delivery of context.sessions.subscribe(session, topicFilter, options, isWithRetained))
            retained.push(delivery)
        }
      }
      updateReceipts(connection)
      return undefined
    },
    settle: () => {
      const { session } = connection
      if (session !== undefined && session.link === edge) {
        edge.sendSuback(packet.packetId, codes)
        for (const delivery of retained) delivery.deliver()
      }
      edge.release()
    },
  })
}

/** [MQTT-5.0 3.10.4] */
export function unsubscribe(connection: ClientConnection, packet: UnsubscribePacket): void {
  const { context, edge } = connection
  const codes: number[] = []
  // One at a time, as above.
  edge.hold()
  connection.submit({
    bytes: 512,
    decide: () => {
      const { session } = connection
      if (session === undefined || session.link !== edge) return undefined
      context.topics.unsubscribe(connection, packet.topicFilters)
      for (const topicFilter of packet.topicFilters) {
        context.log.unsubscribe(`${connection.id} ${topicFilter}`)
        const wasThere = context.sessions.unsubscribe(session, topicFilter)
        codes.push(wasThere ? reasonCode.success : reasonCode.noSubscriptionExisted)
      }
      updateReceipts(connection)
      return undefined
    },
    settle: () => {
      edge.sendUnsuback(packet.packetId, codes)
      edge.release()
    },
  })
}

/** A session that goes on has its subscriptions below `$notary/` again, which are known by connection. */
export function resumeNotarySubscriptions(connection: ClientConnection): void {
  for (const [topicFilter, { retainAsPublished }] of connection.session?.subscriptions ?? []) {
    if (isBelowNotary(topicFilter)) connection.context.topics.subscribe(connection, topicFilter, retainAsPublished)
  }
  updateReceipts(connection)
}

/**
 * Its subscriptions have changed: perhaps it begins to want receipts, or wants none any more. A connection that ended
 * before its SUBSCRIBE had its turn is forgotten once more, as nobody else would.
 */
function updateReceipts(connection: ClientConnection): void {
  const { context, edge, identity } = connection
  if (edge.isClosed) {
    context.topics.forget(connection)
    context.receipts.forget(connection)
  } else connection.receipts = context.receipts.queueOf(connection, identity.publisher)
}

/** @returns the Reason Code that says no, or undefined */
function refusalOfFilter(
  connection: ClientConnection,
  topicFilter: string,
  retainAsPublished: boolean,
): number | undefined {
  if (topicLevels(topicFilter) > maxTopicLevels) return reasonCode.topicFilterInvalid
  const shared = parseSharedFilter(topicFilter)
  // What is told to one client is nothing to take turns at.
  if (shared !== undefined && isBelowNotary(shared.filter)) return reasonCode.notAuthorized
  if (!isBelowNotary(topicFilter)) return undefined
  const { topics } = connection.context
  return topics.subscribe(connection, topicFilter, retainAsPublished) ? undefined : reasonCode.notAuthorized
}
