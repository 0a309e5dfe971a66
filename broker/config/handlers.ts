import { isValidTopicFilter } from '../../protocol/topics/topic-filter.ts'
import type { LogType } from '../options.ts'
import type { DirectiveName } from './directives.ts'
import type { Draft } from './draft.ts'
import type { ConfigLine } from './lexer.ts'
import { listenerHandlers } from './listener-handlers.ts'
import { errorAt, invalidValue, readBoolean, readCount, readString, readWords, unsupportedValue } from './values.ts'

/** Mosquitto keeps this count in a C int. */
const largestCount = 2_147_483_647
/** Receive Maximum is a two byte integer [MQTT-5.0 3.2.2.3.3]. */
const largestReceiveMaximum = 65_535
/** A day, in seconds. */
const largestConnectTimeout = 86_400

const logTypes: ReadonlySet<string> = new Set<LogType>([
  ...(['debug', 'error', 'warning', 'notice', 'information'] as const),
  ...(['subscribe', 'unsubscribe', 'websockets', 'none', 'all'] as const),
])
const logDestinationsElsewhere: ReadonlySet<string> = new Set(['none', 'syslog', 'file', 'topic', 'dlt', 'android'])
const protectWordsPlanned: ReadonlySet<string> = new Set(['mac', 'encrypted', 'tls', 'fresh', 'keys', 'none'])

/**
 * One handler per honoured directive: reads the line's value and enters it in the draft. Each throws ConfigError with
 * the codes ERR_CONFIG_VALUE_*, ERR_CONFIG_PORT_INVALID or ERR_CONFIG_LISTENER_MISSING.
 */
export const handlers: Readonly<Record<DirectiveName, (draft: Draft, line: ConfigLine) => void>> = {
  ...listenerHandlers,

  allow_anonymous(draft, line) {
    draft.plain.allowAnonymous = readBoolean(line)
  },
  persistence(draft, line) {
    draft.plain.persistence = readBoolean(line)
  },
  persistence_location(draft, line) {
    draft.plain.location = readString(line)
  },
  max_queued_messages(draft, line) {
    draft.plain.maxQueuedMessages = readCount(line, largestCount)
  },
  max_inflight_messages(draft, line) {
    draft.plain.maxInflightMessages = readCount(line, largestReceiveMaximum)
  },

  log_dest(draft, line) {
    const [destination, ...others] = readWords(line, Number.POSITIVE_INFINITY)
    if (logDestinationsElsewhere.has(destination)) throw unsupportedValue(line, destination, 'known to Mosquitto')
    if (others.length > 0 || (destination !== 'stderr' && destination !== 'stdout')) throw invalidValue(line)
    draft.logDestination = destination
  },

  log_type(draft, line) {
    const [type] = readWords(line, 1)
    if (type === 'internal') throw unsupportedValue(line, type, 'known to Mosquitto')
    if (!isLogType(type)) throw invalidValue(line, type)
    // As Mosquitto (run): the first line replaces the defaults, each further one adds, `none` takes back all above it.
    const before = draft.logTypes ?? []
    if (type === 'none') draft.logTypes = []
    else if (type === 'all' || before.includes('all')) draft.logTypes = ['all']
    else draft.logTypes = before.includes(type) ? before : [...before, type]
  },

  notary_protect(draft, line) {
    const [filter, ...words] = readWords(line, Number.POSITIVE_INFINITY)
    // A topic name may begin with $share/, but nobody means that: the rule would protect nothing.
    if (!isValidTopicFilter(filter) || filter.startsWith('$share/')) {
      throw errorAt(line, 'ERR_CONFIG_VALUE_INVALID', `Invalid topic filter '${filter}'.`)
    }
    for (const word of words) {
      if (protectWordsPlanned.has(word)) throw unsupportedValue(line, `${filter} ${word}`, 'planned for NotaryMQ')
      if (word !== 'signed') throw invalidValue(line, word)
    }
    if (words.length === 0) {
      const reason = `Empty notary_protect value in configuration: say what '${filter}' requires, for example "signed".`
      throw errorAt(line, 'ERR_CONFIG_VALUE_MISSING', reason)
    }
    draft.protect.push({ filter, signed: true })
  },

  notary_keys(draft, line) {
    draft.plain.keysDirectory = readString(line)
  },

  notary_admin(draft, line) {
    const name = readString(line)
    // No listener of this version can prove a user name.
    if (name !== 'anonymous') throw unsupportedValue(line, name, 'planned for NotaryMQ')
    draft.anonymousAdmin ??= line
  },

  notary_origin(draft, line) {
    const origin = readString(line)
    // It becomes the name of a key in signed notes, where spaces and plus signs separate (C2SP signed-note).
    if (/[\s+]/u.test(origin)) throw invalidValue(line)
    draft.plain.origin = origin
  },

  notary_connect_timeout(draft, line) {
    const seconds = readCount(line, largestConnectTimeout)
    if (seconds === 0) throw invalidValue(line)
    draft.plain.connectTimeoutSeconds = seconds
  },
  notary_max_connections_per_address(draft, line) {
    draft.plain.maxConnectionsPerAddress = readCount(line, largestCount)
  },
}

function isLogType(word: string): word is LogType {
  return logTypes.has(word)
}
