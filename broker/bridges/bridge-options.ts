/** One `topic` line of a bridge. */
export interface BridgeTopic {
  /** Topic filter between the prefixes; empty stands for the prefixes themselves. */
  readonly filter: string
  readonly direction: 'out' | 'in' | 'both'
  readonly qos: 0 | 1 | 2
  /** In front of topics here; empty: nothing. */
  readonly localPrefix: string
  /** In front of topics there; empty: nothing. */
  readonly remotePrefix: string
}

/** TLS towards the remote broker. Files are PEM. */
export interface BridgeTlsOptions {
  readonly caFile: string
  readonly certFile?: string
  readonly keyFile?: string
  /** Do not compare the certificate's names with the address (`bridge_insecure`). Default false. */
  readonly isInsecure?: boolean
  /** Protocol to ask for with ALPN (`bridge_alpn`). */
  readonly alpn?: string
}

/** One `connection` block. Defaults are Mosquitto's. */
export interface BridgeOptions {
  /** Word after `connection`. */
  readonly name: string
  /** In order of preference. */
  readonly addresses: readonly { readonly host: string; readonly port: number }[]
  readonly topics: readonly BridgeTopic[]
  /** Default: host name of this machine, a dot, {@link name}. */
  readonly remoteClientId?: string
  readonly remoteUsername?: string
  readonly remotePassword?: string
  /** Default: `local.` and the remote client id. */
  readonly localClientId?: string
  readonly localUsername?: string
  readonly localPassword?: string
  /** Towards the remote broker. Default false. */
  readonly cleanSession: boolean
  /** Towards ourselves. Default: as {@link cleanSession}. */
  readonly localCleanSession: boolean
  /** Default 60. */
  readonly keepAliveSeconds: number
  /** Wait before connecting again: from `base` growing to `cap` seconds, with jitter. `base` equal to `cap`: constant. */
  readonly restartTimeout: { readonly baseSeconds: number; readonly capSeconds: number }
  /** Publish 1 or 0 to {@link notificationTopic}, here and there. Default true. */
  readonly notifications: boolean
  /** Here only. Default false. */
  readonly notificationsLocalOnly: boolean
  /** Default `$SYS/broker/connection/<remote client id>/state`. */
  readonly notificationTopic?: string
  /** Default mqttv311. */
  readonly protocolVersion: 'mqttv31' | 'mqttv311' | 'mqttv50'
  /** Unsubscribe from what `out` topics might have left there. Default true. */
  readonly attemptUnsubscribe: boolean
  /** Of several addresses take the next at every attempt, instead of coming back to the first. Default false. */
  readonly roundRobin: boolean
  /** Tell a Mosquitto there that this is a bridge. Default true. */
  readonly tryPrivate: boolean
  readonly tls?: BridgeTlsOptions
}
