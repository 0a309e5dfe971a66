import type { AuditChain, CommitParticipant, Pins, Publisher, StoreOperation } from '../../plugins/index.ts'
import { isBelowNotary } from '../../protocol/index.ts'
import type { Will } from '../edge/index.ts'
import type { FlushQueue } from '../edge/output.ts'
import { type SubscriptionOptions, SubscriptionTree } from '../router/index.ts'
import { Delivery, reassignShared } from './delivery.ts'
import type { DeliveryRules } from './delivery-rules.ts'
import type { Link } from './link.ts'
import { loadSessions } from './load-sessions.ts'
import { type Message, messageOf } from './message.ts'
import { MessageCache } from './message-cache.ts'
import type { PublishView } from './publish-view.ts'
import type { Chunk, Entry, OutboxOptions, QueueLimits, Wanted } from './queue.ts'
import { RecordPins } from './record-pins.ts'
import { type RetainedMessage, RetainedMessages } from './retained.ts'
import { Session, type SessionContext } from './session.ts'
import { SessionCommits } from './session-commits.ts'
import { SessionExpiry } from './session-expiry.ts'
import { SessionStore } from './session-store.ts'
import type { StoredWill } from './stored-will.ts'
import { RetainedDelivery, wantsRetained } from './subscriptions.ts'
import { Wills } from './wills.ts'

const noRetained: readonly RetainedDelivery[] = []

/** Limits of every session. */
export interface SessionLimits extends QueueLimits {
  /** Queue messages with QoS 0, too, for clients that are away. */
  readonly queueQos0Messages: boolean
  /** Seconds that a session without a connection lives at most; 0: as long as its client asked. */
  readonly persistentClientExpirationSeconds: number
}

export interface SessionsOptions extends Omit<OutboxOptions, 'source'> {
  readonly chain: AuditChain
  /** Keep sessions, retained messages and wills on disk. */
  readonly isPersistent: boolean
  /** Where connections collect what they are sent. */
  readonly flushQueue: FlushQueue
  /** Who may be sent what. */
  readonly rules: DeliveryRules
  /** How publishes look to subscribers. */
  readonly view: PublishView
  readonly limits: () => SessionLimits
  /** The time of a session without a connection is over. */
  readonly onExpired: (clientId: string) => void
}

/** What a CONNECT asks of the session. */
export interface OpenRequest {
  readonly clientId: string
  readonly cleanStart: boolean
  readonly sessionExpiryIntervalSeconds: number
  readonly will: Will | undefined
  readonly publisher: Publisher
  /** How the connection ends, as far as known when asked. */
  readonly departure: () => Departure
}

/** What becomes of a session when its connection ends. */
export interface Departure {
  /** False when the client took its leave. */
  readonly publishWill: boolean
  /** From a DISCONNECT that changes it. */
  readonly sessionExpiryIntervalSeconds: number | undefined
}

/**
 * All sessions, retained messages and wills. Whatever changes them runs in a commit of the chain, so that everything
 * that clients see happens in one order, and what was promised is on disk with the record that made it happen.
 */
export class Sessions implements CommitParticipant {
  readonly tree = new SubscriptionTree<Session>()
  readonly retained: RetainedMessages
  readonly messages: MessageCache
  readonly view: PublishView
  readonly store: SessionStore
  readonly wills: Wills
  readonly flushQueue: FlushQueue
  readonly #options: SessionsOptions
  readonly #context: SessionContext
  readonly #sessions = new Map<string, Session>()
  readonly #commits: SessionCommits
  readonly #expiry: SessionExpiry
  readonly #dirty = new Set<Session>()
  /** Sessions with a connection. */
  onlineCount = 0
  /** Some session may not be sent everything, or might not once. */
  hasReaders = false
  #interrupted: readonly Session[] = []
  readonly #pins: RecordPins

  private constructor(options: SessionsOptions) {
    this.#options = options
    this.flushQueue = options.flushQueue
    this.#commits = new SessionCommits(options.chain, options.onError)
    this.#expiry = new SessionExpiry({
      now: options.now,
      longestSeconds: () => options.limits().persistentClientExpirationSeconds,
      onDue: (session) => this.#commits.change(() => this.#expire(session)),
    })
    this.store = new SessionStore(options.chain.database, options.isPersistent)
    this.wills = new Wills({ store: this.store, now: options.now, commit: (change) => this.#commits.change(change) })
    this.retained = new RetainedMessages(this.store, options.now)
    this.view = options.view
    this.messages = new MessageCache(options.chain.store, options.view)
    this.#pins = new RecordPins(options.chain, () => this.#references())
    this.#context = {
      ...options,
      source: this.messages,
      store: this.store,
      requestCommit: () => this.#commits.request(),
      whenDurable: (then) => this.whenDurable(then),
    }
  }

  /** Calls back when everything written so far is durable; never when the chain fails before. */
  whenDurable(then: () => void): void {
    this.#commits.whenDurable(then)
  }

  /** Reads what is on disk. Nothing is published or expired before {@link start}. */
  static async open(options: SessionsOptions): Promise<Sessions> {
    const sessions = new Sessions(options)
    options.chain.join(sessions)
    if (options.isPersistent) {
      await sessions.retained.load()
      const loaded = await loadSessions(sessions.store, sessions.#context, options.now())
      sessions.#interrupted = loaded.interrupted
      for (const session of loaded.sessions) {
        sessions.#sessions.set(session.clientId, session)
        sessions.#setReader(session)
        for (const [filter, subscription] of session.subscriptions) {
          if (!isBelowNotary(filter)) sessions.tree.set(session, filter, subscription)
        }
      }
      for (const will of loaded.wills) {
        sessions.wills.restore(will)
        const session = sessions.#sessions.get(will.publisher.clientId)
        if (session !== undefined) session.will = will
      }
    }
    return sessions
  }

  /** Begins to publish the wills of clients that were connected when the broker ended, and to expire sessions. */
  start(): void {
    this.#commits.change(() => {
      for (const session of this.#interrupted) session.writeState()
    })
    this.applyLimits()
    const sessionOf = ({ publisher }: StoredWill) => this.#sessions.get(publisher.clientId)
    this.wills.beginDelays(
      // One without a session on disk ended with its connection.
      (will) => sessionOf(will)?.expiryIntervalSeconds ?? 0,
      (will, due) => {
        const session = sessionOf(will)
        if (session?.will === will) session.will = due
      },
    )
  }

  /** No timer of a broker that ends may start something; what is not written yet is in the last commit. */
  stop(): void {
    this.#expiry.stop()
    this.wills.stop()
    this.#commits.stop()
  }

  /** Whether messages with QoS 0 are queued for clients that are away. */
  get queuesQos0(): boolean {
    return this.#options.limits().queueQos0Messages
  }

  get count(): number {
    return this.#sessions.size
  }

  find(clientId: string): Session | undefined {
    return this.#sessions.get(clientId)
  }

  /**
   * A client is connected: takes up its session or begins one. Called while the commit decides.
   * @returns whether there was a session
   */
  openSession(request: OpenRequest, link: Link): { session: Session; isPresent: boolean } {
    const { clientId, cleanStart, sessionExpiryIntervalSeconds } = request
    const earlier = this.#sessions.get(clientId)
    // Its connection is being closed, which may come here later than this.
    if (earlier?.link !== undefined) this.closeSession(earlier, earlier.link)
    let session = this.#sessions.get(clientId)
    if (session !== undefined && cleanStart) {
      this.#end(session)
      session = undefined
    }
    const isPresent = session !== undefined
    if (session === undefined) {
      session = new Session(clientId, sessionExpiryIntervalSeconds, this.#context)
      this.#sessions.set(clientId, session)
    }
    session.expiryIntervalSeconds = sessionExpiryIntervalSeconds
    session.link = link
    this.onlineCount++
    session.departure = request.departure
    session.username = request.publisher.username
    session.listener = request.publisher.listener
    this.#setReader(session)
    session.disconnectedAtMs = undefined
    this.#expiry.cancel(session)
    if (session.will !== undefined) this.wills.resumeSession(session.will)
    session.will = request.will === undefined ? undefined : this.wills.take(request.will, request.publisher)
    session.writeState()
    return { session, isPresent }
  }

  /** A connection is gone. Called while the commit decides. */
  closeSession(session: Session, link: Link): void {
    // A later connection has it, which has done all this.
    if (session.link !== link) return
    const { publishWill, sessionExpiryIntervalSeconds } = session.departure()
    session.link = undefined
    this.onlineCount--
    session.outbox.detach()
    session.expiryIntervalSeconds = sessionExpiryIntervalSeconds ?? session.expiryIntervalSeconds
    const { will } = session
    if (will !== undefined && publishWill) session.will = this.wills.end(will, session.expiryIntervalSeconds)
    else if (will !== undefined) {
      this.wills.discard(will)
      session.will = undefined
    }
    if (session.expiryIntervalSeconds === 0) {
      this.#end(session)
      return
    }
    session.disconnectedAtMs = this.#options.now()
    session.writeState()
    this.#expiry.begin(session)
  }

  /**
   * Makes a subscription, or replaces it. Called while the commit decides.
   * @param isWithRetained false: without any retained messages
   * @returns the retained messages to send when it is durable
   */
  subscribe(
    session: Session,
    topicFilter: string,
    options: SubscriptionOptions,
    isWithRetained = true,
  ): readonly RetainedDelivery[] {
    const isNew = this.tree.set(session, topicFilter, options)
    this.keepSubscription(session, topicFilter, options)
    if (!isWithRetained || !wantsRetained(topicFilter, options, isNew)) return noRetained
    const deliveries: RetainedDelivery[] = []
    for (const message of this.retained.match(topicFilter)) {
      if (this.#mayBeSent(session, message)) deliveries.push(new RetainedDelivery(this, session, message, options))
    }
    return deliveries
  }

  #mayBeSent(session: Session, { topic, source }: RetainedMessage): boolean {
    if (!session.mayRead(topic)) return false
    return source === undefined || this.#options.rules.mayHavePublished(source, topic)
  }

  /** The rules of delivery have changed: they hold for everybody who is subscribed, from now on. */
  applyRules(): void {
    for (const session of this.#sessions.values()) this.#setReader(session)
  }

  /** Other limits hold: of queues they do by themselves, of sessions without a connection from when the client left. */
  applyLimits(): void {
    for (const session of this.#sessions.values()) if (session.link === undefined) this.#expiry.begin(session)
  }

  #setReader(session: Session): void {
    session.reader = this.#options.rules.readerOf(session)
    if (session.reader !== undefined) this.hasReaders = true
  }

  /** Makes a subscription part of the session, without routing anything by it. Called while the commit decides. */
  keepSubscription(session: Session, topicFilter: string, options: SubscriptionOptions): void {
    session.subscriptions.set(topicFilter, options)
    if (session.isDurable) this.store.putSubscription(session, topicFilter, options)
  }

  /** Called while the commit decides. @returns whether there was such a subscription */
  unsubscribe(session: Session, topicFilter: string): boolean {
    this.tree.delete(session, topicFilter)
    if (!session.subscriptions.delete(topicFilter)) return false
    if (session.isDurable) this.store.deleteSubscription(session, topicFilter)
    return true
  }

  /** What the will did is in the chain, or it was refused: either way it is over. */
  willSettled(will: StoredWill): void {
    this.wills.settled(will)
    this.#commits.request()
  }

  /**
   * Queues a message for a session, on disk where that is kept. Called while the commit decides; it is sent when the
   * entry is released.
   * @param isForced also when the queue is full
   * @returns undefined when the queue is full
   */
  enqueue(session: Session, wanted: Wanted, isForced = false): Entry | undefined {
    const chunk = session.chunk()
    const entry = session.outbox.admit(wanted, { chunk, isForced })
    if (entry !== undefined && chunk !== undefined) this.#dirty.add(session)
    return entry
  }

  /**
   * Publishes something of the broker's own with QoS 0, as `$SYS`: in its place in the order, but neither recorded nor
   * queued nor kept on disk.
   */
  announce(topic: string, payload: Buffer, retain: boolean): void {
    let delivery: Delivery | undefined
    const decide = () => {
      const timeMs = this.#options.now()
      const message = messageOf({ index: 0, topic, payload, qos: 0, retain, properties: undefined, timeMs })
      if (retain) this.retained.keepInMemory(message)
      delivery = new Delivery(this, message, undefined)
    }
    this.#commits.change(decide, () => delivery?.deliver())
  }

  /** One line for each subscription, for operators. */
  describeSubscriptions(): readonly string[] {
    const lines: string[] = []
    for (const { clientId, subscriptions } of this.#sessions.values()) {
      for (const [topicFilter, { qos }] of subscriptions) lines.push(`${clientId} ${qos} ${topicFilter}`)
    }
    return lines
  }

  operations(): readonly StoreOperation[] {
    for (const session of this.#dirty) session.writeChunk()
    this.#dirty.clear()
    this.#commits.taken()
    return this.store.take()
  }

  /** What the commit brought for everybody goes out at once. */
  settled(): void {
    this.flushQueue.flushAll()
  }

  #end(session: Session): void {
    session.isEnded = true
    this.#expiry.cancel(session)
    if (this.#sessions.get(session.clientId) === session) this.#sessions.delete(session.clientId)
    for (const filter of session.subscriptions.keys()) this.tree.delete(session, filter)
    if (session.will !== undefined) this.wills.endSession(session.will)
    session.erase()
    reassignShared(this, session)
    session.outbox.end()
  }

  /** The time of a session is over, unless its client came back before that had its turn. */
  #expire(session: Session): void {
    if (session.link !== undefined || session.isEnded) return
    this.#options.onExpired(session.clientId)
    this.#end(session)
  }

  /** Reads a message from the chain, then does something with it in its place in the order; nothing when it is gone. */
  withMessage(index: number, change: (message: Message) => void): void {
    const letGo = this.hold(index)
    const onLoaded = (message: Message | undefined) => {
      if (message === undefined) letGo()
      else this.#commits.change(() => change(message), letGo)
    }
    const onUnreadable = (error: unknown) => {
      letGo()
      throw error
    }
    this.messages.load(index).then(onLoaded, onUnreadable).catch(this.#options.onError)
  }

  /** See {@link RecordPins.hold}. */
  hold(index: number): () => void {
    return this.#pins.hold(index)
  }

  /** See {@link RecordPins.read}. */
  pins(): Promise<Pins> {
    return this.#pins.read()
  }

  /** Indexes of the records that queues and retained messages are of. */
  *#references(): Iterable<number> {
    for (const { outbox } of this.#sessions.values()) {
      let last: Chunk | undefined
      for (const { index, chunk } of outbox.unfinished()) {
        yield index
        if (chunk === last) continue
        // On disk they are one value, which refers to all of them until the last one is done.
        for (const entry of chunk?.entries ?? []) yield entry.index
        last = chunk
      }
    }
    for (const { index } of this.retained.all()) yield index
  }
}
