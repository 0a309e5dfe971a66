import { ClientConnection } from './connection/client-connection.ts'
import type { ConnectionContext } from './connection/connection-context.ts'
import { type ListenerRules, listenerRulesOf } from './connection/listener-rules.ts'
import { describe } from './describe.ts'
import {
  type Accept,
  AddressCounts,
  type Arrival,
  addressesOf,
  addressKey,
  isAddressMissing,
  type ListenerContext,
  type OpenListener,
  openListener,
  type Transport,
} from './listeners/index.ts'
import type { ListenerInfo } from './listeners/listener-info.ts'
import { newConnection, openingListener, tooManyConnections } from './log/messages.ts'
import type { BrokerLogger } from './logger.ts'
import { acceptNotaryLinks } from './notary-links.ts'
import type { ResolvedBrokerOptions } from './options.ts'
import type { BrokerSecurity } from './security/broker-security.ts'

export interface BrokerListenersOptions {
  /** As they are now. */
  readonly options: () => ResolvedBrokerOptions
  readonly security: BrokerSecurity
  readonly context: ConnectionContext
  readonly log: BrokerLogger
  readonly onError: (error: unknown) => void
}

/** One address of one of the listeners in the options. */
interface Served {
  /** In the options. */
  readonly index: number
  readonly listener: OpenListener
}

/** Every listener of a broker, and the connections that came in by them. */
export class BrokerListeners {
  readonly #given: BrokerListenersOptions
  readonly #served: Served[] = []
  /** With the listener that each came in by; bridges come in by none. */
  readonly #connections = new Map<ClientConnection, OpenListener | undefined>()
  /** By place of the listener in the options. */
  #rules: readonly ListenerRules[]
  readonly #acceptLink: Accept
  /** Connections that are no clients of MQTT. */
  #links = 0
  #bridgeRules: ListenerRules
  #isOpen = false

  constructor(given: BrokerListenersOptions) {
    this.#given = given
    this.#acceptLink = acceptNotaryLinks(given.context)
    this.#rules = this.#makeRules()
    this.#bridgeRules = this.#makeBridgeRules()
  }

  get all(): readonly OpenListener[] {
    return this.#served.map(({ listener }) => listener)
  }

  get connections(): Iterable<ClientConnection> {
    return this.#connections.keys()
  }

  /** Takes the local end of a bridge. */
  readonly acceptBridge: Accept = (transport, arrival) => {
    this.#accept(transport, arrival, this.#bridgeRules, undefined)
  }

  /** @throws {BrokerError} ERR_LISTEN_FAILED, ERR_TLS_UNUSABLE; some may be open then */
  async open(): Promise<void> {
    const { options, security, log } = this.#given
    const context = this.#listenerContext()
    for (const [index, listener] of options().listeners.entries()) {
      // A name may stand for several addresses, such as those of both families.
      for (const one of await addressesOf(listener)) {
        try {
          const opened: OpenListener = await openListener(
            one,
            (transport, arrival) => this.#accept(transport, arrival, this.#rules[index], opened),
            context,
          )
          this.#served.push({ index, listener: opened })
          security.rules.set(opened.info.name, security.of(index))
          log.information(openingListener(kindOf(opened.info), opened.info.port))
        } catch (error) {
          if (listener.ifAvailable !== true || !isAddressMissing(error)) throw error
          log.warning(`Warning: ${describe(error)}; going on without it`)
        }
      }
    }
  }

  /** Takes connections from now on. Who came before is closed: nobody knew what the last listener's clients may read. */
  letIn(): void {
    this.#isOpen = true
  }

  /**
   * @param next with the same listeners in the same places
   * @returns takes what was read into use
   * @throws {BrokerError} ERR_TLS_UNUSABLE; nothing has changed then
   */
  prepareReload(next: ResolvedBrokerOptions): () => void {
    const commits = this.#served.map(({ index, listener }) => {
      const settings = next.listeners[index]
      return settings === undefined ? undefined : listener.prepareReload(settings)
    })
    return () => {
      for (const commit of commits) commit?.()
    }
  }

  /** The options have changed: for who comes from now on; and who may not be here any more is let go. */
  applyOptions(): void {
    this.#rules = this.#makeRules()
    this.#bridgeRules = this.#makeBridgeRules()
    for (const [connection, listener] of this.#connections) connection.applyRules(listener)
  }

  /** Takes no more connections; those that are open go on. */
  stop(): void {
    for (const { listener } of this.#served) listener.stop()
  }

  /** Ends every connection. */
  async end(): Promise<void> {
    await Promise.all(this.#served.map(({ listener }) => listener.end()))
  }

  #makeRules(): readonly ListenerRules[] {
    const { options, security } = this.#given
    return options().listeners.map((listener, index) => listenerRulesOf(options(), listener, security.of(index)))
  }

  #makeBridgeRules(): ListenerRules {
    const { options, security } = this.#given
    const rules = listenerRulesOf(options(), {}, security.general)
    // Many clients come by one bridge: none of them is to cut the others off, or to hold them up.
    return { ...rules, failureBudget: { perSecond: 1, burst: 0 }, publishRate: undefined }
  }

  #listenerContext(): ListenerContext {
    const { options, log, onError } = this.#given
    return {
      addresses: new AddressCounts(() => options().maxConnectionsPerAddress),
      get connectTimeoutMs() {
        return options().connectTimeoutSeconds * 1000
      },
      get noDelay() {
        return options().setTcpNodelay
      },
      onError,
      onNotice: log.notice,
      onWarning: onceEach(log.warning),
    }
  }

  #accept(
    transport: Transport,
    arrival: Arrival,
    rules: ListenerRules | undefined,
    listener: OpenListener | undefined,
  ): void {
    if (rules === undefined || !this.#isOpen) {
      transport.destroy()
      return
    }
    const { context, log } = this.#given
    const { globalMaxConnections, connectionMessages } = this.#given.options()
    if (globalMaxConnections > 0 && this.#connections.size + this.#links >= globalMaxConnections) {
      log.notice(tooManyConnections(transport.remoteAddress))
      transport.destroy()
      return
    }
    if (listener !== undefined && context.penalties.delayOf(addressKey(transport.remoteAddress)) > 0) {
      transport.destroy()
      return
    }
    if (connectionMessages && listener !== undefined) {
      log.notice(newConnection(transport.remoteAddress, transport.remotePort, arrival.listener.port))
    }
    if (arrival.listener.protocol === 'notary-link') {
      this.#links++
      transport.onClose(() => this.#links--)
      this.#acceptLink(transport, arrival)
      return
    }
    const connection = new ClientConnection(transport, arrival, rules, context)
    this.#connections.set(connection, listener)
    transport.onClose(() => this.#connections.delete(connection))
  }
}

/** How the log calls the socket. */
function kindOf({ protocol, name }: ListenerInfo): 'ipv4' | 'ipv6' | 'websockets' | 'notary-link' {
  if (protocol !== 'mqtt') return protocol
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
