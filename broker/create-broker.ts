import { Aedes, type AedesOptions, type Client } from 'aedes'
import {
  AdminService,
  AuditChain,
  createNotary,
  DirectTopics,
  isDirect,
  nativeCrypto,
  PluginError,
  type PublishCounters,
  PublishPolicy,
  readKeysDirectory,
} from '../plugins/index.ts'
import { notaryPrefix } from '../protocol/index.ts'
import { takeAdminRequest } from './admin-requests.ts'
import { checkWill } from './connect-rules.ts'
import { Connections, type ListenerInfo } from './connections.ts'
import { cleanIncoming, hardenBroker, hardenClient } from './engine-internals.ts'
import { guardHook } from './hooks.ts'
import type { AcceptStream, OpenListener } from './listeners/listener.ts'
import { openTcpListener } from './listeners/tcp.ts'
import { openWebSocketListener } from './listeners/websocket.ts'
import { createLogger } from './logger.ts'
import { type BrokerOptions, resolveOptions } from './options.ts'
import { LevelSessions } from './sessions/level-sessions.ts'

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
const notAuthorizedReturnCode = 5

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
  const chain = await AuditChain.open({
    location: options.location,
    ...(options.origin === undefined ? undefined : { origin: options.origin }),
    onError,
  })
  const open: OpenListener[] = []
  let aedes: Aedes | undefined
  const close = async () => {
    await Promise.all(open.map((listener) => listener.close()))
    await new Promise<void>((resolve) => (aedes === undefined ? resolve() : aedes.close(resolve)))
    await chain.close()
  }
  try {
    if (options.keysDirectory !== undefined) await enrollFromDirectory(chain, options.keysDirectory, log.notice)
    const connections = new Connections(options.anonymousAdmin)
    const policy = new PublishPolicy(options.protect)
    const topics = new DirectTopics(onError)
    const notary = createNotary({
      chain,
      protect: options.protect,
      publisherOf: (client) => connections.publisher(client),
      onRequest: (client, packet) => takeAdminRequest(admin, topics, connections, client, packet, onError),
      onRefused: (refusal, client) => {
        const { cause, publisher, topic, qos, payloadBytes } = refusal
        log.notice(`Denied PUBLISH from ${publisher.clientId} (q${qos}, '${topic}', ${payloadBytes} bytes): ${cause}`)
        if (client === null || client.closed) return
        const time = new Date(refusal.timeMs).toISOString()
        topics.sendEvent(client, 'rejected', { time, topic, qos, cause })
      },
      onError,
    })
    const admin = new AdminService({ chain, counters: notary.counters, sinceMs: Date.now() })

    const hooks: AedesOptions = {
      preConnect: (client, packet, answer) => {
        hardenClient(client)
        connections.connect(client, packet)
        if (!packet.clean || aedes === undefined) answer(null, true)
        else
          cleanIncoming(aedes, packet.clientId).then(
            () => answer(null, true),
            (error) => answer(error, false),
          )
      },
      authenticate: (client, username, _password, answer) => {
        const connection = connections.of(client)
        const refusal = options.allowAnonymous ? checkWill(connection?.will, policy) : 'not authorised'
        if (refusal === undefined) {
          answer(null, true)
          return
        }
        log.notice(
          `Client ${client.id} from ${connection?.remoteAddress} refused: ${refusal}${username ? ` (u'${username}')` : ''}`,
        )
        answer(Object.assign(new Error(refusal), { returnCode: notAuthorizedReturnCode }), null)
      },
      authorizePublish: notary.authorizePublish,
      authorizeSubscribe: (client, subscription, answer) => {
        const isAllowed = maySubscribe(topics, client, subscription.topic)
        if (isAllowed) log.subscribe(`${client.id} ${subscription.qos} ${subscription.topic}`)
        else log.notice(`Denied SUBSCRIBE from ${client.id} to '${subscription.topic}'`)
        answer(null, isAllowed ? subscription : null)
      },
      // The engine's own $SYS/<id>/... would tell every subscriber the ids of all clients.
      authorizeForward: (_client, packet) => {
        const isBrokers = packet.topic.startsWith('$SYS/') || packet.topic.startsWith(notaryPrefix)
        return isBrokers && !isDirect(packet) ? null : packet
      },
    }

    const engine = await Aedes.createBroker({
      ...guardHooks(hooks, onError),
      topicAliasMaximum,
      receiveMaximum: options.maxInflightMessages,
      queueLimit: packetsBeforeConnack,
      maxClientsIdLength: 65_535,
      ...(options.persistence
        ? {
            persistence: new LevelSessions(chain.database, {
              maxMessagesPerClient:
                options.maxQueuedMessages === 0 ? 0 : options.maxQueuedMessages + options.maxInflightMessages,
              onQueueFull: (clientId, topic) => log.debug(`Queue of ${clientId} is full, dropped '${topic}'`),
            }),
          }
        : undefined),
    })
    aedes = engine
    hardenBroker(engine, onError)
    listenToEngine(engine, topics, connections, log)

    const accept: AcceptStream = (stream, listener, remoteAddress, request) => {
      log.notice(`New connection from ${remoteAddress} on port ${listener.port}.`)
      connections.accept(stream, listener, remoteAddress)
      engine.handle(stream, request)
    }
    for (const listener of options.listeners) {
      const opener = listener.protocol === 'websockets' ? openWebSocketListener : openTcpListener
      const opened = await opener(listener, accept, onError)
      open.push(opened)
      log.information(`Opening listen socket ${opened.info.name}.`)
    }
    const { state, genesis } = chain
    log.information(`Chain ${genesis.origin}: ${state.frontier.size} records in ${state.height} blocks.`)
    return {
      listeners: open.map(({ info }) => info),
      chain,
      counters: notary.counters,
      failed: chain.failed,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** A subscription that the broker's own topics, or what is not built yet, forbid. */
function maySubscribe(topics: DirectTopics, client: Client, filter: string): boolean {
  if (filter === '$notary' || filter.startsWith(notaryPrefix)) return topics.subscribe(client, filter)
  // Shared subscriptions would be granted to 3.1.1 clients as a filter that matches nothing: better a clear no.
  return !filter.startsWith('$share/')
}

/** Every hook, so that none can end the process; a hook that throws refuses. */
function guardHooks(hooks: AedesOptions, onError: (error: unknown) => void): AedesOptions {
  const { preConnect, authenticate, authorizePublish, authorizeSubscribe, authorizeForward } =
    hooks as Required<AedesOptions>
  const failure = () => new Error('not authorized')
  return {
    preConnect: guardHook(preConnect, (answer) => answer(failure(), false), onError),
    authenticate: guardHook(
      authenticate,
      (answer) => answer(Object.assign(failure(), { returnCode: notAuthorizedReturnCode }), null),
      onError,
    ),
    authorizePublish: guardHook(authorizePublish, (answer) => answer(failure()), onError),
    authorizeSubscribe: guardHook(authorizeSubscribe, (answer) => answer(null, null), onError),
    authorizeForward: (client, packet) => {
      try {
        return authorizeForward(client, packet)
      } catch (error) {
        onError(error)
        return null
      }
    },
  }
}

/** An event without a listener would end the process (engine row 12); these also make the log. */
function listenToEngine(
  aedes: Aedes,
  topics: DirectTopics,
  connections: Connections,
  log: ReturnType<typeof createLogger>,
): void {
  const protocolNumber = (client: Client) => ({ 3: 1, 4: 2, 5: 5 })[client.version] ?? client.version
  aedes.on('client', (client) => {
    const connection = connections.of(client)
    const user = connection?.username === undefined ? '' : `, u'${connection.username}'`
    const flags = `p${protocolNumber(client)}, c${client.clean ? 1 : 0}${user}`
    log.notice(`New client connected from ${connection?.remoteAddress} as ${client.id} (${flags}).`)
  })
  aedes.on('clientDisconnect', (client) => log.notice(`Client ${client.id} disconnected.`))
  aedes.on('clientError', (client, error) => log.information(`Client ${client.id}: ${error.message}`))
  aedes.on('connectionError', (client, error) => {
    log.notice(`Client <unknown> from ${connections.of(client)?.remoteAddress ?? 'an address'}: ${error.message}`)
  })
  aedes.on('keepaliveTimeout', (client) => log.notice(`Client ${client.id} has exceeded timeout, disconnecting.`))
  aedes.on('unsubscribe', (filters, client) => {
    topics.unsubscribe(client, filters)
    for (const filter of filters) log.unsubscribe(`${client.id} ${filter}`)
  })
  // Not in the types of this version: failures of the engine's own housekeeping.
  ;(aedes as NodeJS.EventEmitter).on('error', (error: unknown) => log.error(`Engine: ${describe(error)}`))
}

async function enrollFromDirectory(
  chain: AuditChain,
  directory: string,
  notice: (message: string) => void,
): Promise<void> {
  for (const { name, key } of readKeysDirectory(directory, nativeCrypto)) {
    try {
      await chain.enroll(key, name)
    } catch (error) {
      const isRevoked = error instanceof PluginError && error.code === 'ERR_KEY_EXISTS'
      if (!isRevoked) throw error
      // A file cannot bring back a revoked key, and must not keep the broker from starting.
      notice(`Key ${name} of ${directory} not enrolled: ${error.message}`)
    }
  }
}

/** Code and message, with what caused it. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? `${error.code}: ` : ''
  const cause = error.cause === undefined ? '' : ` (${describe(error.cause)})`
  return `${code}${error.message}${cause}`
}
