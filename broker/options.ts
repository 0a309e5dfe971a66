import { mistakeInRules } from '../plugins/authorize-publish/policy-rule.ts'
import type { ProtectRule } from '../plugins/index.ts'
import type { BridgeOptions } from './bridges/bridge-options.ts'
import { BrokerError } from './errors.ts'
import { checkListenerOptions, type ListenerOptions } from './listeners/index.ts'
import { checkLogOptions, defaultLog, type LogOptions } from './log-options.ts'
import { checkSecurityOptions, defaultSecurity, type SecurityOptions } from './security-options.ts'
import { resolveTrustOptions, type TrustOptions } from './trust-options.ts'
import { resolveWitnessOptions, type WitnessedLogOptions } from './witness-options.ts'

export type { ProtectRule, Rate, RetentionRule } from '../plugins/index.ts'
export type { BridgeOptions } from './bridges/bridge-options.ts'
export type { ListenerOptions, TlsOptions } from './listeners/index.ts'
export { defaultLog, defaultLogTypes, type LogDestination, type LogOptions, type LogType } from './log-options.ts'
export { defaultSecurity, type SecurityOptions } from './security-options.ts'
export type { KeyRule, TrustOptions } from './trust-options.ts'
export type { ConfiguredWitness, WitnessedLogOptions } from './witness-options.ts'

/** Where the page of metrics and health is served (`notary_http`). */
export interface HttpListenerOptions {
  /** TCP port; 0 lets the system choose (tests). */
  readonly port: number
  /** Address to bind. Absent: 127.0.0.1. */
  readonly host?: string
}

/** An export of the log that the broker keeps (`notary_export`). */
export interface LogExportOptions {
  /** Made when it is not there. */
  readonly directory: string
  /** Least time between the beginnings of two exports. */
  readonly intervalSeconds: number
}

/** What `createBroker` takes: the same content as a configuration file, typed. */
export interface BrokerOptions extends Partial<SecurityOptions>, Partial<TrustOptions>, Partial<WitnessedLogOptions> {
  /** Data directory: store, keys and head; created when absent (`persistence_location`). */
  readonly location: string
  /** Default: TCP 1883 on 127.0.0.1 and ::1, WebSocket 9001 on both. */
  readonly listeners?: readonly ListenerOptions[]
  /** Connections open at once from one IPv4 address or IPv6 /64, over all listeners; 0 is unlimited. Default 0. */
  readonly maxConnectionsPerAddress?: number
  /** Longest time from accept to a complete CONNECT. Default 30. */
  readonly connectTimeoutSeconds?: number
  /** Keep MQTT sessions, retained messages and wills on disk. The chain always is. Default true. */
  readonly persistence?: boolean
  /** Messages kept for one client beyond those in flight; 0 is unlimited. Default 1000. */
  readonly maxQueuedMessages?: number
  /** Bytes of payload kept for one client; 0 is unlimited. Default 0. */
  readonly maxQueuedBytes?: number
  /**
   * Messages with QoS 1 and 2 in flight towards one client, and the Receive Maximum announced to MQTT 5 clients; 0 is as
   * many as the protocol allows, and announces none. Default 20.
   */
  readonly maxInflightMessages?: number
  /** Largest packet that a client may send, in bytes; announced to MQTT 5 clients. 0 is the protocol's limit. Default 0. */
  readonly maxPacketSize?: number
  /** Longest Keep Alive in seconds of MQTT 5 clients, which are told; older ones cannot be. 0: any. Default 0. */
  readonly maxKeepaliveSeconds?: number
  /** Topic aliases that a MQTT 5 client may use towards the broker. Default 10. */
  readonly maxTopicAlias?: number
  /** Topic aliases that the broker uses towards a MQTT 5 client that admits them. Default 10. */
  readonly maxTopicAliasBroker?: number
  /** Bytes of payload with QoS 1 and 2 in flight towards one client; 0 is unlimited. Default 0. */
  readonly maxInflightBytes?: number
  /** Larger payloads complete their flow and are dropped, in bytes; 0 is the protocol's limit. Default 0. */
  readonly messageSizeLimit?: number
  /** Sessions of clients that stay away longer end, in seconds; 0: as the client asked. Default 0. */
  readonly persistentClientExpirationSeconds?: number
  /** Queue messages with QoS 0 for clients that are away, too. Default false. */
  readonly queueQos0Messages?: boolean
  /** Keep retained messages; without, a client that sends one is disconnected. Default true. */
  readonly retainAvailable?: boolean
  /** Highest QoS of publishes, where a listener does not say otherwise. Default 2. */
  readonly maximumQos?: 0 | 1 | 2
  /** Send small packets at once instead of collecting them for up to 40 ms. Default true, where Mosquitto's is false. */
  readonly setTcpNodelay?: boolean
  /** Seconds between updates of `$SYS/broker/...`; 0: none are published. Default 10. */
  readonly sysIntervalSeconds?: number
  /** Client ids must begin with one of these. Default: none; any client id will do. */
  readonly clientIdPrefixes?: readonly string[]
  /** Deliver a retained message only while its publisher still may write its topic. Default true. */
  readonly checkRetainSource?: boolean
  /** Clients with a session, connected or not, over all listeners; 0 is unlimited. Default 0. */
  readonly globalMaxClients?: number
  /** Connections open at once, over all listeners; 0 is unlimited. Default 0. */
  readonly globalMaxConnections?: number
  /** Holds the process id while the broker runs. Default: none. */
  readonly pidFile?: string
  /** Started as root, the program becomes this user before anything is opened; who embeds the broker sees to that itself. */
  readonly user?: string
  /** Log that clients come and go. Default true. */
  readonly connectionMessages?: boolean
  /** Connections to other brokers. Default: none. */
  readonly bridges?: readonly BridgeOptions[]
  /** Below this many free bytes on the disk of `location` publishes are refused; 0: until the disk is full. Default 256 MiB. */
  readonly minFreeBytes?: number
  /** Stored records that are checked each second in the background; 0: none. Default 200. */
  readonly scrubPerSecond?: number
  /** Response Information for MQTT 5 clients that ask for it is this and their client id. Default: none is given. */
  readonly responseInformation?: string
  /** Publish policy. Default: none; anything goes, and is recorded. */
  readonly protect?: readonly ProtectRule[]
  /** Directory of public keys (PEM) enrolled at start (`notary_keys`). */
  readonly keysDirectory?: string
  /** File with the passphrase of the broker's private keys (`notary_key_passphrase_file`). Default: systemd's credential, if any. */
  readonly keyPassphraseFile?: string
  /** Anonymous clients of TCP listeners bound to a loopback address are administrators. Default false. */
  readonly anonymousAdmin?: boolean
  /** Usernames of administrators (`notary_admin NAME`). Default: none. */
  readonly admins?: readonly string[]
  /** Metrics and health pages. Default: none. */
  readonly httpListeners?: readonly HttpListenerOptions[]
  /** Where anybody may read checkpoint, tiles, leaves and headers of the log (`notary_http_log`). Default: nowhere. */
  readonly logListeners?: readonly HttpListenerOptions[]
  /** Export that is kept up to date behind the chain (`notary_export`). Default: none. */
  readonly logExport?: LogExportOptions
  /** Milliseconds between two checkpoints, when there is something new (`notary_checkpoint_interval`). Default 1000. */
  readonly checkpointIntervalMs?: number
  /** Files, or directories, in which the newest checkpoint is kept outside the data directory. Default: none. */
  readonly anchors?: readonly string[]
  /** Where `audit.backup` puts copies of the data directory (`notary_backup`). Default: none are made. */
  readonly backupDirectory?: string
  /** Name of the log; fixed by the genesis record. Default `notarymq/<16 hex of the broker's thumbprint>`. */
  readonly origin?: string
  readonly log?: LogOptions
}

/** May be absent: there is no value that stands for "none". */
type Optional =
  | 'responseInformation'
  | 'keysDirectory'
  | 'keyPassphraseFile'
  | 'logExport'
  | 'backupDirectory'
  | 'origin'
  | 'pidFile'
  | 'user'
  | 'passwordFile'
  | 'aclFile'

/** Complete and frozen: what the rest of the broker reads. */
export type ResolvedBrokerOptions = {
  readonly [Key in keyof Required<BrokerOptions>]: Key extends Optional
    ? BrokerOptions[Key] | undefined
    : Required<BrokerOptions>[Key]
}

/** MQTT's registered TCP port, and where Mosquitto sites put WebSocket. */
export const defaultPorts = { mqtt: 1883, websockets: 9001 } as const

/** Listeners that this machine alone can reach, over either address family. */
export function loopbackListeners(protocol: 'mqtt' | 'websockets', port: number): readonly ListenerOptions[] {
  const common = {
    protocol,
    port,
    ...(protocol === 'websockets' ? { allowedOrigins: 'localhost' as const } : undefined),
  }
  return [
    { ...common, host: '127.0.0.1' },
    { ...common, host: '::1', ifAvailable: true },
  ]
}

/** What runs without a configuration. */
export const defaultListeners: readonly ListenerOptions[] = [
  ...loopbackListeners('mqtt', defaultPorts.mqtt),
  ...loopbackListeners('websockets', defaultPorts.websockets),
]

/**
 * Checks options once, where they enter, and completes them.
 * @throws {BrokerError} ERR_OPTIONS_INVALID
 */
export function resolveOptions(options: BrokerOptions): ResolvedBrokerOptions {
  if (typeof options.location !== 'string' || options.location === '') throw invalid('location is a directory')
  const listeners = options.listeners ?? defaultListeners
  if (listeners.length === 0) throw invalid('at least one listener')
  for (const listener of listeners) checkListenerOptions(listener)
  const mistake = mistakeInRules(options.protect ?? [])
  if (mistake !== undefined) throw invalid(`protect: ${mistake}`)
  checkSecurityOptions(options)
  checkLogOptions(options.log ?? defaultLog)
  for (const { port, host } of [...(options.httpListeners ?? []), ...(options.logListeners ?? [])]) {
    if (!Number.isInteger(port) || port < 0 || port > 65535) throw invalid('a port is an integer from 0 to 65535')
    if (host !== undefined && !isText(host)) throw invalid('httpListeners, logListeners: host is an address')
  }
  const maximumQos = options.maximumQos ?? 2
  if (![0, 1, 2].includes(maximumQos)) throw invalid('maximumQos is 0, 1 or 2')
  return Object.freeze({
    ...resolveTrustOptions(options),
    ...resolveWitnessOptions(options),
    location: options.location,
    listeners,
    passwordFile: options.passwordFile,
    aclFile: options.aclFile,
    allowZeroLengthClientId: options.allowZeroLengthClientId ?? defaultSecurity.allowZeroLengthClientId,
    autoIdPrefix: options.autoIdPrefix ?? defaultSecurity.autoIdPrefix,
    maxInflightBytes: count('maxInflightBytes', options.maxInflightBytes ?? 0, Number.MAX_SAFE_INTEGER),
    messageSizeLimit: count('messageSizeLimit', options.messageSizeLimit ?? 0, 268_435_455),
    persistentClientExpirationSeconds: count(
      'persistentClientExpirationSeconds',
      options.persistentClientExpirationSeconds ?? 0,
      Number.MAX_SAFE_INTEGER,
    ),
    queueQos0Messages: flag('queueQos0Messages', options.queueQos0Messages ?? false),
    retainAvailable: flag('retainAvailable', options.retainAvailable ?? true),
    maximumQos,
    setTcpNodelay: flag('setTcpNodelay', options.setTcpNodelay ?? true),
    sysIntervalSeconds: count('sysIntervalSeconds', options.sysIntervalSeconds ?? 10, 65535),
    clientIdPrefixes: texts('clientIdPrefixes', options.clientIdPrefixes ?? []),
    checkRetainSource: flag('checkRetainSource', options.checkRetainSource ?? true),
    globalMaxClients: count('globalMaxClients', options.globalMaxClients ?? 0, Number.MAX_SAFE_INTEGER),
    globalMaxConnections: count('globalMaxConnections', options.globalMaxConnections ?? 0, Number.MAX_SAFE_INTEGER),
    pidFile: optionalText('pidFile', options.pidFile),
    user: optionalText('user', options.user),
    connectionMessages: flag('connectionMessages', options.connectionMessages ?? true),
    bridges: options.bridges ?? [],
    admins: texts('admins', options.admins ?? []),
    httpListeners: options.httpListeners ?? [],
    logListeners: options.logListeners ?? [],
    logExport: options.logExport && checkedExport(options.logExport),
    maxConnectionsPerAddress: count(
      'maxConnectionsPerAddress',
      options.maxConnectionsPerAddress ?? 0,
      Number.MAX_SAFE_INTEGER,
    ),
    connectTimeoutSeconds: connectTimeout(options.connectTimeoutSeconds ?? 30),
    allowAnonymous: options.allowAnonymous ?? defaultSecurity.allowAnonymous,
    persistence: options.persistence ?? true,
    maxQueuedMessages: count('maxQueuedMessages', options.maxQueuedMessages ?? 1000, Number.MAX_SAFE_INTEGER),
    maxQueuedBytes: count('maxQueuedBytes', options.maxQueuedBytes ?? 0, Number.MAX_SAFE_INTEGER),
    maxInflightMessages: count('maxInflightMessages', options.maxInflightMessages ?? 20, 65535),
    maxPacketSize: packetSize(options.maxPacketSize ?? 0),
    maxKeepaliveSeconds: count('maxKeepaliveSeconds', options.maxKeepaliveSeconds ?? 0, 65535),
    maxTopicAlias: count('maxTopicAlias', options.maxTopicAlias ?? 10, 65535),
    maxTopicAliasBroker: count('maxTopicAliasBroker', options.maxTopicAliasBroker ?? 10, 65535),
    minFreeBytes: count('minFreeBytes', options.minFreeBytes ?? 256 * 1024 * 1024, Number.MAX_SAFE_INTEGER),
    scrubPerSecond: count('scrubPerSecond', options.scrubPerSecond ?? 200, 2_147_483_647),
    responseInformation: options.responseInformation,
    protect: options.protect ?? [],
    keysDirectory: options.keysDirectory,
    keyPassphraseFile: optionalText('keyPassphraseFile', options.keyPassphraseFile),
    anonymousAdmin: options.anonymousAdmin ?? false,
    checkpointIntervalMs: checkpointInterval(options.checkpointIntervalMs ?? 1000),
    anchors: texts('anchors', options.anchors ?? []),
    backupDirectory: optionalText('backupDirectory', options.backupDirectory),
    origin: options.origin,
    log: options.log ?? defaultLog,
  })
}

/** Smaller ones would not let a CONNECT through; Mosquitto has the same bound. */
const smallestPacketLimit = 20

function packetSize(value: number): number {
  const bytes = count('maxPacketSize', value, 268_435_460)
  if (bytes > 0 && bytes < smallestPacketLimit) throw invalid(`maxPacketSize is 0 or at least ${smallestPacketLimit}`)
  return bytes
}

function count(name: string, value: number, most: number): number {
  if (!Number.isSafeInteger(value) || value < 0 || value > most)
    throw invalid(`${name} is an integer from 0 to ${most}`)
  return value
}

function flag(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw invalid(`${name} is true or false`)
  return value
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function optionalText(name: string, value: string | undefined): string | undefined {
  if (value !== undefined && !isText(value)) throw invalid(`${name} is a string that is not empty`)
  return value
}

function texts(name: string, values: readonly string[]): readonly string[] {
  if (!Array.isArray(values) || !values.every(isText)) throw invalid(`${name} is a list of strings that are not empty`)
  return values
}

/** Each checkpoint takes two signatures and a write that is synced. A day is less than what a timer takes. */
export const smallestCheckpointIntervalMs = 100
export const largestCheckpointIntervalMs = 86_400_000

function checkpointInterval(ms: number): number {
  if (ms < smallestCheckpointIntervalMs) {
    throw invalid(`checkpointIntervalMs is at least ${smallestCheckpointIntervalMs}`)
  }
  return count('checkpointIntervalMs', ms, largestCheckpointIntervalMs)
}

/** Longest time between two exports that can be asked for: a day. */
export const largestExportIntervalSeconds = 86_400

function checkedExport(logExport: LogExportOptions): LogExportOptions {
  const { directory, intervalSeconds } = logExport
  if (!isText(directory)) throw invalid('logExport: directory is a string that is not empty')
  if (intervalSeconds === 0) throw invalid('logExport: intervalSeconds is at least 1')
  count('logExport: intervalSeconds', intervalSeconds, largestExportIntervalSeconds)
  return logExport
}

/** A day is more than anybody means, and less than what a timer takes. */
function connectTimeout(seconds: number): number {
  if (seconds === 0) throw invalid('connectTimeoutSeconds is an integer from 1 to 86400')
  return count('connectTimeoutSeconds', seconds, 86_400)
}

function invalid(what: string): BrokerError {
  return new BrokerError('ERR_OPTIONS_INVALID', `options: ${what}`)
}
