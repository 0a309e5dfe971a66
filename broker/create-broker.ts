import type { Aedes } from 'aedes'
import {
  AdminService,
  AuditChain,
  DirectTopics,
  type PluginError,
  type PublishCounters,
  PublishGate,
  PublishPolicy,
  type Refusal,
  refusalOf,
} from '../plugins/index.ts'
import { ClientConnection } from './connection/client-connection.ts'
import type { ConnectionContext } from './connection/connection-context.ts'
import { WillPublisher } from './connection/publish-will.ts'
import { describe } from './describe.ts'
import { DiskSpace } from './disk-space.ts'
import { allCapabilities } from './edge/capabilities.ts'
import { FlushQueue } from './edge/output.ts'
import { startEngine } from './engine/start-engine.ts'
import { assertEngineVersions } from './engine-versions.ts'
import { enrollFromDirectory } from './keys-directory.ts'
import {
  type Accept,
  AddressCounts,
  addressesOf,
  isAddressMissing,
  type OpenListener,
  openListener,
} from './listeners/index.ts'
import type { ListenerInfo } from './listeners/listener-info.ts'
import { type BrokerLogger, createLogger } from './logger.ts'
import { type BrokerOptions, type ResolvedBrokerOptions, resolveOptions } from './options.ts'
import { everythingMayBeRead } from './sessions/delivery-rules.ts'
import { Sessions } from './sessions/sessions.ts'

/** A running broker. */
export interface NotaryBroker {
  readonly listeners: readonly ListenerInfo[]
  readonly chain: AuditChain
  readonly counters: PublishCounters
  /** Resolves with the error when the store cannot be used any more: nothing is acknowledged from then on, so end the process. */
  readonly failed: Promise<PluginError>
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
 * @throws {BrokerError} ERR_ENGINE_VERSION, ERR_OPTIONS_INVALID, ERR_LISTEN_FAILED, ERR_TLS_UNUSABLE
 * @throws {PluginError} ERR_STORE_*, ERR_CHAIN_*, ERR_KEY_*
 */
export async function createBroker(given: BrokerOptions): Promise<NotaryBroker> {
  assertEngineVersions()
  const options = resolveOptions(given)
  const log = createLogger(options.log)
  const onError = (error: unknown) => log.error(`Error: ${describe(error)}`)
  const connections = new Set<ClientConnection>()
  const chain = await AuditChain.open({
    location: options.location,
    onError,
    onOutage: (error) => {
      log.error(`Error: ${describe(error)}: ${describe(error.cause)}. Publishers are disconnected until it does.`)
      for (const connection of connections) connection.onOutage()
    },
    onRecovered: () => log.warning('The store takes writes again.'),
    ...(options.origin === undefined ? undefined : { origin: options.origin }),
  })
  const parts: Partial<BrokerParts> & { listeners: OpenListener[] } = { listeners: [] }
  const end = async () => {
    for (const listener of parts.listeners) listener.stop()
    parts.disk?.stop()
    // The engine tells its clients; what they sent is still answered if their connection lasts, and their wills are published.
    const { engine } = parts
    if (engine !== undefined) await new Promise<void>((resolve) => engine.close(resolve))
    await Promise.all(parts.listeners.map((listener) => listener.end()))
    // Sessions end and wills are published with what comes from that.
    await chain.drained()
    parts.sessions?.stop()
    await chain.close()
  }
  let ended: Promise<void> | undefined
  const close = () => {
    ended ??= end()
    return ended
  }
  try {
    if (options.keysDirectory !== undefined) await enrollFromDirectory(chain, options.keysDirectory, log.notice)
    const context = await openParts(options, chain, parts, log, onError)
    const accept: Accept = (transport, arrival) => {
      log.notice(
        `New connection from ${transport.remoteAddress}:${transport.remotePort} on port ${arrival.listener.port}.`,
      )
      const connection = new ClientConnection(transport, arrival, context)
      connections.add(connection)
      transport.onClose(() => connections.delete(connection))
    }
    const listening = {
      addresses: new AddressCounts(options.maxConnectionsPerAddress),
      connectTimeoutMs: options.connectTimeoutSeconds * 1000,
      onError,
      onNotice: log.notice,
    }
    for (const listener of options.listeners) {
      // A name may stand for several addresses, such as those of both families.
      for (const one of await addressesOf(listener)) {
        try {
          const opened = await openListener(one, accept, listening)
          parts.listeners.push(opened)
          log.information(`Opening listen socket ${opened.info.name}.`)
        } catch (error) {
          if (listener.ifAvailable !== true || !isAddressMissing(error)) throw error
          log.warning(`Warning: ${describe(error)}; going on without it`)
        }
      }
    }
    context.sessions.start()
    log.information(
      `Chain ${chain.genesis.origin}: ${chain.state.frontier.size} records in ${chain.state.height} blocks.`,
    )
    // Nothing is answered after the store failed; whoever waits is told by the end of the connection and sends again.
    chain.failed.then(() => Promise.all(parts.listeners.map((listener) => listener.end()))).catch(onError)
    const infos = parts.listeners.map(({ info }) => info)
    return { listeners: infos, chain, counters: context.gate.counters, failed: chain.failed, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** What has to be closed again. */
interface BrokerParts {
  readonly listeners: OpenListener[]
  engine: Aedes
  sessions: Sessions
  disk: DiskSpace
}

async function openParts(
  options: ResolvedBrokerOptions,
  chain: AuditChain,
  parts: Partial<BrokerParts>,
  log: BrokerLogger,
  onError: (error: unknown) => void,
): Promise<ConnectionContext> {
  const policy = new PublishPolicy(options.protect)
  const gate = new PublishGate({ chain, policy, onError })
  const topics = new DirectTopics(onError)
  const sessions = await openSessions(options, chain, log, onError)
  parts.sessions = sessions
  const disk = new DiskSpace(
    options.location,
    options.minFreeBytes,
    (isFull, freeBytes) => {
      const room = `${Math.floor(freeBytes / 1024)} KiB are left on the disk`
      if (isFull) log.error(`Error: ${room}, less than notary_min_free; publishes are refused.`)
      else log.warning(`${room}; publishes are accepted again.`)
    },
    onError,
  )
  parts.disk = disk
  await disk.start()
  const logRefusal = ({ cause, publisher, topic, qos, payloadBytes }: Refusal) => {
    log.notice(`Denied PUBLISH from ${publisher.clientId} (q${qos}, '${topic}', ${payloadBytes} bytes): ${cause}`)
  }
  const wills = new WillPublisher(sessions, gate, (publish, cause) => logRefusal(refusalOf(gate, cause, publish)))
  sessions.wills.publish = (will) => wills.publish(will)
  const streams = new WeakMap<object, ClientConnection>()
  const { allowAnonymous } = options
  const engine = await startEngine({ database: chain.database, streams, allowAnonymous, log, onError })
  parts.engine = engine
  return {
    engine,
    streams,
    gate,
    sessions,
    policy,
    topics,
    admin: new AdminService({ chain, counters: gate.counters, sinceMs: Date.now() }),
    limits: {
      maximumPacketSize: options.maxPacketSize,
      receiveMaximum: options.maxInflightMessages,
      topicAliasMaximum: options.maxTopicAlias,
      topicAliasMaximumOut: options.maxTopicAliasBroker,
      maxKeepAliveSeconds: options.maxKeepaliveSeconds,
      ...allCapabilities,
    },
    flushQueue: sessions.flushQueue,
    anonymousAdmin: options.anonymousAdmin,
    responseInformation: options.responseInformation,
    log,
    onError,
    onRefused: (refusal, connection) => {
      logRefusal(refusal)
      const { timeMs, topic, qos, cause } = refusal
      topics.sendEvent(connection, 'rejected', { time: new Date(timeMs).toISOString(), topic, qos, cause })
    },
    isDiskFull: () => disk.isFull,
  }
}

function openSessions(
  options: ResolvedBrokerOptions,
  chain: AuditChain,
  log: BrokerLogger,
  onError: (error: unknown) => void,
): Promise<Sessions> {
  const { persistence: isPersistent, maxInflightMessages, maxQueuedMessages, maxQueuedBytes } = options
  return Sessions.open({
    chain,
    isPersistent,
    flushQueue: new FlushQueue(),
    maxInflightMessages,
    maxInflightBytes: 0,
    rules: everythingMayBeRead,
    persistentClientExpirationSeconds: undefined,
    maxQueuedMessages,
    maxQueuedBytes,
    now: Date.now,
    onDropped: (clientId, reason) => log.debug(`Dropped a message for ${clientId}: ${reason}`),
    onError,
  })
}
