import type { TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { MessageProperties, QoS, Will } from '../../broker/edge/index.ts'
import { FlushQueue } from '../../broker/edge/output.ts'
import type { SubscriptionOptions } from '../../broker/router/index.ts'
import { Delivery } from '../../broker/sessions/delivery.ts'
import { type ClientName, everythingMayBeRead } from '../../broker/sessions/delivery-rules.ts'
import type { Link } from '../../broker/sessions/link.ts'
import { messageOf } from '../../broker/sessions/message.ts'
import { asPublished } from '../../broker/sessions/publish-view.ts'
import type { QueueTotals } from '../../broker/sessions/queue.ts'
import type { Session } from '../../broker/sessions/session.ts'
import { type SessionLimits, Sessions, type SessionsOptions } from '../../broker/sessions/sessions.ts'
import type { StoredWill } from '../../broker/sessions/stored-will.ts'
import { AuditChain, nativeCrypto } from '../../plugins/index.ts'
import { recordProperties } from '../../protocol/index.ts'
import { atEnd } from './cleanup.ts'
import { unsignedPublish } from './golden-chain.ts'
import { temporaryDirectory } from './temporary.ts'
import { TestLink } from './test-link.ts'

/** As messages name it. */
function publisherOf(session: Session | undefined): ClientName {
  return { clientId: session?.clientId ?? 'publisher', username: session?.username, listener: 'l' }
}

export interface TestPublish {
  readonly topic: string
  readonly payload: string
  readonly qos?: QoS
  readonly retain?: boolean
  readonly properties?: MessageProperties
  /** Session of the publisher. */
  readonly from?: Session
}

export interface TestConnect {
  readonly cleanStart?: boolean
  /** Seconds; default: an hour. */
  readonly expiry?: number
  readonly will?: Will
  readonly receiveMaximum?: number
  /** False: the client takes its leave, so that its will is not published. Default true. */
  readonly publishWill?: boolean
}

/** Waits until something is so, which it is as soon as a few reads or writes of the store have ended. */
export async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 2000 && !isSo(); i++) await wait(5)
  if (!isSo()) throw new Error('it did not happen')
}

type TestSessionsOptions = Partial<Omit<SessionsOptions, 'limits'> & SessionLimits>

/** Sessions on a real store, without a broker: what the connections of one do, a test does by hand. */
export class TestSessions {
  readonly location: string
  readonly dropped: string[] = []
  totals: QueueTotals = { messages: 0, bytes: 0, inFlight: 0 }
  readonly expired: string[] = []
  readonly wills: StoredWill[] = []
  readonly errors: unknown[] = []
  chain!: AuditChain
  sessions!: Sessions
  nowMs = Date.UTC(2026, 0, 1)
  limits: SessionLimits
  readonly #options: TestSessionsOptions

  private constructor(location: string, options: TestSessionsOptions) {
    this.location = location
    this.#options = options
    this.limits = {
      maxInflightMessages: 20,
      maxInflightBytes: 0,
      maxQueuedMessages: 1000,
      maxQueuedBytes: 0,
      queueQos0Messages: false,
      persistentClientExpirationSeconds: 0,
      ...options,
    }
  }

  static async open(t: TestContext, options: TestSessionsOptions = {}): Promise<TestSessions> {
    const made = new TestSessions(temporaryDirectory(t), options)
    await made.#open()
    atEnd(t, () => made.#close())
    return made
  }

  async #open(): Promise<void> {
    const onError = (error: unknown) => this.errors.push(error)
    this.chain = await AuditChain.open({ location: this.location, onError })
    this.sessions = await Sessions.open({
      chain: this.chain,
      isPersistent: true,
      flushQueue: new FlushQueue(),
      limits: () => this.limits,
      totals: this.totals,
      rules: everythingMayBeRead,
      view: asPublished,
      onExpired: (clientId) => this.expired.push(clientId),
      now: () => this.nowMs,
      onDropped: (clientId, reason) => this.dropped.push(`${clientId} ${reason}`),
      onError,
      ...this.#options,
    })
    this.sessions.wills.publish = (will) => this.wills.push(will)
    this.sessions.start()
    await this.settled()
  }

  async #close(): Promise<void> {
    await this.chain.drained()
    this.sessions.stop()
    await this.chain.close()
  }

  /** Ends and begins again with what is on disk. Connections are not told, as in a crash. */
  async restart(): Promise<void> {
    await this.#close()
    this.totals = { messages: 0, bytes: 0, inFlight: 0 }
    await this.#open()
  }

  /** Waits until everything that was asked for is durable and settled. */
  settled(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.sessions.whenDurable(resolve)
      this.chain.failed.then(reject)
    })
  }

  /** Does something in a commit of its own place in the order. */
  inCommit<T>(change: () => T, settle: (result: T) => void = () => {}): void {
    let result: T
    this.chain.submit({
      bytes: 64,
      decide: () => {
        result = change()
        return undefined
      },
      settle: () => settle(result),
    })
  }

  /** A client connects. */
  async connect(clientId: string, options: TestConnect = {}) {
    const link = new TestLink(options.receiveMaximum)
    let opened: { session: Session; isPresent: boolean } | undefined
    this.inCommit(
      () => {
        opened = this.sessions.openSession(
          {
            clientId,
            cleanStart: options.cleanStart ?? false,
            sessionExpiryIntervalSeconds: options.expiry ?? 3600,
            will: options.will,
            publisher: { clientId, username: undefined, auth: 'none', listener: 'test', isTls: false },
            departure: () => ({
              publishWill: options.publishWill ?? true,
              sessionExpiryIntervalSeconds: undefined,
            }),
          },
          link,
        )
        return opened.session
      },
      (session) => {
        if (session.link === link) session.outbox.attach(link)
      },
    )
    await this.settled()
    if (opened === undefined) throw new Error('not decided')
    return { link, ...opened }
  }

  /** Its connection ends, without waiting for the commit of that. */
  drop(session: Session, link: Link): void {
    this.inCommit(() => this.sessions.closeSession(session, link))
  }

  async subscribe(session: Session, topicFilter: string, options: Partial<SubscriptionOptions> = {}): Promise<void> {
    const all: SubscriptionOptions = {
      qos: 2,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
      subscriptionIdentifier: undefined,
      ...options,
    }
    this.inCommit(
      () => this.sessions.subscribe(session, topicFilter, all),
      (retained) => {
        for (const delivery of retained) delivery.deliver()
      },
    )
    await this.settled()
  }

  /** A publish is recorded and delivered, without waiting for it. */
  publish({ topic, payload, qos = 1, retain = false, properties, from }: TestPublish): void {
    const body = Buffer.from(payload)
    let delivery: Delivery | undefined
    this.chain.submit({
      bytes: 512,
      decide: (index, timeMs) => {
        const message = messageOf({ index, topic, payload: body, qos, retain, properties, timeMs: this.nowMs })
        delivery = new Delivery(this.sessions, message, from)
        if (retain) this.sessions.retained.apply(message, body.length === 0, publisherOf(from))
        const kept = recordProperties(properties)
        const more = { qos, retain, ...(kept === undefined ? undefined : { properties: kept }) }
        return unsignedPublish({ topic, body, timeMs }, nativeCrypto, more)
      },
      settle: () => delivery?.deliver(),
    })
  }

  /** How many keys there are below a part of the store. */
  async stored(part: keyof Sessions['store']['sublevels']): Promise<number> {
    return (await this.sessions.store.sublevels[part].keys().all()).length
  }
}
