import type { BridgeOptions, BridgeTopic } from '../bridges/bridge-options.ts'
import type {
  BrokerOptions,
  ConfiguredWitness,
  KeyRule,
  ListenerOptions,
  LogDestination,
  LogType,
  ProtectRule,
  RetentionRule,
  SecurityOptions,
} from '../options.ts'
import { defaultLogTypes } from '../options.ts'
import type { ConfigLine } from './lexer.ts'
import type { WitnessCount } from './witness-lines.ts'

type Writable<T> = { -readonly [Key in keyof T]?: T[Key] }
type ListenerTls = Writable<NonNullable<ListenerOptions['tls']>>

/** One `listener` line, or the default listener, and what the lines below it made of it. */
export interface DraftListener {
  options: ListenerOptions
  readonly tls: ListenerTls
  readonly security: Writable<SecurityOptions>
  readonly origins: string[]
  /** The first line that only makes sense with TLS. */
  tlsLine: ConfigLine | undefined
  /** `require_certificate true`. */
  requireLine: ConfigLine | undefined
  /** `use_identity_as_username true` or `use_subject_as_username true`. */
  usernameLine: ConfigLine | undefined
  /** Of the default listener: the first line for which Mosquitto opens it beside others. */
  openedBy: ConfigLine | undefined
}

/** One `connection` and what the lines below it made of it. */
export interface DraftBridge {
  readonly line: ConfigLine
  readonly options: Writable<Omit<BridgeOptions, 'name' | 'topics' | 'tls' | 'addresses'>>
  addresses: readonly { readonly host: string; readonly port: number | undefined }[]
  readonly topics: BridgeTopic[]
  readonly tls: Writable<NonNullable<BridgeOptions['tls']>>
  /** The first line that only makes sense with TLS. */
  tlsLine: ConfigLine | undefined
  passwordLine: ConfigLine | undefined
}

/** Log lines as far as they are said. */
export interface DraftLog {
  /** Undefined: no log_type line. Empty: `none`. */
  types: readonly LogType[] | undefined
  /** Undefined: no log_dest line. */
  destinations: readonly LogDestination[] | undefined
  timestamps: boolean | undefined
  timestampFormat: string | undefined
  facility: { readonly line: ConfigLine; readonly name: string } | undefined
}

/** What the lines read so far amount to. */
export interface Draft {
  /** In file order; directives of one listener change the last one. */
  readonly listeners: DraftListener[]
  /** Takes the directives of listeners above the first one, and `port` and `bind_address`. */
  readonly defaultListener: DraftListener
  perListenerSettings: boolean
  /** The first line that `per_listener_settings` would have moved. */
  securityLine: ConfigLine | undefined
  readonly security: Writable<SecurityOptions>
  /** The plugin whose options follow. */
  plugin: 'password_file' | 'acl_file' | undefined
  readonly bridges: DraftBridge[]
  /** With the line of each, in file order. */
  readonly protect: Map<ProtectRule, ConfigLine>
  /** `notary_provenance`: the filter of each line. */
  readonly provenance: Map<ConfigLine, string>
  /** `notary_unwrap`: the filter of each line. */
  readonly unwrap: Map<ConfigLine, string>
  /** By name of the key. */
  readonly keyRules: Map<string, KeyRule>
  /** In file order. */
  readonly retention: RetentionRule[]
  /** `notary_enroll_certificates true`. */
  enrollCertificatesLine: ConfigLine | undefined
  readonly log: DraftLog
  /** The first `notary_admin anonymous`, kept for its place. */
  anonymousAdmin: ConfigLine | undefined
  readonly admins: { readonly name: string; readonly line: ConfigLine }[]
  readonly witnesses: ConfiguredWitness[]
  /** `notary_witness_quorum`. */
  witnessQuorum: { readonly line: ConfigLine; readonly count: WitnessCount } | undefined
  /** `notary_anchor`, in file order. */
  readonly anchors: string[]
  readonly httpListeners: { readonly port: number; readonly host?: string }[]
  readonly logListeners: { readonly port: number; readonly host?: string }[]
  /** What needs no second look. */
  readonly plain: Writable<Omit<BrokerOptions, 'listeners' | 'bridges' | 'log' | 'security'>>
  /** Lines without effect, and why. */
  readonly ignored: Map<ConfigLine, string>
  /** What an operator should know of lines that have their effect. */
  readonly warnings: { readonly line: ConfigLine; readonly text: string }[]
}

export function emptyDraft(defaultPort: number): Draft {
  return {
    listeners: [],
    defaultListener: draftListener({ protocol: 'mqtt', port: defaultPort }),
    perListenerSettings: false,
    securityLine: undefined,
    security: {},
    plugin: undefined,
    bridges: [],
    protect: new Map(),
    provenance: new Map(),
    unwrap: new Map(),
    keyRules: new Map(),
    retention: [],
    enrollCertificatesLine: undefined,
    log: {
      types: undefined,
      destinations: undefined,
      timestamps: undefined,
      timestampFormat: undefined,
      facility: undefined,
    },
    anonymousAdmin: undefined,
    admins: [],
    witnesses: [],
    witnessQuorum: undefined,
    anchors: [],
    httpListeners: [],
    logListeners: [],
    plain: {},
    ignored: new Map(),
    warnings: [],
  }
}

export function draftListener(options: ListenerOptions): DraftListener {
  return {
    options,
    tls: {},
    security: {},
    origins: [],
    tlsLine: undefined,
    requireLine: undefined,
    usernameLine: undefined,
    openedBy: undefined,
  }
}

/** The listener that a line belongs to. */
export function listenerAbove(draft: Draft): DraftListener {
  return draft.listeners.at(-1) ?? draft.defaultListener
}

/** The log as options; undefined where no line says anything about it. */
export function finishLog({ log, ignored }: Draft): Pick<BrokerOptions, 'log'> {
  const { types, destinations, timestamps, timestampFormat, facility } = log
  const isSyslog = destinations?.some(({ kind }) => kind === 'syslog') ?? false
  if (facility !== undefined && !isSyslog) ignored.set(facility.line, 'there is no "log_dest syslog"')
  if ([types, destinations, timestamps, timestampFormat].every((one) => one === undefined)) return {}
  const resolved = (destinations ?? [{ kind: 'stderr' as const }]).map((one) =>
    one.kind === 'syslog' ? { ...one, facility: facility?.name ?? one.facility } : one,
  )
  return {
    log: {
      destinations: resolved,
      types: types === undefined ? defaultLogTypes : types.length === 0 ? ['none'] : types,
      timestamps: timestamps ?? true,
      ...(timestampFormat === undefined ? {} : { timestampFormat }),
    },
  }
}
