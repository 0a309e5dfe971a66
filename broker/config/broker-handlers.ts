import type { DirectiveName } from './directives.ts'
import type { Draft } from './draft.ts'
import type { ConfigLine } from './lexer.ts'
import {
  errorAt,
  invalidValue,
  largestInt,
  readBoolean,
  readCount,
  readDuration,
  readLimit,
  readString,
} from './values.ts'

/** Receive Maximum is a two byte integer [MQTT-5.0 3.2.2.3.3]. */
const largestReceiveMaximum = 65_535
/** So are Keep Alive and Topic Alias Maximum. */
const largestKeepAlive = 65_535
const largestTopicAlias = 65_535
/** What MQTT can express. */
const largestPacket = 268_435_460
const largestPayload = 268_435_455
const smallestPacketLimit = 20
const smallestKeepAliveLimit = 10
/** Mosquitto's own bound. */
const largestSysInterval = 65_535

/** Handlers of what the broker as a whole does. */
export const brokerHandlers = {
  include_dir(draft, line) {
    readString(line)
    // The lines of the main file are expanded before; this one stands in a file that was included.
    if (line.includedBy !== undefined) {
      draft.ignored.set(line, 'only the main file includes others, as in Mosquitto')
    }
  },
  persistence(draft, line) {
    draft.plain.persistence = readBoolean(line)
  },
  persistence_location(draft, line) {
    draft.plain.location = readString(line)
  },
  max_queued_messages(draft, line) {
    draft.plain.maxQueuedMessages = readCount(line, largestInt)
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
  max_topic_alias_broker(draft, line) {
    draft.plain.maxTopicAliasBroker = readCount(line, largestTopicAlias)
  },
  queue_qos0_messages(draft, line) {
    draft.plain.queueQos0Messages = readBoolean(line)
  },
  retain_available(draft, line) {
    draft.plain.retainAvailable = readBoolean(line)
  },
  set_tcp_nodelay(draft, line) {
    draft.plain.setTcpNodelay = readBoolean(line)
  },
  check_retain_source(draft, line) {
    draft.plain.checkRetainSource = readBoolean(line)
  },
  pid_file(draft, line) {
    draft.plain.pidFile = readString(line)
  },
  user(draft, line) {
    draft.plain.user = readString(line)
  },
  global_max_clients(draft, line) {
    draft.plain.globalMaxClients = readLimit(line)
  },
  global_max_connections(draft, line) {
    draft.plain.globalMaxConnections = readLimit(line)
  },
  max_inflight_bytes(draft, line) {
    draft.plain.maxInflightBytes = readCount(line, Number.MAX_SAFE_INTEGER)
  },
  message_size_limit(draft, line) {
    draft.plain.messageSizeLimit = readCount(line, largestPayload)
  },
  persistent_client_expiration(draft, line) {
    draft.plain.persistentClientExpirationSeconds = readDuration(line)
  },
  sys_interval(draft, line) {
    draft.plain.sysIntervalSeconds = readCount(line, largestSysInterval)
  },
  clientid_prefixes(draft, line) {
    draft.plain.clientIdPrefixes = [readString(line)]
  },
} as const satisfies { readonly [Name in DirectiveName]?: (draft: Draft, line: ConfigLine) => void }
