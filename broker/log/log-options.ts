/** One `log_dest`. */
export type LogDestination =
  | { readonly kind: 'stderr' | 'stdout' | 'none' | 'topic' }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'syslog'; readonly facility: string }

/** One `log_type`: severities and traces in Mosquitto's words. */
export type LogTypeWord =
  | 'debug'
  | 'error'
  | 'warning'
  | 'notice'
  | 'information'
  | 'subscribe'
  | 'unsubscribe'
  | 'websockets'
  | 'internal'
  | 'none'
  | 'all'

/** Where log lines go, which, and what precedes them. */
export interface LogSettings {
  /** `none` among them silences all. */
  readonly destinations: readonly LogDestination[]
  readonly types: readonly LogTypeWord[]
  /** False: lines begin with their text. */
  readonly timestamps: boolean
  /** As `strftime` reads it, in local time; absent: seconds since 1970. */
  readonly timestampFormat?: string | undefined
}
