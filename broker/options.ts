import { isValidTopicFilter } from '../protocol/index.ts'
import { BrokerError } from './errors.ts'
import { checkListenerOptions, type ListenerOptions } from './listeners/index.ts'

export type { ConnectRate, ListenerOptions, TlsOptions } from './listeners/index.ts'

/** One `notary_protect` line: what must hold for a publish to a topic that `filter` matches. */
export interface ProtectRule {
  /** MQTT topic filter; as always `#` and `+` in first place do not cover `$...` topics. */
  readonly filter: string
  /** The publish must carry a COSE_Sign1 of an enrolled key. */
  readonly signed: true
}

/** Severities and packet traces in Mosquitto's words. */
export type LogType =
  | 'debug'
  | 'error'
  | 'warning'
  | 'notice'
  | 'information'
  | 'subscribe'
  | 'unsubscribe'
  | 'websockets'
  | 'none'
  | 'all'

/** Where log lines go and which. */
export interface LogOptions {
  readonly destination: 'stderr' | 'stdout'
  readonly types: readonly LogType[]
}

/** What `createBroker` takes: the same content as a configuration file, typed. */
export interface BrokerOptions {
  /** Data directory: store, keys and head; created when absent (`persistence_location`). */
  readonly location: string
  /** Default: TCP 1883 on 127.0.0.1 and ::1, WebSocket 9001 on both. */
  readonly listeners?: readonly ListenerOptions[]
  /** Connections open at once from one IPv4 address or IPv6 /64, over all listeners; 0 is unlimited. Default 0. */
  readonly maxConnectionsPerAddress?: number
  /** Longest time from accept to a complete CONNECT. Default 30. */
  readonly connectTimeoutSeconds?: number
  /** Accept clients that give no username. Default false. There is no other authentication yet. */
  readonly allowAnonymous?: boolean
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
  /** Longest Keep Alive in seconds: MQTT 5 clients are told, older ones that want more are refused. 0: any. Default 0. */
  readonly maxKeepaliveSeconds?: number
  /** Topic aliases that a MQTT 5 client may use towards the broker. Default 10. */
  readonly maxTopicAlias?: number
  /** Topic aliases that the broker uses towards a MQTT 5 client that admits them. Default 10. */
  readonly maxTopicAliasBroker?: number
  /** Below this many free bytes on the disk of `location` publishes are refused; 0: until the disk is full. Default 256 MiB. */
  readonly minFreeBytes?: number
  /** Response Information for MQTT 5 clients that ask for it is this and their client id. Default: none is given. */
  readonly responseInformation?: string
  /** Publish policy. Default: none; anything goes, and is recorded. */
  readonly protect?: readonly ProtectRule[]
  /** Directory of public keys (PEM) enrolled at start (`notary_keys`). */
  readonly keysDirectory?: string
  /** Anonymous clients of TCP listeners bound to a loopback address are administrators. Default false. */
  readonly anonymousAdmin?: boolean
  /** Name of the log; fixed by the genesis record. Default `notarymq/<16 hex of the broker's thumbprint>`. */
  readonly origin?: string
  readonly log?: LogOptions
}

/** Complete and frozen: what the rest of the broker reads. */
export interface ResolvedBrokerOptions {
  readonly location: string
  readonly listeners: readonly ListenerOptions[]
  readonly maxConnectionsPerAddress: number
  readonly connectTimeoutSeconds: number
  readonly allowAnonymous: boolean
  readonly persistence: boolean
  readonly maxQueuedMessages: number
  readonly maxQueuedBytes: number
  readonly maxInflightMessages: number
  readonly maxPacketSize: number
  readonly maxKeepaliveSeconds: number
  readonly maxTopicAlias: number
  readonly maxTopicAliasBroker: number
  readonly minFreeBytes: number
  readonly responseInformation: string | undefined
  readonly protect: readonly ProtectRule[]
  readonly keysDirectory: string | undefined
  readonly anonymousAdmin: boolean
  readonly origin: string | undefined
  readonly log: LogOptions
}

/** What Mosquitto logs by default. */
export const defaultLogTypes: readonly LogType[] = ['error', 'warning', 'notice', 'information']

const defaultLog: LogOptions = { destination: 'stderr', types: defaultLogTypes }

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
  for (const { filter, signed } of options.protect ?? []) {
    if (!isValidTopicFilter(filter)) throw invalid(`protect: ${filter} is not a topic filter`)
    if (signed !== true) throw invalid('protect: signed is the only rule of this version')
  }
  return Object.freeze({
    location: options.location,
    listeners,
    maxConnectionsPerAddress: count(
      'maxConnectionsPerAddress',
      options.maxConnectionsPerAddress ?? 0,
      Number.MAX_SAFE_INTEGER,
    ),
    connectTimeoutSeconds: connectTimeout(options.connectTimeoutSeconds ?? 30),
    allowAnonymous: options.allowAnonymous ?? false,
    persistence: options.persistence ?? true,
    maxQueuedMessages: count('maxQueuedMessages', options.maxQueuedMessages ?? 1000, Number.MAX_SAFE_INTEGER),
    maxQueuedBytes: count('maxQueuedBytes', options.maxQueuedBytes ?? 0, Number.MAX_SAFE_INTEGER),
    maxInflightMessages: count('maxInflightMessages', options.maxInflightMessages ?? 20, 65535),
    maxPacketSize: packetSize(options.maxPacketSize ?? 0),
    maxKeepaliveSeconds: count('maxKeepaliveSeconds', options.maxKeepaliveSeconds ?? 0, 65535),
    maxTopicAlias: count('maxTopicAlias', options.maxTopicAlias ?? 10, 65535),
    maxTopicAliasBroker: count('maxTopicAliasBroker', options.maxTopicAliasBroker ?? 10, 65535),
    minFreeBytes: count('minFreeBytes', options.minFreeBytes ?? 256 * 1024 * 1024, Number.MAX_SAFE_INTEGER),
    responseInformation: options.responseInformation,
    protect: options.protect ?? [],
    keysDirectory: options.keysDirectory,
    anonymousAdmin: options.anonymousAdmin ?? false,
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

/** A day is more than anybody means, and less than what a timer takes. */
function connectTimeout(seconds: number): number {
  if (seconds === 0) throw invalid('connectTimeoutSeconds is an integer from 1 to 86400')
  return count('connectTimeoutSeconds', seconds, 86_400)
}

function invalid(what: string): BrokerError {
  return new BrokerError('ERR_OPTIONS_INVALID', `options: ${what}`)
}
