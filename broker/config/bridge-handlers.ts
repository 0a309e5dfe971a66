import { isValidTopicFilter } from '../../protocol/topics/topic-filter.ts'
import type { DirectiveName } from './directives.ts'
import type { Draft, DraftBridge } from './draft.ts'
import type { ConfigLine } from './lexer.ts'
import {
  errorAt,
  invalidValue,
  isPort,
  largestInt,
  readBoolean,
  readChoice,
  readCount,
  readString,
  readWords,
  unsupportedValue,
} from './values.ts'

/** Keep Alive is a two byte integer [MQTT-5.0 3.1.2.10]. */
const largestKeepAlive = 65_535
/** As in Mosquitto: less is raised to it, with a warning. */
const smallestKeepAlive = 5
const directions = ['out', 'in', 'both'] as const
const qosNumbers = { '0': 0, '1': 1, '2': 2 } as const

type Handler = (draft: Draft, line: ConfigLine) => void
type BooleanOption =
  | 'cleanSession'
  | 'localCleanSession'
  | 'notifications'
  | 'notificationsLocalOnly'
  | 'attemptUnsubscribe'
  | 'roundRobin'
  | 'tryPrivate'
type TextOption =
  | 'remoteClientId'
  | 'remoteUsername'
  | 'localClientId'
  | 'localUsername'
  | 'localPassword'
  | 'notificationTopic'

const readTo = {
  boolean:
    (option: BooleanOption): Handler =>
    (draft, line) => {
      bridgeAbove(draft, line).options[option] = readBoolean(line)
    },
  text:
    (option: TextOption): Handler =>
    (draft, line) => {
      bridgeAbove(draft, line).options[option] = readString(line)
    },
  tlsText:
    (option: 'caFile' | 'certFile' | 'keyFile' | 'alpn'): Handler =>
    (draft, line) => {
      tlsOf(draft, line)[option] = readString(line)
    },
}

const readPassword: Handler = (draft, line) => {
  const bridge = bridgeAbove(draft, line)
  bridge.options.remotePassword = readString(line)
  bridge.passwordLine = line
}

const readAddresses: Handler = (draft, line) => {
  bridgeAbove(draft, line).addresses = readWords(line, largestInt).map((word) => readAddress(line, word))
}

/** Handlers of `connection` and of the directives that belong to the connection above them. */
export const bridgeHandlers = {
  connection(draft, line) {
    const name = readString(line)
    const isTaken = draft.bridges.some((bridge) => bridge.line.value === name)
    // It takes its directives all the same, so that each of them is judged by itself.
    draft.bridges.push({
      line,
      options: {},
      addresses: [],
      topics: [],
      tls: {},
      tlsLine: undefined,
      passwordLine: undefined,
    })
    if (isTaken) throw errorAt(line, 'ERR_CONFIG_VALUE_DUPLICATE', `Duplicate bridge name "${name}".`)
  },
  address: readAddresses,
  addresses: readAddresses,
  topic: readTopic,
  remote_clientid: readTo.text('remoteClientId'),
  clientid: readTo.text('remoteClientId'),
  remote_username: readTo.text('remoteUsername'),
  username: readTo.text('remoteUsername'),
  remote_password: readPassword,
  password: readPassword,
  local_clientid: readTo.text('localClientId'),
  local_username: readTo.text('localUsername'),
  local_password: readTo.text('localPassword'),
  cleansession: readTo.boolean('cleanSession'),
  local_cleansession: readTo.boolean('localCleanSession'),
  keepalive_interval(draft, line) {
    const seconds = readCount(line, largestKeepAlive)
    if (seconds < smallestKeepAlive) {
      draft.warnings.push({ line, text: `keepalive interval too low, using ${smallestKeepAlive} seconds.` })
    }
    bridgeAbove(draft, line).options.keepAliveSeconds = Math.max(seconds, smallestKeepAlive)
  },
  restart_timeout(draft, line) {
    const [base, cap = base] = readWords(line, 2).map((word) => readSeconds(line, word))
    if (base === undefined || cap === undefined) throw invalidValue(line)
    if (cap < base) {
      throw errorAt(line, 'ERR_CONFIG_VALUE_INVALID', 'backoff cap is lower than the base in restart_timeout.')
    }
    if (base === 0) draft.warnings.push({ line, text: 'restart_timeout interval too low, using 1 second.' })
    const restartTimeout = { baseSeconds: Math.max(base, 1), capSeconds: Math.max(cap, 1) }
    bridgeAbove(draft, line).options.restartTimeout = restartTimeout
  },
  start_type(draft, line) {
    bridgeAbove(draft, line)
    const [type] = readWords(line, 1)
    if (type === 'lazy' || type === 'once') throw unsupportedValue(line, type, 'known to Mosquitto')
    if (type !== 'automatic') throw invalidValue(line, type)
  },
  notifications: readTo.boolean('notifications'),
  notifications_local_only: readTo.boolean('notificationsLocalOnly'),
  notification_topic(draft, line) {
    if (/[+#]/.test(line.value)) throw invalidValue(line)
    readTo.text('notificationTopic')(draft, line)
  },
  bridge_protocol_version(draft, line) {
    const version = readChoice(line, ['mqttv31', 'mqttv311', 'mqttv50'])
    bridgeAbove(draft, line).options.protocolVersion = version
  },
  bridge_attempt_unsubscribe: readTo.boolean('attemptUnsubscribe'),
  round_robin: readTo.boolean('roundRobin'),
  try_private: readTo.boolean('tryPrivate'),
  bridge_insecure(draft, line) {
    const isInsecure = readBoolean(line)
    // What is the default anyway does not ask for TLS.
    if (isInsecure) tlsOf(draft, line).isInsecure = true
    else delete bridgeAbove(draft, line).tls.isInsecure
  },
  bridge_cafile: readTo.tlsText('caFile'),
  bridge_certfile: readTo.tlsText('certFile'),
  bridge_keyfile: readTo.tlsText('keyFile'),
  bridge_alpn: readTo.tlsText('alpn'),
} as const satisfies { readonly [Name in DirectiveName]?: Handler }

/** @throws {ConfigError} ERR_CONFIG_CONNECTION_MISSING, in Mosquitto's words */
export function bridgeAbove(draft: Draft, line: ConfigLine): DraftBridge {
  const bridge = draft.bridges.at(-1)
  if (bridge === undefined) throw errorAt(line, 'ERR_CONFIG_CONNECTION_MISSING', 'Invalid bridge configuration.')
  return bridge
}

function tlsOf(draft: Draft, line: ConfigLine): DraftBridge['tls'] {
  const bridge = bridgeAbove(draft, line)
  bridge.tlsLine ??= line
  return bridge.tls
}

function readSeconds(line: ConfigLine, word: string): number {
  if (!/^\d+$/.test(word) || Number(word) > largestInt) throw invalidValue(line)
  return Number(word)
}

/** `host`, `host:port`, `[ipv6]` or `[ipv6]:port`; Mosquitto cuts at the first colon, whatever follows. */
function readAddress(line: ConfigLine, word: string): DraftBridge['addresses'][number] {
  const [, ipv6, name, port] = /^(?:\[([0-9A-Fa-f:.%a-z]+)\]|([^:[\]]+))(?::(.*))?$/.exec(word) ?? []
  const host = ipv6 ?? name
  if (host === undefined) throw invalidValue(line, word)
  if (port !== undefined && !isPort(port)) {
    throw errorAt(line, 'ERR_CONFIG_PORT_INVALID', `Invalid port value (${port}).`)
  }
  return { host, port: port === undefined ? undefined : Number(port) }
}

/** `FILTER [DIRECTION] [QOS] [LOCAL_PREFIX] [REMOTE_PREFIX]`; `""` stands for nothing. */
function readTopic(draft: Draft, line: ConfigLine): void {
  const bridge = bridgeAbove(draft, line)
  const [filterWord, directionWord = 'out', qosWord = '0', local = '""', remote = '""'] = readWords(line, 5)
  const [filter, localPrefix, remotePrefix] = [filterWord, local, remote].map((word) => (word === '""' ? '' : word))
  const invalid = (reason: string) => errorAt(line, 'ERR_CONFIG_VALUE_INVALID', reason)
  if (filter === undefined || localPrefix === undefined || remotePrefix === undefined) throw invalidValue(line)
  const direction = directions.find((one) => one === directionWord)
  if (direction === undefined) throw invalid(`Invalid bridge topic direction '${directionWord}'.`)
  if (!isQos(qosWord)) throw invalid(`Invalid bridge QoS level '${qosWord}'.`)
  for (const [side, prefix] of [
    ['local', localPrefix],
    ['remote', remotePrefix],
  ] as const) {
    if (/[+#]/.test(prefix)) throw invalid(`Invalid bridge topic ${side} prefix '${prefix}'.`)
  }
  if (filter === '' && (localPrefix === '' || remotePrefix === '')) throw invalid('Invalid bridge remapping.')
  for (const prefix of [localPrefix, remotePrefix]) {
    if (!isValidTopicFilter(prefix + filter)) throw invalid(`Invalid bridge topic '${prefix}${filter}'.`)
  }
  bridge.topics.push({ filter, direction, qos: qosNumbers[qosWord], localPrefix, remotePrefix })
}

function isQos(word: string): word is keyof typeof qosNumbers {
  return Object.hasOwn(qosNumbers, word)
}
