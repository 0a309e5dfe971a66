import { hostname } from 'node:os'
import type { ConnectionOptions } from 'node:tls'
import type { ProtocolVersion } from '../edge/index.ts'
import type { FlushQueue } from '../edge/output.ts'
import type { Accept } from '../listeners/index.ts'
import type { BrokerLogger } from '../logger.ts'
import { AddressCycle } from './address-cycle.ts'
import { bridgeArrival } from './bridge-arrival.ts'
import type { BridgeOptions } from './bridge-options.ts'
import { ClientLink } from './client-link.ts'
import { encodeBridgeConnect, type ReadConnack } from './client-packets.ts'
import { type Address, dial } from './dial.ts'
import { BridgeError } from './errors.ts'
import { encodeNotification, introduceThere, type Refusal, subscribeHere } from './introduce.ts'
import { Relay } from './relay.ts'
import { PacketIdMemory } from './relay-memory.ts'
import { loadRemoteTls } from './remote-tls.ts'
import { RestartDelay } from './restart-delay.ts'
import { mapTopics, type TopicMaps } from './topic-map.ts'
import { transportPair } from './transport-pair.ts'

/** What bridges need of the broker. */
export interface BridgeDependencies {
  /** As listeners have it; the local ends come in by it. */
  readonly accept: Accept
  /** Publishes as the broker itself, also below `$SYS/`. */
  readonly publishLocal: (topic: string, payload: string, retain: boolean) => void
  /** What the session of this client here is subscribed to. */
  readonly subscriptionsOf: (clientId: string) => Iterable<string>
  readonly log: Pick<BrokerLogger, 'notice' | 'warning' | 'error'>
  /** Told of every connection that failed or ended, as a BridgeError. */
  readonly onError: (error: unknown) => void
  /** Time for a connection, a CONNACK, an answer. Default 30,000. */
  readonly answerTimeoutMs?: number
  /** How often a bridge that is connected to another address tries the first. Default 5,000, as Mosquitto. */
  readonly standInCheckMs?: number
  /** From 0 to below 1. Default Math.random. */
  readonly random?: () => number
}

const versions = { mqttv31: 3, mqttv311: 4, mqttv50: 5 } as const satisfies Record<string, ProtocolVersion>
/** [MQTT-3.1.1 3.2.2.3] */
const unacceptableProtocolVersion = 1

/** One `connection`: connects, relays, and when that ends begins again, until it is closed. */
export class Bridge {
  readonly name: string
  readonly #options: BridgeOptions
  readonly #dependencies: BridgeDependencies
  readonly #flushQueue: FlushQueue
  readonly #maps: TopicMaps
  readonly #tls: ConnectionOptions | undefined
  readonly #addresses: AddressCycle<Address>
  readonly #delay: RestartDelay
  readonly #version: ProtocolVersion
  readonly #remoteClientId: string
  readonly #memory = { out: new PacketIdMemory(), in: new PacketIdMemory() }
  readonly #closing = new AbortController()
  #isPrivate: boolean
  #isUp = false
  #running: Promise<void> | undefined

  /** @throws {BridgeError} ERR_BRIDGE_OPTIONS_INVALID, ERR_BRIDGE_TLS_UNUSABLE */
  constructor(options: BridgeOptions, dependencies: BridgeDependencies, flushQueue: FlushQueue) {
    const { name, addresses, topics, tls, roundRobin, restartTimeout, protocolVersion, tryPrivate } = options
    const [first, ...others] = addresses
    if (first === undefined) {
      throw new BridgeError('ERR_BRIDGE_OPTIONS_INVALID', `connection ${name} has no address`)
    }
    this.name = name
    this.#options = options
    this.#dependencies = dependencies
    this.#flushQueue = flushQueue
    this.#maps = mapTopics(name, topics)
    this.#tls = tls === undefined ? undefined : loadRemoteTls(name, tls)
    this.#addresses = new AddressCycle([first, ...others], roundRobin)
    this.#delay = new RestartDelay(restartTimeout, dependencies.random ?? Math.random)
    this.#version = versions[protocolVersion]
    this.#isPrivate = tryPrivate && this.#version < 5
    this.#remoteClientId = options.remoteClientId ?? `${hostname()}.${name}`
  }

  get localClientId(): string {
    return this.#options.localClientId ?? `local.${this.#remoteClientId}`
  }

  /** Messages go over it. */
  get isUp(): boolean {
    return this.#isUp
  }

  start(): void {
    this.#notifyLocal('0')
    this.#running ??= this.#run()
  }

  /** Takes its leave at both brokers. Resolves when both connections are closed. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
  }

  get #isClosing(): boolean {
    return this.#closing.signal.aborted
  }

  async #run(): Promise<void> {
    const { onError, log } = this.#dependencies
    while (!this.#isClosing) {
      const { host, port } = this.#addresses.current
      log.notice(`Connecting bridge ${this.name} (${host}:${port})`)
      const wasStandIn = this.#addresses.isStandIn
      const before = this.#addresses.current
      let wasUp = false
      try {
        const end = await this.#connectAndRelay(() => {
          wasUp = true
        })
        if (end !== undefined) throw end
      } catch (error) {
        if (!this.#isClosing) onError(error)
      }
      // It left the stand-in by itself, for the first address.
      if (wasStandIn && before !== this.#addresses.current) continue
      this.#addresses.fail(wasUp)
      await this.#wait(this.#delay.next())
    }
  }

  /** @returns why it ended; undefined: it was told to. @throws {BridgeError} when it did not come to it */
  async #connectAndRelay(onUp: () => void): Promise<BridgeError | undefined> {
    const links: ClientLink[] = []
    const end = () => {
      for (const link of links) link.end()
    }
    const { signal } = this.#closing
    let remoteNotice = () => {}
    const leave = () => {
      remoteNotice()
      end()
    }
    signal.addEventListener('abort', leave)
    let watch: NodeJS.Timeout | undefined
    try {
      const remote = await this.#connectRemote(links)
      const { link, connack } = remote
      const local = await this.#connectLocal(links, connack)
      const { in: inward, out } = this.#memory
      inward.connected(connack.sessionPresent, local.connack.sessionPresent)
      out.connected(local.connack.sessionPresent, connack.sessionPresent)
      const relay = new Relay({
        local: local.link,
        remote: link,
        localConnack: local.connack,
        remoteConnack: connack,
        maps: this.#maps,
        memory: this.#memory,
        onDropped: (topic, why) => this.#dependencies.log.warning(`Bridge ${this.name}: lost '${topic}': ${why}`),
      })
      const complain = this.#complain
      const subscribed = this.#dependencies.subscriptionsOf(this.localClientId)
      complain(
        'here',
        await subscribeHere(local.link, { filters: this.#maps.out.filters, subscribed, remote: connack }),
      )
      link.release()
      const topic = this.#remoteNotificationTopic
      const requests = {
        filters: this.#maps.in.filters,
        leftovers: this.#options.attemptUnsubscribe ? this.#maps.leftovers : [],
        notificationTopic: topic,
        isSessionPresentHere: local.connack.sessionPresent,
      }
      complain('there', await introduceThere(link, requests))
      if (topic !== undefined) remoteNotice = () => link.send(encodeNotification(topic, '0', link.version, 0))
      relay.start()
      onUp()
      this.#delay.reset()
      this.#isUp = true
      this.#notifyLocal('1')
      watch = this.#watchFirst(end)
      // `end` gives undefined, whichever of the two it ends first.
      return await Promise.race([link.closed, local.link.closed])
    } finally {
      clearInterval(watch)
      signal.removeEventListener('abort', leave)
      end()
      await Promise.all(links.map(({ gone }) => gone))
      if (this.#isUp) this.#notifyLocal('0')
      this.#isUp = false
    }
  }

  async #connectRemote(links: ClientLink[]): Promise<{ link: ClientLink; connack: ReadConnack }> {
    const { cleanSession, keepAliveSeconds, remoteUsername, remotePassword } = this.#options
    const address = this.#addresses.current
    const transport = await dial(address, this.#dialing)
    const version = this.#version
    const isPrivate = this.#isPrivate
    const link = this.#link(links, transport, `${address.host}:${address.port}`, version)
    const topic = this.#remoteNotificationTopic
    const connect = encodeBridgeConnect({
      version,
      isPrivate,
      clientId: this.#remoteClientId,
      cleanStart: cleanSession,
      keepAliveSeconds,
      username: remoteUsername,
      password: remotePassword,
      will: topic === undefined ? undefined : { topic, payload: '0', qos: 1 },
      receiveMaximum: 65_535,
    })
    try {
      return { link, connack: await link.connect(connect, keepAliveSeconds) }
    } catch (error) {
      const code = error instanceof BridgeError ? error.details.reasonCode : undefined
      // Some brokers say that they do not know such a version, others just close.
      const mayBeVersion = code === undefined || code === unacceptableProtocolVersion
      if (mayBeVersion && this.#options.tryPrivate && version < 5) this.#isPrivate = !isPrivate
      throw error
    }
  }

  async #connectLocal(links: ClientLink[], remote: ReadConnack): Promise<{ link: ClientLink; connack: ReadConnack }> {
    const { localCleanSession, localUsername, localPassword } = this.#options
    const isTls = this.#tls !== undefined
    const [transport, theirs] = transportPair(isTls ? 'tls' : 'tcp')
    const link = this.#link(links, transport, 'local', 5)
    this.#dependencies.accept(theirs, bridgeArrival(this.name, isTls, this.#maps))
    const connect = encodeBridgeConnect({
      version: 5,
      isPrivate: false,
      clientId: this.localClientId,
      cleanStart: localCleanSession,
      keepAliveSeconds: 0,
      username: localUsername,
      password: localPassword,
      will: undefined,
      // What the remote broker has not acknowledged, the local one is not told: so this holds for both.
      receiveMaximum: remote.receiveMaximum,
    })
    const connack = await link.connect(connect, 0)
    return { link, connack }
  }

  #link(
    links: ClientLink[],
    transport: ConstructorParameters<typeof ClientLink>[0],
    peer: string,
    version: ProtocolVersion,
  ): ClientLink {
    const answerTimeoutMs = this.#answerTimeoutMs
    const link = new ClientLink(transport, { peer, version, flushQueue: this.#flushQueue, answerTimeoutMs })
    links.push(link)
    if (this.#isClosing) link.end()
    return link
  }

  readonly #complain = (where: 'here' | 'there', refusals: readonly Refusal[]): void => {
    for (const { what, code } of refusals) {
      this.#dependencies.log.error(`Error: bridge ${this.name}: '${what}' was refused ${where} with ${code}`)
    }
  }

  get #notificationTopic(): string | undefined {
    const { notifications, notificationTopic } = this.#options
    if (!notifications) return undefined
    return notificationTopic ?? `$SYS/broker/connection/${this.#remoteClientId}/state`
  }

  get #remoteNotificationTopic(): string | undefined {
    return this.#options.notificationsLocalOnly ? undefined : this.#notificationTopic
  }

  #notifyLocal(state: '0' | '1'): void {
    const topic = this.#notificationTopic
    if (topic !== undefined) this.#dependencies.publishLocal(topic, state, true)
  }

  /** While connected to another address than the first, tries that one, and goes there when it answers. */
  #watchFirst(end: () => void): NodeJS.Timeout | undefined {
    if (!this.#addresses.isStandIn) return undefined
    let isTrying = false
    return setInterval(() => {
      if (isTrying) return
      isTrying = true
      dial(this.#addresses.first, this.#dialing).then(
        (transport) => {
          transport.destroy()
          this.#addresses.returnToFirst()
          end()
        },
        () => {
          // It is still away, which the log has.
          isTrying = false
        },
      )
    }, this.#dependencies.standInCheckMs ?? 5000)
  }

  get #dialing() {
    return { tls: this.#tls, timeoutMs: this.#answerTimeoutMs, signal: this.#closing.signal }
  }

  get #answerTimeoutMs(): number {
    return this.#dependencies.answerTimeoutMs ?? 30_000
  }

  #wait(ms: number): Promise<void> {
    const { signal } = this.#closing
    return new Promise((resolve) => {
      const over = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', over)
        resolve()
      }
      const timer = setTimeout(over, ms)
      signal.addEventListener('abort', over)
      if (signal.aborted) over()
    })
  }
}
