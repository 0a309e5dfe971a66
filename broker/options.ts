import { isValidTopicFilter } from '../protocol/index.ts'
import { BrokerError } from './errors.ts'

/** One socket the broker listens on. */
export interface ListenerOptions {
  readonly protocol: 'mqtt' | 'websockets'
  /** TCP port; 0 lets the system choose (tests). */
  readonly port: number
  /** Address to bind. Absent: all interfaces, IPv4 and IPv6. */
  readonly host?: string
  /**
   * WebSocket only: which `Origin` headers an upgrade may carry. `none` refuses every upgrade with one (no page in a
   * browser can connect), `localhost` admits pages served from this machine. Default `none`.
   */
  readonly allowedOrigins?: 'none' | 'localhost'
  /** Go on without this listener when the machine has no such address, as where IPv6 is switched off. */
  readonly ifAvailable?: boolean
}

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
  /** Accept clients that give no username. Default false. There is no other authentication yet. */
  readonly allowAnonymous?: boolean
  /** Keep MQTT sessions, retained messages and wills on disk. The chain always is. Default true. */
  readonly persistence?: boolean
  /** Messages kept for one client beyond those in flight; 0 is unlimited. Default 1000. */
  readonly maxQueuedMessages?: number
  /** Receive Maximum announced to MQTT 5 clients; 0 announces none. Default 20. */
  readonly maxInflightMessages?: number
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
  readonly allowAnonymous: boolean
  readonly persistence: boolean
  readonly maxQueuedMessages: number
  readonly maxInflightMessages: number
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
  for (const { port, protocol } of listeners) {
    if (!Number.isInteger(port) || port < 0 || port > 65535) throw invalid('a port is an integer from 0 to 65535')
    if (protocol !== 'mqtt' && protocol !== 'websockets') throw invalid('a protocol is mqtt or websockets')
  }
  for (const { filter, signed } of options.protect ?? []) {
    if (!isValidTopicFilter(filter)) throw invalid(`protect: ${filter} is not a topic filter`)
    if (signed !== true) throw invalid('protect: signed is the only rule of this version')
  }
  return Object.freeze({
    location: options.location,
    listeners,
    allowAnonymous: options.allowAnonymous ?? false,
    persistence: options.persistence ?? true,
    maxQueuedMessages: count('maxQueuedMessages', options.maxQueuedMessages ?? 1000, Number.MAX_SAFE_INTEGER),
    maxInflightMessages: count('maxInflightMessages', options.maxInflightMessages ?? 20, 65535),
    protect: options.protect ?? [],
    keysDirectory: options.keysDirectory,
    anonymousAdmin: options.anonymousAdmin ?? false,
    origin: options.origin,
    log: options.log ?? defaultLog,
  })
}

function count(name: string, value: number, most: number): number {
  if (!Number.isSafeInteger(value) || value < 0 || value > most)
    throw invalid(`${name} is an integer from 0 to ${most}`)
  return value
}

function invalid(what: string): BrokerError {
  return new BrokerError('ERR_OPTIONS_INVALID', `options: ${what}`)
}
