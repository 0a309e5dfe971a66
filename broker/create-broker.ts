import { AuditChain, type PluginError, type PublishCounters, PublishPolicy } from '../plugins/index.ts'
import { type Bridges, createBridges } from './bridges/index.ts'
import { ClientConnection } from './connection/client-connection.ts'
import { listenerRulesOf } from './connection/listener-rules.ts'
import { describe } from './describe.ts'
import { assertEngineVersions } from './engine-versions.ts'
import { enrollFromDirectory } from './keys-directory.ts'
import {
  type Accept,
  AddressCounts,
  addressesOf,
  isAddressMissing,
  type ListenerContext,
  type OpenListener,
  openListener,
} from './listeners/index.ts'
import type { ListenerInfo } from './listeners/listener-info.ts'
import { newConnection, openingListener, tooManyConnections } from './log/messages.ts'
import { type BrokerLog, createLogger } from './logger.ts'
import { Observability } from './observability.ts'
import { type BrokerParts, type OpenedParts, openParts } from './open-parts.ts'
import { type BrokerOptions, type ListenerOptions, type ResolvedBrokerOptions, resolveOptions } from './options.ts'
import { BrokerSecurity } from './security/broker-security.ts'
import type { Security } from './security/security.ts'

/** A running broker. */
export interface NotaryBroker {
  readonly listeners: readonly ListenerInfo[]
  /** Where metrics and health are served. */
  readonly httpUrls: readonly string[]
  readonly chain: AuditChain
  readonly counters: PublishCounters
  /** Resolves with the error when the store cannot be used any more: nothing is acknowledged from then on, so end the process. */
  readonly failed: Promise<PluginError>
  /**
   * Reads password files, access control lists, certificates, keys and revocation lists again, as these options name
   * them, and opens log files anew. All of it holds at once, for clients that are connected too; who would not be let in
   * any more is disconnected. What else is in the options takes a restart.
   * @throws {BrokerError} ERR_OPTIONS_INVALID, ERR_TLS_UNUSABLE; {AuthenticationError} ERR_PASSWORD_FILE;
   * {AccessControlError} ERR_ACL_*. Nothing has changed then.
   */
  reload(options: BrokerOptions): void
  /** One line for each subscription, `client id, QoS, filter`. */
  describeSubscriptions(): readonly string[]
  /** Takes no more connections, closes those there are, commits what was submitted, closes the store. */
  close(): Promise<void>
}

/**
 * Starts a broker: the chain, the sessions, the engine, then the listeners. What a client sends goes
 *
 *     listener -> edge -> CONNECT: engine (who may come in, one connection per client id) -> session
 *                      -> PUBLISH: gate (verify, index, group commit with the queue entries) -> subscribers, acknowledgement
 *                      -> SUBSCRIBE and all else: its place in the same order, then the session
 *
 * @param log that somebody else closes; default: one of its own, as the options say
 * @throws {BrokerError} ERR_ENGINE_VERSION, ERR_OPTIONS_INVALID, ERR_LISTEN_FAILED, ERR_TLS_UNUSABLE
 * @throws {PluginError} ERR_STORE_*, ERR_CHAIN_*, ERR_KEY_*
 * @throws {AuthenticationError} ERR_PASSWORD_FILE; {AccessControlError} ERR_ACL_*; {LogError} ERR_LOG_*
 */
export async function createBroker(given: BrokerOptions, log?: BrokerLog): Promise<NotaryBroker> {
  assertEngineVersions()
  const options = resolveOptions(given)
  const broker = new Broker(options, log ?? createLogger(options.log), log === undefined)
  try {
    await broker.start()
    return broker
  } catch (error) {
    await broker.close()
    throw error
  }
}

/** Everything of one broker, in the order in which it is opened; closing goes the other way. */
class Broker implements NotaryBroker {
  readonly #options: ResolvedBrokerOptions
  readonly #log: BrokerLog
  readonly #ownsLog: boolean
  readonly #onError = (error: unknown) => this.#log.error(`Error: ${describe(error)}`)
  #chain: AuditChain | undefined
  #security: BrokerSecurity | undefined
  readonly #parts: Partial<BrokerParts> = {}
  #opened: OpenedParts | undefined
  readonly #open: OpenListener[] = []
  /** With the listener that each came in by; bridges come in by none. */
  readonly #connections = new Map<ClientConnection, OpenListener | undefined>()
  #bridges: Bridges | undefined
  #observability: Observability | undefined
  /** Whoever comes before every listener knows its rules comes again. */
  #isOpen = false
  #closing: Promise<void> | undefined

  constructor(options: ResolvedBrokerOptions, log: BrokerLog, ownsLog: boolean) {
    this.#options = options
    this.#log = log
    this.#ownsLog = ownsLog
  }

  async start(): Promise<void> {
    const options = this.#options
    const [log, onError] = [this.#log, this.#onError]
    this.#chain = await this.#openChain()
    const chain = this.#chain
    if (options.keysDirectory !== undefined) await enrollFromDirectory(chain, options.keysDirectory, log.notice)
    const policy = new PublishPolicy(options.protect)
    this.#security = new BrokerSecurity(options, policy, log.warning)
    const access = this.#security.rules
    this.#opened = await openParts({ options, chain, policy, access, log, onError }, this.#parts)
    const { context } = this.#opened
    log.publishTo((topicName, payload) => context.sessions.announce(topicName, Buffer.from(payload), false))
    this.#bridges = createBridges(options.bridges, {
      accept: this.#acceptBy({}, this.#security.of(-1), () => undefined),
      publishLocal: (topicName, payload, retain) => context.sessions.announce(topicName, Buffer.from(payload), retain),
      log,
      onError,
    })
    await this.#listen()
    context.sessions.applyRules()
    this.#isOpen = true
    context.sessions.start()
    const isClosing = () => this.#closing !== undefined
    const listeners = this.#open
    this.#observability = new Observability({ options, chain, parts: this.#opened, listeners, isClosing, onError })
    await this.#observability.start()
    this.#bridges.start()
    log.information(
      `Chain ${chain.genesis.origin}: ${chain.state.frontier.size} records in ${chain.state.height} blocks.`,
    )
    // Nothing is answered after the store failed; whoever waits is told by the end of the connection and sends again.
    chain.failed.then(() => Promise.all(this.#open.map((listener) => listener.end()))).catch(onError)
  }

  get listeners(): readonly ListenerInfo[] {
    return this.#open.map(({ info }) => info)
  }

  get httpUrls(): readonly string[] {
    return this.#observability?.urls ?? []
  }

  get chain(): AuditChain {
    return this.#chain as AuditChain
  }

  get counters(): PublishCounters {
    return (this.#opened as OpenedParts).context.gate.counters
  }

  get failed(): Promise<PluginError> {
    return this.chain.failed
  }

  reload(next: BrokerOptions): void {
    // All of it is read before any of it holds.
    const commits = [
      (this.#security as BrokerSecurity).prepare(resolveOptions(next)),
      ...this.#open.map((listener) => listener.prepareReload()),
    ]
    for (const commit of commits) commit()
    this.#log.reopen()
    this.#opened?.context.sessions.applyRules()
    for (const [connection, listener] of this.#connections) connection.applyRules(listener)
  }

  describeSubscriptions(): readonly string[] {
    return this.#opened?.context.sessions.describeSubscriptions() ?? []
  }

  close(): Promise<void> {
    this.#closing ??= this.#end()
    return this.#closing
  }

  async #end(): Promise<void> {
    this.#observability?.stop()
    await this.#bridges?.close()
    for (const listener of this.#open) listener.stop()
    this.#parts.disk?.stop()
    // The engine tells its clients; what they sent is still answered if their connection lasts, and their wills are published.
    const { engine } = this.#parts
    if (engine !== undefined) await new Promise<void>((resolve) => engine.close(resolve))
    await Promise.all(this.#open.map((listener) => listener.end()))
    // Sessions end and wills are published with what comes from that.
    await this.#chain?.drained()
    this.#log.publishTo(undefined)
    this.#parts.sessions?.stop()
    await this.#security?.close()
    await this.#chain?.close()
    await this.#observability?.close()
    if (this.#ownsLog) await this.#log.close()
  }

  #openChain(): Promise<AuditChain> {
    const { location, origin } = this.#options
    const log = this.#log
    return AuditChain.open({
      location,
      onError: this.#onError,
      onOutage: (error) => {
        log.error(`Error: ${describe(error)}: ${describe(error.cause)}. Publishers are disconnected until it does.`)
        for (const connection of this.#connections.keys()) connection.onOutage()
      },
      onRecovered: () => log.warning('The store takes writes again.'),
      ...(origin === undefined ? undefined : { origin }),
    })
  }

  async #listen(): Promise<void> {
    const options = this.#options
    const log = this.#log
    const security = this.#security as BrokerSecurity
    const context: ListenerContext = {
      addresses: new AddressCounts(options.maxConnectionsPerAddress),
      connectTimeoutMs: options.connectTimeoutSeconds * 1000,
      noDelay: options.setTcpNodelay,
      onError: this.#onError,
      onNotice: log.notice,
      onWarning: onceEach(log.warning),
    }
    for (const [index, listener] of options.listeners.entries()) {
      // A name may stand for several addresses, such as those of both families.
      for (const one of await addressesOf(listener)) {
        try {
          let opened: OpenListener | undefined
          const accept = this.#acceptBy(listener, security.of(index), () => opened)
          opened = await openListener(one, accept, context)
          this.#open.push(opened)
          security.rules.set(opened.info.name, security.of(index))
          log.information(openingListener(kindOf(opened.info), opened.info.port))
        } catch (error) {
          if (listener.ifAvailable !== true || !isAddressMissing(error)) throw error
          log.warning(`Warning: ${describe(error)}; going on without it`)
        }
      }
    }
  }

  /** @param listenerOf the listener when it is open */
  #acceptBy(options: Partial<ListenerOptions>, security: Security, listenerOf: () => OpenListener | undefined): Accept {
    const rules = listenerRulesOf(this.#options, options, security)
    const { globalMaxConnections, connectionMessages } = this.#options
    return (transport, arrival) => {
      const listener = listenerOf()
      const isFull = globalMaxConnections > 0 && this.#connections.size >= globalMaxConnections
      if (!this.#isOpen || isFull) {
        if (this.#isOpen) this.#log.notice(tooManyConnections(transport.remoteAddress))
        transport.destroy()
        return
      }
      if (connectionMessages && listener !== undefined) {
        this.#log.notice(newConnection(transport.remoteAddress, transport.remotePort, arrival.listener.port))
      }
      const { context } = this.#opened as OpenedParts
      const connection = new ClientConnection(transport, arrival, rules, context)
      this.#connections.set(connection, listener)
      transport.onClose(() => this.#connections.delete(connection))
    }
  }
}

/** How the log calls the socket. */
function kindOf({ protocol, name }: ListenerInfo): 'ipv4' | 'ipv6' | 'websockets' {
  if (protocol === 'websockets') return 'websockets'
  return name.includes('://[') ? 'ipv6' : 'ipv4'
}

/** A listener on several addresses reads its files once for each: nobody needs to be told twice. */
function onceEach(tell: (message: string) => void): (message: string) => void {
  const told = new Set<string>()
  return (message) => {
    if (told.has(message)) return
    told.add(message)
    tell(message)
  }
}
