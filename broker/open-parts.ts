import type { Aedes } from 'aedes'
import {
  AddressPenalties,
  AdminService,
  type AnchorFile,
  type AuditChain,
  type CheckpointKeeper,
  DirectTopics,
  DiskForecast,
  IdentityService,
  IndexBuilder,
  KeyExchangeService,
  keptCheckpoints,
  nativeCrypto,
  PublishGate,
  QueryIndex,
  ReceiptPush,
  Retention,
  type RulesInForce,
  Scrubber,
  VerificationQueue,
  type VerifySignature,
  type VerifySources,
  type Witnesses,
} from '../plugins/index.ts'
import { damageAlarmJson } from './alarm-json.ts'
import type { ClientConnection } from './connection/client-connection.ts'
import type { ConnectionContext } from './connection/connection-context.ts'
import { WillPublisher } from './connection/publish-will.ts'
import { Refusals } from './connection/refusals.ts'
import { DiskSpace } from './disk-space.ts'
import { FlushQueue } from './edge/output.ts'
import { startEngine } from './engine/start-engine.ts'
import { expiringClient } from './log/messages.ts'
import type { BrokerLogger } from './logger.ts'
import { BrokerCounters } from './metrics/index.ts'
import { openCheckpoints } from './open-checkpoints.ts'
import type { ResolvedBrokerOptions } from './options.ts'
import type { AccessRules } from './security/access-rules.ts'
import { PublishView } from './sessions/publish-view.ts'
import type { QueueTotals } from './sessions/queue.ts'
import { recordReferences } from './sessions/record-references.ts'
import { Sessions } from './sessions/sessions.ts'

/** What is beneath the connections, and has to be closed again. */
export interface BrokerParts {
  engine: Aedes
  sessions: Sessions
  disk: DiskSpace
  verification: VerificationQueue
  keyExchange: KeyExchangeService
  checkpoints: CheckpointKeeper
  scrub: Scrubber
  retention: Retention
  witnesses: Witnesses
  indexBuilder: IndexBuilder
  receipts: ReceiptPush
}

/** What the parts are made with. */
export interface PartsOptions {
  /** As they are now. */
  readonly options: () => ResolvedBrokerOptions
  readonly chain: AuditChain
  readonly anchors: readonly AnchorFile[]
  readonly rules: RulesInForce
  readonly access: AccessRules
  readonly log: BrokerLogger
  readonly onError: (error: unknown) => void
}

/** What connections share, and what operators look at. */
export interface OpenedParts {
  readonly context: ConnectionContext
  readonly totals: QueueTotals
  readonly verification: VerificationQueue
  readonly scrub: Scrubber
  readonly retention: Retention
  readonly forecast: DiskForecast
  readonly witnesses: Witnesses
}

/**
 * Opens everything between the chain and the listeners.
 * @param parts is filled step by step, so that what was opened can be closed when a later step fails
 */
export async function openParts(given: PartsOptions, parts: Partial<BrokerParts>): Promise<OpenedParts> {
  const { options, chain, rules, access, log, onError } = given
  const clockSkewMs = () => options().clockSkewSeconds * 1000
  const verification = new VerificationQueue({ onError })
  parts.verification = verification
  const verifySignature = verifyBy(verification)
  const gate = new PublishGate({ chain, rules, verifySignature, clockSkewMs, onError })
  const keyExchange = new KeyExchangeService({
    chain,
    brokerKey: chain.brokerKey,
    brokerThumbprint: chain.brokerThumbprint,
    verifySignature,
    clockSkewMs,
    onError,
  })
  parts.keyExchange = keyExchange
  const index = await QueryIndex.open({ chain, onError })
  parts.indexBuilder = new IndexBuilder({ index, chain, onError })
  const topics = new DirectTopics(onError)
  const { checkpoints, witnesses } = await openCheckpoints(given, topics, parts)
  const receipts = new ReceiptPush({ chain, checkpoints, topics, crypto: nativeCrypto, onError })
  parts.receipts = receipts
  const counters = new BrokerCounters()
  const totals: QueueTotals = { messages: 0, bytes: 0, inFlight: 0 }
  const sessions = await openSessions(given, counters, totals)
  parts.sessions = sessions
  const disk = watchDisk(given)
  parts.disk = disk
  await disk.start()
  const scrub = await openScrub(given, topics)
  parts.scrub = scrub
  const retention = new Retention({
    chain,
    rules: () => options().retention,
    pins: () => sessions.pins(),
    forgetRecords: (ranges) => index.forget(ranges),
    now: Date.now,
    onError,
  })
  parts.retention = retention
  const forecast = new DiskForecast({
    chain,
    location: options().location,
    minFreeBytes: () => options().minFreeBytes,
    now: Date.now,
  })
  const refusals = new Refusals({ gate, counters, topics, log })
  const wills = new WillPublisher({
    sessions,
    gate,
    mayWrite: (client, topicName) => access.mayWrite(client, topicName),
    refusals,
    receipts,
  })
  sessions.wills.publish = (will) => wills.publish(will)
  const streams = new WeakMap<object, ClientConnection>()
  const engine = await startEngine({ database: chain.database, streams, log, onError })
  parts.engine = engine
  const context: ConnectionContext = {
    engine,
    streams,
    gate,
    sessions,
    access,
    topics,
    receipts,
    counters,
    admin: new AdminService({
      chain,
      counters: gate.counters,
      checkpoints,
      sinceMs: Date.now(),
      scrub,
      retention,
      witnesses,
      index,
      disk: forecast,
      ...backupPlace(options),
      verifySources: verifySources(given),
    }),
    keyExchange,
    identity: new IdentityService({
      brokerKey: chain.brokerKey,
      brokerId: chain.genesis.origin,
      checkpoint: () => checkpoints.newest?.note,
    }),
    penalties: new AddressPenalties(),
    flushQueue: sessions.flushQueue,
    get anonymousAdmin() {
      return options().anonymousAdmin
    },
    get admins() {
      return options().admins
    },
    get clientIdPrefixes() {
      return options().clientIdPrefixes
    },
    get messageSizeLimit() {
      return options().messageSizeLimit
    },
    isFull: (clientId) => {
      const { globalMaxClients } = options()
      return globalMaxClients > 0 && sessions.count >= globalMaxClients && sessions.find(clientId) === undefined
    },
    get persistentClientExpirationSeconds() {
      return options().persistentClientExpirationSeconds
    },
    get responseInformation() {
      return options().responseInformation
    },
    get bindClientId() {
      return options().bindClientId
    },
    get enrollCertificates() {
      return options().enrollCertificates
    },
    get refuseV3() {
      return options().refuseV3
    },
    get ackIndex() {
      return options().ackIndex
    },
    log,
    get connectionMessages() {
      return options().connectionMessages
    },
    onError,
    refusals,
    isDiskFull: () => disk.isFull,
  }
  return { context, totals, verification, scrub, retention, forecast, witnesses }
}

function verifyBy(queue: VerificationQueue): VerifySignature {
  return (source, job) =>
    new Promise((resolve, reject) => {
      queue.verify(source, job, (result) => (result instanceof Error ? reject(result) : resolve(result)))
    })
}

function backupPlace(options: () => ResolvedBrokerOptions) {
  const { location, backupDirectory: directory } = options()
  const minFreeBytes = () => options().minFreeBytes
  return directory === undefined ? undefined : { backup: { location, directory, minFreeBytes } }
}

function verifySources({ chain, anchors, onError }: PartsOptions): VerifySources {
  return {
    references: (snapshot) => recordReferences(chain.database, snapshot),
    kept: () => keptCheckpoints(chain, anchors, onError),
  }
}

function watchDisk({ options, log, onError }: PartsOptions): DiskSpace {
  const tell = (isFull: boolean, freeBytes: number) => {
    const room = `${Math.floor(freeBytes / 1024)} KiB are left on the disk`
    if (isFull) log.error(`Error: ${room}, less than notary_min_free; publishes are refused.`)
    else log.warning(`${room}; publishes are accepted again.`)
  }
  return new DiskSpace(options().location, () => options().minFreeBytes, tell, onError)
}

function openScrub({ options, chain, log, onError }: PartsOptions, topics: DirectTopics): Promise<Scrubber> {
  return Scrubber.open({
    chain,
    perSecond: () => options().scrubPerSecond,
    onDamage: (alarm) => {
      const { firstIndex, lastIndex, cause, tile, index } = alarm
      const repaired = tile?.isRepaired === true ? ', and was made again' : ''
      log.error(
        `Error: the store is damaged: records ${firstIndex} to ${lastIndex}: ${cause}${repaired}: record ${index}`,
      )
      topics.raiseAlarm(damageAlarmJson(alarm))
    },
    onPass: ({ records, findings }) => {
      const found = findings === 0 ? 'nothing is damaged' : `found damaged: ${findings}`
      log.notice(`Scrub: ${records} records checked, ${found}.`)
    },
    onError,
  })
}

function openSessions(
  { options, chain, access, log, onError }: PartsOptions,
  counters: BrokerCounters,
  totals: QueueTotals,
): Promise<Sessions> {
  return Sessions.open({
    chain,
    isPersistent: options().persistence,
    flushQueue: new FlushQueue(),
    limits: options,
    totals,
    view: new PublishView(options()),
    rules: access,
    now: Date.now,
    onDropped: (clientId, reason) => {
      if (reason === 'queue-full' || reason === 'not-keeping-up') counters.publishesDropped++
      log.debug(`Dropped a message for ${clientId}: ${reason}`)
    },
    onExpired: (clientId) => {
      counters.clientsExpired++
      log.notice(expiringClient(clientId))
    },
    onError,
  })
}
