import type { AuditChain, PluginError, PublishCounters } from '../plugins/index.ts'
import type { ListenerInfo } from './listeners/listener-info.ts'
import type { BrokerOptions } from './options.ts'

/** A running broker. */
export interface NotaryBroker {
  readonly listeners: readonly ListenerInfo[]
  /** Where metrics and health are served. */
  readonly httpUrls: readonly string[]
  /** Where the log is served. */
  readonly logUrls: readonly string[]
  readonly chain: AuditChain
  readonly counters: PublishCounters
  /** Resolves with the error when the store cannot be used any more: nothing is acknowledged from then on, so end the process. */
  readonly failed: Promise<PluginError>
  /**
   * Goes over to these options, and reads password files, access control lists, certificates, keys and revocation lists
   * again, as they name them; log files are opened anew.
   *
   * - At once, for clients that are connected too: logins, access rules and policy (who would not be let in any more is
   *   disconnected), keys, administrators, sizes of payloads, queues and windows towards clients, when sessions end, the log,
   *   `$SYS`, room on the disk, retention, scrub, how often checkpoints are made.
   * - For connections from then on: what clients were told in CONNACK (packet size, Keep Alive, Receive Maximum, topic
   *   aliases, QoS, retain), what they were let in by (client ids, protocol versions, numbers and rates of connections),
   *   TLS.
   * - Not before a restart, and left as they are: which listeners, bridges, HTTP pages, anchors, witnesses and exports there
   *   are, where backups go, whether a listener has TLS, data directory, origin, pid file, user.
   *
   * What decides which publishes are accepted (policy, access rules, rules for keys) changes at the index of a `config`
   * record. Resolves when that is durable and the keys of the configuration are enrolled and restricted.
   *
   * Rejects with {BrokerError} ERR_OPTIONS_INVALID, ERR_TLS_UNUSABLE; {AuthenticationError} ERR_PASSWORD_FILE;
   * {AccessControlError} ERR_ACL_*; {LogError} ERR_LOG_*: nothing has changed then. With {PluginError} ERR_KEY_*: all has
   * but some keys.
   */
  reload(options: BrokerOptions): Promise<void>
  /** One line for each subscription, `client id, QoS, filter`. */
  describeSubscriptions(): readonly string[]
  /** Takes no more connections, closes those there are, commits what was submitted, closes the store. */
  close(): Promise<void>
}
