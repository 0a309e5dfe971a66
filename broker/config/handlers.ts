import { isValidTopicFilter } from '../../protocol/topics/topic-filter.ts'
import type { LogType } from '../options.ts'
import type { DirectiveName } from './directives.ts'
import type { Draft } from './draft.ts'
import type { ConfigLine } from './lexer.ts'
import { listenerHandlers } from './listener-handlers.ts'
import {
  errorAt,
  invalidValue,
  readBoolean,
  readBytes,
  readCount,
  readString,
  readWords,
  unsupportedValue,
} from './values.ts'

/** Mosquitto keeps this count in a C int. */
const largestCount = 2_147_483_647
/** Receive Maximum is a two byte integer [MQTT-5.0 3.2.2.3.3]. */
const largestReceiveMaximum = 65_535
/** So are Keep Alive and Topic Alias Maximum. */
const largestKeepAlive = 65_535
const largestTopicAlias = 65_535
/** What MQTT can express. */
const largestPacket = 268_435_460
const smallestPacketLimit = 20
const smallestKeepAliveLimit = 10
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
  max_queued_bytes(draft, line) {
    draft.plain.maxQueuedBytes = readCount(line, Number.MAX_SAFE_INTEGER)
  },
  max_inflight_messages(draft, line) {
    draft.plain.maxInflightMessages = readCount(line, largestReceiveMaximum)
  },
  max_packet_size(draft, line) {
    const bytes = readCount(line, largestPacket)
    // As Mosquitto; smaller ones would not let a CONNECT through.
    if (bytes < smallestPacketLimit) {
      throw errorAt(line, 'ERR_CONFIG_VALUE_INVALID', `max_packet_size must be >= ${smallestPacketLimit}.`)
    }
    draft.plain.maxPacketSize = bytes
  },
  max_keepalive(draft, line) {
    const seconds = readCount(line, largestKeepAlive)
    // As Mosquitto: 0 is no limit, and less than 10 seconds is nobody's intention.
    if (seconds > 0 && seconds < smallestKeepAliveLimit) throw invalidValue(line)
    draft.plain.maxKeepaliveSeconds = seconds
  },
  max_topic_alias(draft, line) {
    draft.plain.maxTopicAlias = readCount(line, largestTopicAlias)
  },
  max_topic_alias_broker(draft, line) {
    draft.plain.maxTopicAliasBroker = readCount(line, largestTopicAlias)
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
  notary_min_free(draft, line) {
    draft.plain.minFreeBytes = readBytes(line)
  },
  notary_response_information(draft, line) {
    draft.plain.responseInformation = readString(line)
  },
}

function isLogType(word: string): word is LogType {
  return logTypes.has(word)
}
