import { type OutgoingPublish, type ProtocolVersion, publishBytes, type QoS, writePublish } from '../edge/index.ts'
import type { ClientLink } from './client-link.ts'
import { encodeSubscribe, encodeUnsubscribe, type ReadConnack } from './client-packets.ts'
import type { MappedFilter } from './topic-map.ts'

/** Packet ids of the bridge's own requests count down: messages count up from 1. */
const lastPacketId = 65_535

/** Something that a broker did not grant. */
export interface Refusal {
  /** Topic filter or topic. */
  readonly what: string
  readonly code: number
}

/** What a bridge asks of the remote broker before messages go over it. */
export interface Introduction {
  readonly filters: readonly MappedFilter[]
  /** To be unsubscribed. */
  readonly leftovers: readonly string[]
  readonly notificationTopic: string | undefined
  readonly isSessionPresentHere: boolean
}

/** What a bridge asks of the broker here. */
export interface Subscribing {
  readonly filters: readonly MappedFilter[]
  /** What its session is subscribed to already. */
  readonly subscribed: Iterable<string>
  readonly remote: ReadConnack
}

/**
 * Subscribes here to what goes out, unsubscribes what an earlier configuration left in the session, as Mosquitto does,
 * and lets the link read on: from then on there are messages.
 * @throws {BridgeError} ERR_BRIDGE_LOST
 */
export async function subscribeHere(
  link: ClientLink,
  { filters, subscribed, remote }: Subscribing,
): Promise<Refusal[]> {
  const configured = new Set(filters.map(({ filter }) => filter))
  const leftovers = [...subscribed].filter((filter) => !configured.has(filter))
  const leftoversId = lastPacketId - 1
  const unsubscribed =
    leftovers.length === 0 ? [] : link.request(leftoversId, encodeUnsubscribe(leftoversId, leftovers, 5))
  // A remote broker that knows nothing of us gets all retained messages again; one that does, those of new filters.
  const retainHandling = remote.sessionPresent ? 1 : 0
  const subscriptions = filters.map(({ filter: topicFilter, qos: wanted }) => {
    const qos = Math.min(wanted, remote.maximumQos) as QoS
    return { topicFilter, qos, noLocal: true, retainAsPublished: true, retainHandling } as const
  })
  const answer =
    subscriptions.length === 0 ? [] : link.request(lastPacketId, encodeSubscribe(lastPacketId, subscriptions, 5))
  link.release()
  const [codes] = await Promise.all([answer, unsubscribed])
  return filters.flatMap(({ filter }, index) => refusals(filter, codes[index]))
}

/**
 * Subscribes there to what comes in, unsubscribes what is left over, and says that the bridge is up.
 * @throws {BridgeError} ERR_BRIDGE_LOST
 */
export async function introduceThere(link: ClientLink, introduction: Introduction): Promise<Refusal[]> {
  const { filters, leftovers, notificationTopic, isSessionPresentHere } = introduction
  const { version } = link
  let packetId = lastPacketId
  const requests: Promise<Refusal[]>[] = []
  if (leftovers.length > 0) {
    requests.push(link.request(packetId, encodeUnsubscribe(packetId, leftovers, version)).then(() => []))
    packetId--
  }
  const retainHandling = isSessionPresentHere ? 1 : 0
  for (const { filter: topicFilter, qos } of filters) {
    const subscription = { topicFilter, qos, noLocal: true, retainAsPublished: true, retainHandling } as const
    // One at a time: there are brokers that take only a few filters in one packet.
    const answer = link.request(packetId, encodeSubscribe(packetId, [subscription], version))
    requests.push(answer.then(([code]) => refusals(topicFilter, code)))
    packetId--
  }
  if (notificationTopic !== undefined) {
    const answer = link.request(packetId, encodeNotification(notificationTopic, '1', version, packetId))
    requests.push(answer.then(([code]) => refusals(notificationTopic, code)))
  }
  return (await Promise.all(requests)).flat()
}

/**
 * A retained publish that says whether the bridge is up.
 * @param packetId 0: with QoS 0, else with QoS 1
 */
export function encodeNotification(
  topic: string,
  state: '0' | '1',
  version: ProtocolVersion,
  packetId: number,
): Buffer {
  const message: OutgoingPublish = {
    topicBytes: Buffer.from(topic),
    payload: Buffer.from(state),
    properties: Buffer.alloc(0),
  }
  const qos: QoS = packetId === 0 ? 0 : 1
  const options = { version, qos, retain: true, dup: false, packetId, sendTopic: true }
  const packet = Buffer.alloc(publishBytes(message, options))
  writePublish(packet, 0, message, options)
  return packet
}

function refusals(what: string, code = 0): Refusal[] {
  return code < 0x80 ? [] : [{ what, code }]
}
