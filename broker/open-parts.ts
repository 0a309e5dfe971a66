import type { Aedes } from 'aedes'
import {
  AdminService,
  type AuditChain,
  DirectTopics,
  PublishGate,
  type PublishPolicy,
  type Refusal,
  refusalOf,
} from '../plugins/index.ts'
import type { ClientConnection } from './connection/client-connection.ts'
import type { ConnectionContext } from './connection/connection-context.ts'
import { WillPublisher } from './connection/publish-will.ts'
import { DiskSpace } from './disk-space.ts'
import { FlushQueue } from './edge/output.ts'
import { startEngine } from './engine/start-engine.ts'
import type { BrokerLogger } from './logger.ts'
import { BrokerCounters } from './metrics/index.ts'
import type { ResolvedBrokerOptions } from './options.ts'
import type { AccessRules } from './security/access-rules.ts'
import type { QueueTotals } from './sessions/queue.ts'
import { Sessions } from './sessions/sessions.ts'

/** What is beneath the connections, and has to be closed again. */
export interface BrokerParts {
  engine: Aedes
  sessions: Sessions
  disk: DiskSpace
}

/** What the parts are made with. */
export interface PartsOptions {
  readonly options: ResolvedBrokerOptions
  readonly chain: AuditChain
  readonly policy: PublishPolicy
  readonly access: AccessRules
  readonly log: BrokerLogger
  readonly onError: (error: unknown) => void
}

/** What connections share, and what operators look at. */
export interface OpenedParts {
  readonly context: ConnectionContext
  readonly totals: QueueTotals
}

/**
 * Opens everything between the chain and the listeners.
 * @param parts is filled step by step, so that what was opened can be closed when a later step fails
 */
export async function openParts(given: PartsOptions, parts: Partial<BrokerParts>): Promise<OpenedParts> {
  const { options, chain, policy, access, log, onError } = given
  const gate = new PublishGate({ chain, policy, onError })
  const topics = new DirectTopics(onError)
  const counters = new BrokerCounters()
  const totals: QueueTotals = { messages: 0, bytes: 0, inFlight: 0 }
  const sessions = await openSessions(given, counters, totals)
  parts.sessions = sessions
  const disk = watchDisk(given)
  parts.disk = disk
  await disk.start()
  const noteRefusal = ({ cause, publisher, topic, qos, payloadBytes }: Refusal) => {
    if (cause === 'access-denied') counters.publishesDenied++
    log.notice(`Denied PUBLISH from ${publisher.clientId} (q${qos}, '${topic}', ${payloadBytes} bytes): ${cause}`)
  }
  const wills = new WillPublisher({
    sessions,
    gate,
    mayWrite: (client, topicName) => access.mayWrite(client, topicName),
    onRefused: (publish, cause) => noteRefusal(refusalOf(gate, cause, publish)),
  })
  sessions.wills.publish = (will) => wills.publish(will)
  const streams = new WeakMap<object, ClientConnection>()
  const engine = await startEngine({ database: chain.database, streams, log, onError })
  parts.engine = engine
  const { globalMaxClients } = options
  const context: ConnectionContext = {
    engine,
    streams,
    gate,
    sessions,
    policy,
    topics,
    counters,
    admin: new AdminService({ chain, counters: gate.counters, sinceMs: Date.now() }),
    flushQueue: sessions.flushQueue,
    anonymousAdmin: options.anonymousAdmin,
    admins: new Set(options.admins),
    clientIdPrefixes: options.clientIdPrefixes,
    messageSizeLimit: options.messageSizeLimit,
    isFull: (clientId) => {
      return globalMaxClients > 0 && sessions.count >= globalMaxClients && sessions.find(clientId) === undefined
    },
    responseInformation: options.responseInformation,
    log,
    connectionMessages: options.connectionMessages,
    onError,
    onRefused: (refusal, connection) => {
      noteRefusal(refusal)
      const { timeMs, topic, qos, cause } = refusal
      topics.sendEvent(connection, 'rejected', { time: new Date(timeMs).toISOString(), topic, qos, cause })
    },
    isDiskFull: () => disk.isFull,
  }
  return { context, totals }
}

function watchDisk({ options, log, onError }: PartsOptions): DiskSpace {
  const tell = (isFull: boolean, freeBytes: number) => {
    const room = `${Math.floor(freeBytes / 1024)} KiB are left on the disk`
    if (isFull) log.error(`Error: ${room}, less than notary_min_free; publishes are refused.`)
    else log.warning(`${room}; publishes are accepted again.`)
  }
  return new DiskSpace(options.location, options.minFreeBytes, tell, onError)
}

function openSessions(
  { options, chain, access, log, onError }: PartsOptions,
  counters: BrokerCounters,
  totals: QueueTotals,
): Promise<Sessions> {
  const { maxInflightMessages, maxInflightBytes, maxQueuedMessages, maxQueuedBytes } = options
  return Sessions.open({
    chain,
    isPersistent: options.persistence,
    flushQueue: new FlushQueue(),
    maxInflightMessages,
    maxInflightBytes,
    maxQueuedMessages,
    maxQueuedBytes,
    totals,
    queuesQos0: options.queueQos0Messages,
    rules: access,
    persistentClientExpirationSeconds: options.persistentClientExpirationSeconds || undefined,
    now: Date.now,
    onDropped: (clientId, reason) => {
      if (reason === 'queue-full' || reason === 'not-keeping-up') counters.publishesDropped++
      log.debug(`Dropped a message for ${clientId}: ${reason}`)
    },
    onExpired: (clientId) => {
      counters.clientsExpired++
      log.notice(`Expiring client ${clientId} due to timeout.`)
    },
    onError,
  })
}
