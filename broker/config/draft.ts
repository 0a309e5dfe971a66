import type { BrokerOptions, ListenerOptions, LogOptions, LogType, ProtectRule, TlsOptions } from '../options.ts'
import type { ConfigLine } from './lexer.ts'
import { errorAt } from './values.ts'

/** One `listener` line and what the lines below it made of it. */
export interface DraftListener {
  options: ListenerOptions
  readonly tls: { -readonly [Key in keyof TlsOptions]?: TlsOptions[Key] }
  /** The first line that only makes sense with TLS. */
  tlsLine: ConfigLine | undefined
  /** `require_certificate true`. */
  requireLine: ConfigLine | undefined
}

/** What the lines read so far amount to. */
export interface Draft {
  /** In file order; directives of one listener change the last one. */
  readonly listeners: DraftListener[]
  readonly protect: ProtectRule[]
  /** Undefined: no log_type line. Empty: `none`. */
  logTypes: readonly LogType[] | undefined
  logDestination: LogOptions['destination'] | undefined
  /** The first `notary_admin anonymous`, kept for its place. */
  anonymousAdmin: ConfigLine | undefined
  /** What needs no second look. */
  readonly plain: {
    -readonly [Key in PlainOption]?: BrokerOptions[Key]
  }
}

type PlainOption =
  | 'allowAnonymous'
  | 'persistence'
  | 'location'
  | 'maxQueuedMessages'
  | 'maxQueuedBytes'
  | 'maxInflightMessages'
  | 'maxPacketSize'
  | 'maxKeepaliveSeconds'
  | 'maxTopicAlias'
  | 'maxTopicAliasBroker'
  | 'minFreeBytes'
  | 'responseInformation'
  | 'keysDirectory'
  | 'origin'
  | 'connectTimeoutSeconds'
  | 'maxConnectionsPerAddress'

/**
 * The listener as options, when all its lines are read.
 * @throws {ConfigError} ERR_CONFIG_TLS_INCOMPLETE: with a part of what TLS needs Mosquitto 2.0.11 listens without TLS,
 *   and with require_certificate but no CA it refuses everybody (run)
 */
export function finishListener({ options, tls, tlsLine, requireLine }: DraftListener): ListenerOptions {
  if (tlsLine === undefined) return options
  const { certFile, keyFile } = tls
  if (certFile === undefined || keyFile === undefined) {
    const missing = certFile === undefined ? 'certfile' : 'keyfile'
    const reason = `"${tlsLine.name}" asks for TLS, but the listener on port ${options.port} has no ${missing}.`
    throw errorAt(tlsLine, 'ERR_CONFIG_TLS_INCOMPLETE', reason)
  }
  if (requireLine !== undefined && tls.caFile === undefined) {
    const reason = '"require_certificate true" needs cafile: without a CA no certificate would be accepted.'
    throw errorAt(requireLine, 'ERR_CONFIG_TLS_INCOMPLETE', reason)
  }
  return { ...options, tls: { ...tls, certFile, keyFile } }
}
