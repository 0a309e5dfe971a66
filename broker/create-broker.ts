import {
  AnchorFile,
  AuditChain,
  type CheckpointSource,
  ConfigRecorder,
  checkpointOfWitness,
  guardChain,
  nativeCrypto,
  type PluginError,
  type PublishCounters,
  PublishPolicy,
  RulesInForce,
  type WitnessAttemptFailed,
} from '../plugins/index.ts'
import { alarmJson } from './alarm-json.ts'
import { type Bridges, createBridges } from './bridges/index.ts'
import { BrokerListeners } from './broker-listeners.ts'
import { configDigest } from './config-digest.ts'
import { describe } from './describe.ts'
import { assertEngineVersions } from './engine-versions.ts'
import { takeEveryStep } from './every-step.ts'
import { applyRestrictions, enrollFromDirectory } from './keys-directory.ts'
import type { ListenerInfo } from './listeners/listener-info.ts'
import { LogPublication } from './log-publication.ts'
import { type BrokerLog, createLogger } from './logger.ts'
import type { NotaryBroker } from './notary-broker.ts'
import { Observability } from './observability.ts'
import { type BrokerParts, type OpenedParts, openParts } from './open-parts.ts'
import { type BrokerOptions, type ResolvedBrokerOptions, resolveOptions } from './options.ts'
import { keyCustody } from './process/key-custody.ts'
import { reloadedOptions } from './reloaded-options.ts'
import { unheardWitness } from './report-witness.ts'
import { BrokerSecurity } from './security/broker-security.ts'

/**
 * Starts a broker: the chain, the sessions, the engine, then the listeners. What a client sends goes
 *
 *     listener -> edge -> CONNECT: engine (who may come in, one connection per client id) -> session
 *                      -> PUBLISH: gate (verify, index, group commit with the queue entries) -> subscribers, acknowledgement
 *                      -> SUBSCRIBE and all else: its place in the same order, then the session
 *
 * @param log that somebody else closes; default: one of its own, as the options say
 * @throws {BrokerError} ERR_ENGINE_VERSION, ERR_OPTIONS_INVALID, ERR_LISTEN_FAILED, ERR_TLS_UNUSABLE
 * @throws {PluginError} ERR_STORE_*, ERR_CHAIN_*, ERR_ANCHOR_*, ERR_KEY_*
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
    await broker.abandon()
    throw error
  }
}

/** Everything of one broker, in the order in which it is opened; closing goes the other way. */
class Broker implements NotaryBroker {
  /** A reload changes them. */
  #options: ResolvedBrokerOptions
  readonly #log: BrokerLog
  readonly #ownsLog: boolean
  readonly #onError = (error: unknown) => this.#log.error(`Error: ${describe(error)}`)
  #chain: AuditChain | undefined
  #rules: RulesInForce | undefined
  #security: BrokerSecurity | undefined
  #configurations: ConfigRecorder | undefined
  #reloaded: Promise<void> = Promise.resolve()
  readonly #parts: Partial<BrokerParts> = {}
  #opened: OpenedParts | undefined
  #listeners: BrokerListeners | undefined
  #bridges: Bridges | undefined
  #observability: Observability | undefined
  #publication: LogPublication | undefined
  #closing: Promise<void> | undefined

  constructor(options: ResolvedBrokerOptions, log: BrokerLog, ownsLog: boolean) {
    this.#options = options
    this.#log = log
    this.#ownsLog = ownsLog
  }

  async start(): Promise<void> {
    const atStart = this.#options
    const options = () => this.#options
    const [log, onError] = [this.#log, this.#onError]
    const anchors = atStart.anchors.map((path) => new AnchorFile(path))
    this.#chain = await this.#openChain(anchors)
    const chain = this.#chain
    const rules = new RulesInForce(new PublishPolicy(atStart.protect))
    this.#rules = rules
    const security = new BrokerSecurity(atStart, rules, log.warning)
    this.#security = security
    this.#configurations = await ConfigRecorder.open(chain)
    await this.#enforce('start', () => {})
    await this.#applyKeys()
    const access = security.rules
    this.#opened = await openParts({ options, chain, anchors, rules, access, log, onError }, this.#parts)
    const { context } = this.#opened
    log.publishTo((topicName, payload) => context.sessions.announce(topicName, Buffer.from(payload), false))
    const listeners = new BrokerListeners({ options, security, context, log, onError })
    this.#listeners = listeners
    this.#bridges = createBridges(atStart.bridges, {
      accept: listeners.acceptBridge,
      subscriptionsOf: (clientId) => context.sessions.find(clientId)?.subscriptions.keys() ?? [],
      publishLocal: (topicName, payload, retain) => context.sessions.announce(topicName, Buffer.from(payload), retain),
      log,
      onError,
    })
    await listeners.open()
    context.sessions.applyRules()
    listeners.letIn()
    context.sessions.start()
    this.#parts.checkpoints?.start()
    this.#parts.witnesses?.start()
    const isClosing = () => this.#closing !== undefined
    this.#observability = new Observability({ options, chain, parts: this.#opened, listeners, isClosing, onError })
    await this.#observability.start()
    const { checkpoints } = this.#parts
    if (checkpoints !== undefined) {
      this.#publication = new LogPublication({ options: atStart, chain, checkpoints, log, onError })
      await this.#publication.start()
    }
    this.#bridges.start()
    this.#opened.scrub.start()
    this.#parts.retention?.start()
    log.information(
      `Chain ${chain.genesis.origin}: ${chain.state.frontier.size} records in ${chain.state.height} blocks.`,
    )
    // Nothing is answered after the store failed; whoever waits is told by the end of the connection and sends again.
    chain.failed.then(() => listeners.end()).catch(onError)
  }

  get listeners(): readonly ListenerInfo[] {
    return this.#listeners?.all.map(({ info }) => info) ?? []
  }

  get httpUrls(): readonly string[] {
    return this.#observability?.urls ?? []
  }

  get logUrls(): readonly string[] {
    return this.#publication?.urls ?? []
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

  reload(next: BrokerOptions): Promise<void> {
    // One at a time, in their order.
    const reloaded = this.#reloaded.then(() => this.#reload(next))
    this.#reloaded = reloaded.catch(() => {})
    return reloaded
  }

  async #reload(next: BrokerOptions): Promise<void> {
    const options = reloadedOptions(this.#options, resolveOptions(next))
    // All of it is read before any of it holds.
    const policy = new PublishPolicy(options.protect)
    const commits = [
      this.#security?.prepare(options),
      this.#listeners?.prepareReload(options),
      this.#log.prepareReload(options.log),
    ]
    await this.#enforce('reload', () => {
      this.#options = options
      for (const commit of commits) commit?.()
      this.#rules?.replace(policy)
      const sessions = this.#opened?.context.sessions
      sessions?.view.apply(options)
      sessions?.applyRules()
      sessions?.applyLimits()
      this.#listeners?.applyOptions()
      this.#observability?.applyOptions()
      this.#opened?.scrub.applyOptions()
      this.#parts.retention?.start()
      this.#parts.checkpoints?.start()
    })
    await this.#applyKeys()
  }

  /**
   * Puts a configuration into force at the index of its record. While the store takes no writes nothing has an index, and
   * nothing is accepted: then at once, and the record follows.
   */
  #enforce(occasion: 'start' | 'reload', apply: () => void): Promise<void> {
    const isOutage = this.chain.outage !== undefined
    if (isOutage) apply()
    return (this.#configurations as ConfigRecorder).record(() => {
      if (!isOutage) apply()
      return configDigest(this.#options, this.#security?.aclDigests ?? [])
    }, occasion)
  }

  describeSubscriptions(): readonly string[] {
    return this.#opened?.context.sessions.describeSubscriptions() ?? []
  }

  close(): Promise<void> {
    this.#closing ??= takeEveryStep([() => this.#closeParts(), () => this.#closeLog()], this.#onError)
    return this.#closing
  }

  /** Closes what a start that failed has opened. What goes wrong with that is told: the error of the start says more. */
  async abandon(): Promise<void> {
    this.#closing = this.#closeParts().catch(this.#onError)
    await this.#closing
    await this.#closeLog()
  }

  /** Whatever fails, the store is closed: another broker may be waiting for it. */
  #closeParts(): Promise<void> {
    const parts = this.#parts
    let erasing: Promise<void> | undefined
    const steps = [
      () => this.#observability?.stop(),
      () => this.#bridges?.close(),
      () => this.#listeners?.stop(),
      () => parts.disk?.stop(),
      () => parts.scrub?.stop(),
      () => {
        erasing = parts.retention?.stop()
      },
      // The engine tells its clients; what they sent is still answered if their connection lasts, and their wills are published.
      () => new Promise<void>((resolve) => (parts.engine === undefined ? resolve() : parts.engine.close(resolve))),
      () => this.#listeners?.end(),
      () => parts.keyExchange?.close(),
      () => this.#settle(),
      () => erasing,
      () => this.#log.publishTo(undefined),
      () => parts.sessions?.stop(),
      () => parts.verification?.close(),
      () => this.#security?.close(),
      () => parts.witnesses?.close(),
      () => parts.receipts?.close(),
      () => parts.checkpoints?.close(),
      () => parts.indexBuilder?.stop(),
      () => this.#publication?.close(),
      () => this.#chain?.close(),
      () => this.#observability?.close(),
    ]
    return takeEveryStep(steps, this.#onError)
  }

  async #closeLog(): Promise<void> {
    if (this.#ownsLog) await this.#log.close()
  }

  /** What is being verified is recorded; sessions end, and wills are published with what comes from that. */
  async #settle(): Promise<void> {
    const { verification } = this.#parts
    do {
      await verification?.whenIdle()
      await this.#chain?.drained()
    } while (verification !== undefined && verification.pending > 0)
  }

  /** Enrols the keys of the configuration, and restricts them as it says. */
  async #applyKeys(): Promise<void> {
    const { keysDirectory, keyRules } = this.#options
    const { notice } = this.#log
    const restrictions = new Map(keyRules.map(({ name, restrictions: own }) => [name, own]))
    if (keysDirectory !== undefined) await enrollFromDirectory(this.chain, keysDirectory, notice, restrictions)
    await applyRestrictions(this.chain, restrictions, notice)
  }

  /** What the witnesses that can be asked saw of this log. */
  #witnessedCheckpoints(): readonly CheckpointSource[] {
    return this.#options.witnesses.flatMap(({ url, ...witness }) => {
      if (url === undefined) return []
      const onUnheard = (failure: WitnessAttemptFailed) => this.#log.warning(unheardWitness(witness.name, failure))
      return [checkpointOfWitness({ witness: { ...witness, url }, crypto: nativeCrypto, onUnheard })]
    })
  }

  #openChain(anchors: readonly AnchorFile[]): Promise<AuditChain> {
    const { location, origin, keyPassphraseFile } = this.#options
    const log = this.#log
    return AuditChain.open({
      location,
      custody: keyCustody(keyPassphraseFile),
      guard: (found) => guardChain(found, [...anchors, ...this.#witnessedCheckpoints()]),
      onNotice: log.notice,
      onError: this.#onError,
      onOutage: (error) => {
        log.error(`Error: ${describe(error)}: ${describe(error.cause)}. Publishers are disconnected until it does.`)
        for (const connection of this.#listeners?.connections ?? []) connection.onOutage()
      },
      onRecovered: () => log.warning('The store takes writes again.'),
      onBlock: (signedHeader) => this.#opened?.context.topics.tellBlock(signedHeader),
      onAlarm: (alarm) => {
        log.warning(`Warning: key ${alarm.name} signed two contents under number ${alarm.seq}: record ${alarm.index}`)
        this.#opened?.context.topics.raiseAlarm(alarmJson(alarm))
      },
      ...(origin === undefined ? undefined : { origin }),
    })
  }
}
