import type { QoS } from '../edge/index.ts'
import type { SharedGroup, Target } from '../router/index.ts'
import type { Message } from './message.ts'
import type { Entry } from './queue.ts'
import type { Session } from './session.ts'
import type { Sessions } from './sessions.ts'

interface Queued {
  readonly session: Session
  readonly entry: Entry
}

/** Who gets a message, as it was when its record got its place in the chain. */
export class Delivery {
  readonly #sessions: Sessions
  readonly #message: Message
  readonly #publisher: Session | undefined
  /** All that match; those that get it with QoS 0 are sent it from here. */
  readonly #targets: readonly Target<Session>[]
  readonly #shared: readonly Target<Session>[]
  /** Those that were away and get it with QoS 0 from their queue. */
  readonly #away: Set<Session>
  /** Those that get it from their queue. */
  readonly #queued: readonly Queued[]
  /** Whether anybody has a subscription that matches. */
  readonly hasSubscribers: boolean

  /**
   * Called while the commit decides: entries of sessions on disk go into the same batch as the record.
   * @param publisher the session of the publisher, for No Local
   */
  constructor(sessions: Sessions, message: Message, publisher: Session | undefined) {
    const { targets, groups } = sessions.tree.match(message.topic)
    this.#sessions = sessions
    this.#message = message
    this.#publisher = publisher
    this.#targets = targets
    this.#away = sessions.queuesQos0 ? new Set() : nobody
    this.hasSubscribers = targets.length > 0 || groups.length > 0
    const queued: Queued[] = []
    // What the broker itself says is in no record, so nothing is queued of it.
    const queuesQos0 = sessions.queuesQos0 && message.index > 0
    if (message.qos > 0 || queuesQos0) {
      for (const target of targets) {
        const own = target.subscriber === publisher ? target.own : target
        if (own === undefined || !mayRead(own.subscriber, message)) continue
        const isQos0 = message.qos === 0 || own.qos === 0
        if (isQos0 && (!queuesQos0 || own.subscriber.isOnline)) continue
        enqueue(sessions, message, own, undefined, queued)
        if (isQos0) this.#away.add(own.subscriber)
      }
    }
    let shared = none
    if (groups.length > 0) {
      const picked: Target<Session>[] = []
      for (const group of groups) {
        const target = pickMember(group, message, message.qos > 0)
        if (target === undefined) continue
        if (Math.min(message.qos, target.qos) === 0) picked.push(target)
        else enqueue(sessions, message, target, `$share/${group.shareName}/${group.filter}`, queued)
      }
      shared = picked
    }
    this.#shared = shared
    this.#queued = queued
  }

  /** The record is durable. Called in the order of the chain. */
  deliver(): void {
    const message = this.#message
    for (const target of this.#targets) {
      const own = target.subscriber === this.#publisher ? target.own : target
      if (own === undefined || (message.qos > 0 && own.qos > 0)) continue
      // It may be back since; then it gets it from its queue.
      if (this.#away.has(own.subscriber)) continue
      if (mayRead(own.subscriber, message)) sendQos0(message, own)
    }
    for (const target of this.#shared) sendQos0(message, target)
    for (const { session, entry } of this.#queued) {
      if (!session.isEnded) session.outbox.release(entry)
      // Ended while this was being written: too late for reassignShared to find it there.
      else reassign(this.#sessions, entry)
    }
  }
}

const none: readonly Target<Session>[] = []
const nobody = new Set<Session>()

function sendQos0(message: Message, { subscriber, retainAsPublished, subscriptionIdentifiers }: Target<Session>): void {
  subscriber.outbox.sendQos0(message, retainAsPublished && message.retain, subscriptionIdentifiers)
}

function enqueue(
  sessions: Sessions,
  message: Message,
  target: Target<Session>,
  shared: string | undefined,
  queued: Queued[],
): void {
  const { subscriber: session, retainAsPublished, subscriptionIdentifiers } = target
  // A session that ends with its connection has no queue without one.
  if (!session.isOnline && !session.isDurable && session.expiryIntervalSeconds === 0) return
  const { index, payload } = message
  const qos = Math.min(message.qos, target.qos) as QoS
  const retain = retainAsPublished && message.retain
  const wanted = { index, qos, retain, subscriptionIdentifiers, shared, bytes: payload.length, message } as const
  const entry = sessions.enqueue(session, wanted)
  if (entry !== undefined) queued.push({ session, entry })
}

/** @param message undefined where nobody's list is asked */
function mayRead(session: Session, message: Pick<Message, 'topic'> | undefined): boolean {
  return session.reader === undefined || (message !== undefined && session.mayRead(message.topic))
}

/** The member whose turn it is, of those that may have it: one that can be sent it now, or else one that keeps it. */
function pickMember(
  group: SharedGroup<Session>,
  message: Pick<Message, 'topic'> | undefined,
  isKept: boolean,
): Target<Session> | undefined {
  const ready = group.pick((session) => isReady(session) && mayRead(session, message))
  if (ready !== undefined || !isKept) return ready
  return group.pick((session) => isWaiting(session) && mayRead(session, message))
}

/** A member of a shared subscription that can be sent something now. */
const isReady = (session: Session): boolean => session.isOnline && session.outbox.hasRoom

/** One that keeps it until it is back, or until there is room. */
const isWaiting = (session: Session): boolean =>
  session.outbox.hasRoom && (session.isOnline || session.expiryIntervalSeconds > 0)

/**
 * What a session that ends leaves of its shared subscriptions goes to another member, if there is one. QoS 2 messages
 * that were sent may not go to anybody else. [MQTT-5.0 4.8.2-5, 4.8.2-6]
 */
export function reassignShared(sessions: Sessions, ended: Session): void {
  for (const entry of ended.outbox.unfinished()) reassign(sessions, entry)
}

function reassign(sessions: Sessions, entry: Entry): void {
  const { index, qos, shared, bytes, retain, wasSent } = entry
  if (shared === undefined || qos === 0 || (qos === 2 && wasSent)) return
  const group = sessions.tree.sharedGroup(shared)
  if (group === undefined) return
  const message = entry.message ?? sessions.messages.get(index)
  if (message === undefined && sessions.hasReaders) {
    // Who may have it depends on its topic.
    sessions.withMessage(index, (loaded) => reassign(sessions, { ...entry, message: loaded }))
    return
  }
  const target = pickMember(group, message, true)
  if (target === undefined || target.qos === 0) return
  const { subscriber: session, subscriptionIdentifiers } = target
  const lower = qos === 2 && target.qos === 2 ? 2 : 1
  const wanted = { index, qos: lower, retain, subscriptionIdentifiers, shared, bytes, message } as const
  const moved = sessions.enqueue(session, wanted)
  if (moved === undefined) return
  const letGo = sessions.hold(index)
  sessions.whenDurable(() => {
    if (!session.isEnded) session.outbox.release(moved)
    letGo()
  })
}
