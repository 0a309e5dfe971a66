import { randomUUID } from 'node:crypto'
import { Aedes } from 'aedes'
import {
  AdminService,
  AuditChain,
  createNotary,
  DirectTopics,
  type PluginError,
  type PublishCounters,
  PublishPolicy,
} from '../plugins/index.ts'
import { takeAdminRequest } from './admin-requests.ts'
import { checkWill } from './connect-rules.ts'
import { Connections, type ListenerInfo } from './connections.ts'
import { describe } from './describe.ts'
import { listenToEngine } from './engine-events.ts'
import { cleanIncoming, hardenBroker, hardenClient, Overlaps } from './engine-internals.ts'
import { guardHooks, notAuthorizedReturnCode } from './hooks.ts'
import { enrollFromDirectory } from './keys-directory.ts'
import { type AcceptStream, isAddressMissing, type OpenListener } from './listeners/listener.ts'
import { openTcpListener } from './listeners/tcp.ts'
import { openWebSocketListener } from './listeners/websocket.ts'
import { type BrokerLogger, createLogger } from './logger.ts'
import { type BrokerOptions, type ResolvedBrokerOptions, resolveOptions } from './options.ts'
import { LevelSessions } from './sessions/level-sessions.ts'
import { mayForward, maySubscribe } from './subscribe-rules.ts'

/** A running broker. */
export interface NotaryBroker {
  readonly listeners: readonly ListenerInfo[]
  readonly chain: AuditChain
  readonly counters: PublishCounters
  /** Resolves with the error when the store has failed: nothing is acknowledged from then on, so end the process. */
  readonly failed: Promise<PluginError>
  /** Takes no more connections, closes those there are, commits what was submitted, closes the store. */
  close(): Promise<void>
}

/** Topic alias numbers that an MQTT 5 publisher may use, as Mosquitto announces. */
const topicAliasMaximum = 10
/** Packets that a client may send before its CONNECT is answered. */
const packetsBeforeConnack = 1000
/** [MQTT-5.0 1.5.4]: the engine's own limit for 3.1 clients is 23 characters, which Mosquitto does not have. */
const maxClientIdLength = 65_535

/**
 * Starts a broker: the chain, then the engine with its hooks in the order in which a packet meets them, then the
 * listeners.
 * @throws {BrokerError} ERR_OPTIONS_INVALID, ERR_LISTEN_FAILED
 * @throws {PluginError} ERR_STORE_*, ERR_CHAIN_*, ERR_KEY_*
 */
export async function createBroker(given: BrokerOptions): Promise<NotaryBroker> {
  const options = resolveOptions(given)
  const log = createLogger(options.log)
  const onError = (error: unknown) => log.error(`Error: ${describe(error)}`)
  const { location, origin } = options
  const chain = await AuditChain.open({ location, onError, ...(origin === undefined ? undefined : { origin }) })
  const listeners: OpenListener[] = []
  let aedes: Aedes | undefined
  const close = async () => {
    for (const listener of listeners) listener.stop()
    // Publishes that are being committed are still answered if their connection lasts; recorded they are in any case.
    await new Promise<void>((resolve) => (aedes === undefined ? resolve() : aedes.close(resolve)))
    await Promise.all(listeners.map((listener) => listener.end()))
    await chain.close()
  }
  try {
    if (options.keysDirectory !== undefined) await enrollFromDirectory(chain, options.keysDirectory, log.notice)
    const connections = new Connections(options.anonymousAdmin)
    const topics = new DirectTopics(onError)
    const engine = await startEngine(options, chain, connections, topics, log, onError)
    aedes = engine.aedes
    const accept: AcceptStream = (stream, listener, remoteAddress, request) => {
      log.notice(`New connection from ${remoteAddress} on port ${listener.port}.`)
      connections.accept(stream, listener, remoteAddress)
      engine.aedes.handle(stream, request)
    }
    for (const listener of options.listeners) {
      const open = listener.protocol === 'websockets' ? openWebSocketListener : openTcpListener
      try {
        const opened = await open(listener, accept, onError)
        listeners.push(opened)
        log.information(`Opening listen socket ${opened.info.name}.`)
      } catch (error) {
        if (listener.ifAvailable !== true || !isAddressMissing(error)) throw error
        log.warning(`Warning: ${describe(error)}; going on without it`)
      }
    }
    log.information(
      `Chain ${chain.genesis.origin}: ${chain.state.frontier.size} records in ${chain.state.height} blocks.`,
    )
    // Nothing is answered after a failed write; whoever waits is told by the end of the connection and sends again.
    chain.failed.then(() => Promise.all(listeners.map((listener) => listener.end()))).catch(onError)
    const infos = listeners.map(({ info }) => info)
    return { listeners: infos, chain, counters: engine.counters, failed: chain.failed, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The engine with its hooks, in the order in which a packet meets them. */
async function startEngine(
  options: ResolvedBrokerOptions,
  chain: AuditChain,
  connections: Connections,
  topics: DirectTopics,
  log: BrokerLogger,
  onError: (error: unknown) => void,
): Promise<{ aedes: Aedes; counters: PublishCounters }> {
  const policy = new PublishPolicy(options.protect)
  const sessions = options.persistence ? openSessions(options, chain, log) : undefined
  const notary = createNotary({
    chain,
    policy,
    ...(sessions === undefined ? undefined : { qos2Marks: sessions.qos2Marks }),
    publisherOf: (client) => connections.publisher(client),
    onRequest: (client, packet) => takeAdminRequest(admin, topics, connections, client, packet, onError),
    onRefused: ({ cause, publisher, topic, qos, payloadBytes, timeMs }, client) => {
      log.notice(`Denied PUBLISH from ${publisher.clientId} (q${qos}, '${topic}', ${payloadBytes} bytes): ${cause}`)
      if (client === null || client.closed) return
      topics.sendEvent(client, 'rejected', { time: new Date(timeMs).toISOString(), topic, qos, cause })
    },
    onError,
  })
  const admin = new AdminService({ chain, counters: notary.counters, sinceMs: Date.now() })

  const overlaps = new Overlaps()
  const hooks = guardHooks(
    {
      preConnect: (client, packet, answer) => {
        hardenClient(client)
        connections.connect(client, packet)
        if (!packet.clean) answer(null, true)
        else {
          cleanIncoming(aedes, packet.clientId).then(
            () => answer(null, true),
            (error) => answer(error, false),
          )
        }
      },
      authenticate: (client, username, _password, answer) => {
        const connection = connections.of(client)
        const refusal = options.allowAnonymous ? checkWill(connection?.will, policy) : 'not authorised'
        if (refusal === undefined) {
          answer(null, true)
          return
        }
        const user = username === undefined ? '' : ` (u'${username}')`
        log.notice(`Client ${client.id} from ${connection?.remoteAddress} refused: ${refusal}${user}`)
        answer(Object.assign(new Error(refusal), { returnCode: notAuthorizedReturnCode }), null)
      },
      authorizePublish: notary.authorizePublish,
      authorizeSubscribe: (client, subscription, answer) => {
        const isAllowed = maySubscribe(topics, client, subscription.topic)
        if (isAllowed) log.subscribe(`${client.id} ${subscription.qos} ${subscription.topic}`)
        else log.notice(`Denied SUBSCRIBE from ${client.id} to '${subscription.topic}'`)
        answer(null, isAllowed ? subscription : null)
      },
      authorizeForward: (client, packet) => {
        return mayForward(packet) && !overlaps.isRepeated(client, packet) ? packet : null
      },
    },
    onError,
  )

  const aedes = await Aedes.createBroker({
    ...hooks,
    id: engineId(chain),
    topicAliasMaximum,
    receiveMaximum: options.maxInflightMessages,
    queueLimit: packetsBeforeConnack,
    maxClientsIdLength: maxClientIdLength,
    ...(sessions === undefined ? undefined : { persistence: sessions }),
  })
  hardenBroker(aedes, onError)
  listenToEngine(aedes, topics, connections, log)
  return { aedes, counters: notary.counters }
}

/**
 * Queues are replayed in the order of the engine's id and its own counter, which starts over with every start: so the
 * id has to grow. It grows with the chain, since nothing is queued that is not recorded.
 */
function engineId({ state }: AuditChain): string {
  return `${String(state.frontier.size).padStart(16, '0')}-${randomUUID()}`
}

function openSessions(options: ResolvedBrokerOptions, chain: AuditChain, log: BrokerLogger): LevelSessions {
  const { maxQueuedMessages, maxInflightMessages } = options
  return new LevelSessions(chain.database, {
    maxMessagesPerClient: maxQueuedMessages === 0 ? 0 : maxQueuedMessages + maxInflightMessages,
    onQueueFull: (clientId, topic) => log.debug(`Queue of ${clientId} is full, dropped '${topic}'`),
  })
}
