import type { AuditChain } from '../plugins/index.ts'
import type { BrokerListeners } from './broker-listeners.ts'
import { answer, type OpenHttpServer, openHttpListener } from './http/index.ts'
import { createMetrics, type Metrics } from './metrics/index.ts'
import type { OpenedParts } from './open-parts.ts'
import type { ResolvedBrokerOptions } from './options.ts'
import { type BrokerSnapshot, SysPublisher } from './sys/index.ts'
import { version } from './version.ts'

export interface ObservabilityOptions {
  /** As they are now. */
  readonly options: () => ResolvedBrokerOptions
  readonly chain: AuditChain
  readonly parts: OpenedParts
  readonly listeners: Pick<BrokerListeners, 'all'>
  readonly isClosing: () => boolean
  readonly onError: (error: unknown) => void
}

/** What operators see of a running broker: `$SYS/broker/...`, metrics and health. */
export class Observability {
  readonly #options: ObservabilityOptions
  readonly #sys: SysPublisher
  readonly #metrics: Metrics
  readonly #http: OpenHttpServer[] = []

  constructor(options: ObservabilityOptions) {
    this.#options = options
    const { chain, parts, listeners, onError } = options
    const { context, verification } = parts
    this.#sys = new SysPublisher({
      sysIntervalSeconds: () => options.options().sysIntervalSeconds,
      version: `notarymq version ${version}`,
      snapshot: () => this.#snapshot(),
      publish: (topicName, payload) => context.sessions.announce(topicName, Buffer.from(payload), true),
      onError,
    })
    this.#metrics = createMetrics({
      version,
      snapshot: () => this.#snapshot(),
      publishes: () => context.gate.counters,
      trust: () => ({
        verification: verification.counters,
        pendingVerifications: verification.pending,
        keyExchanges: context.keyExchange.counters,
        macSessions: context.keyExchange.liveSessions,
        identityRequests: context.identity.counters,
        penalisedAddresses: context.penalties.size,
      }),
      scrub: () => parts.scrub,
      erased: () => parts.retention.erased,
      storeBytes: () => parts.forecast.storeBytes(),
      listeners: () => listeners.all,
      witnesses: () => parts.witnesses.status(),
      chain: () => ({
        treeSize: chain.state.frontier.size,
        height: chain.state.height,
        pendingBytes: chain.pendingBytes,
        isOutage: chain.outage !== undefined,
        isDiskFull: context.isDiskFull(),
      }),
    })
  }

  /** URLs of the HTTP listeners. */
  get urls(): readonly string[] {
    return this.#http.map(({ url }) => url)
  }

  /** @throws {BrokerError} ERR_LISTEN_FAILED */
  async start(): Promise<void> {
    const { options, chain, parts, isClosing, onError } = this.#options
    const readiness = () => ({
      isOutage: chain.outage !== undefined,
      isDiskFull: parts.context.isDiskFull(),
      isClosing: isClosing(),
    })
    const pages = { metrics: this.#metrics, readiness }
    for (const listener of options().httpListeners) {
      const answerPage = (method: string, target: string) => answer(pages, method, target)
      this.#http.push(await openHttpListener('notary_http', listener, { answer: answerPage, onError }))
    }
    this.#sys.start()
  }

  /** Nothing is announced any more; pages are served until {@link close}. */
  stop(): void {
    this.#sys.stop()
  }

  /** The options have changed: `$SYS` goes on at its interval of now. */
  applyOptions(): void {
    this.#sys.start()
  }

  async close(): Promise<void> {
    await Promise.all(this.#http.map((listener) => listener.close()))
    this.#metrics.close()
  }

  #snapshot(): BrokerSnapshot {
    const { parts, listeners } = this.#options
    const { context, totals } = parts
    const { counters, sessions } = context
    const sockets = listeners.all.reduce((sum, listener) => sum + listener.counters.accepted, 0)
    const { tree, retained, onlineCount } = sessions
    const state = {
      clientsConnected: onlineCount,
      clientsDisconnected: sessions.count - onlineCount,
      subscriptions: tree.subscriptionCount,
      sharedSubscriptions: tree.sharedCount,
      retainedMessages: retained.size,
      storedMessages: totals.messages + retained.size,
      storedBytes: totals.bytes + retained.bytes,
      inflightMessages: totals.inFlight,
    }
    return { counters: { ...counters, sockets }, state }
  }
}
