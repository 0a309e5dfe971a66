import { listenerProtocols } from '../listeners/listener-info.ts'
import type { ListenerOptions } from '../options.ts'
import type { DirectiveName } from './directives.ts'
import { type Draft, type DraftListener, draftListener, listenerAbove } from './draft.ts'
import type { ConfigLine } from './lexer.ts'
import {
  errorAt,
  invalidValue,
  isPort,
  largestInt,
  readBoolean,
  readChoice,
  readCount,
  readLimit,
  readPortAndAddress,
  readRate,
  readString,
  readWords,
  unsupportedValue,
} from './values.ts'

const tlsVersions = { 'tlsv1.2': 'TLSv1.2', 'tlsv1.3': 'TLSv1.3' } as const
const protocolVersions = { '3': 3, '4': 4, '5': 5 } as const
const qosNumbers = { '0': 0, '1': 1, '2': 2 } as const
/** Topic Alias Maximum is a two byte integer [MQTT-5.0 3.2.2.3.8]. */
const largestTopicAlias = 65_535

/**
 * Handlers of `listener` and of the directives that belong to the listener above them. Above the first one they belong
 * to the default listener, which Mosquitto 2.0.11 then opens on every address, beside the others (run); `opens` says for
 * which of them.
 */
export const listenerHandlers = {
  listener(draft, line) {
    const [port] = readWords(line, 2)
    if (/^0+$/.test(port)) {
      const reason =
        '"listener 0" is a Unix socket in Mosquitto, not supported by this version of NotaryMQ; use a port up to 65535.'
      throw errorAt(line, 'ERR_CONFIG_VALUE_UNSUPPORTED', reason)
    }
    draft.listeners.push(draftListener({ protocol: 'mqtt', ...readPortAndAddress(line) }))
  },
  port(draft, line) {
    const [port] = readWords(line, 1)
    if (!isPort(port)) throw errorAt(line, 'ERR_CONFIG_PORT_INVALID', `Invalid port value (${port}).`)
    draft.defaultListener.options = { ...draft.defaultListener.options, port: Number(port) }
    opens(draft.defaultListener, line, true)
  },
  bind_address(draft, line) {
    draft.defaultListener.options = { ...draft.defaultListener.options, host: readString(line) }
    opens(draft.defaultListener, line, true)
  },

  protocol(draft, line) {
    const [word] = readWords(line, 1)
    if (word === 'http_api') throw unsupportedValue(line, word, 'known to Mosquitto')
    const protocol = readChoice(line, listenerProtocols)
    change(draft, line, { protocol }, protocol !== 'mqtt')
  },

  certfile(draft, line) {
    tlsOf(draft, line).certFile = readString(line)
  },
  keyfile(draft, line) {
    tlsOf(draft, line).keyFile = readString(line)
  },
  cafile(draft, line) {
    tlsOf(draft, line).caFile = readString(line)
  },
  capath(draft, line) {
    tlsOf(draft, line).caPath = readString(line)
  },
  crlfile(draft, line) {
    tlsOf(draft, line).crlFile = readString(line)
  },
  ciphers(draft, line) {
    tlsOf(draft, line).ciphers = readString(line)
  },
  'ciphers_tls1.3'(draft, line) {
    tlsOf(draft, line).ciphersTls13 = readString(line)
  },
  require_certificate(draft, line) {
    const isRequired = readBoolean(line)
    const listener = listenerAbove(draft)
    listener.requireLine = isRequired ? line : undefined
    // What is the default anyway does not ask for TLS.
    if (isRequired) tlsOf(draft, line).requireCertificate = true
    else delete listener.tls.requireCertificate
  },
  use_identity_as_username(draft, line) {
    takeUsername(draft, line, 'useIdentityAsUsername')
  },
  use_subject_as_username(draft, line) {
    takeUsername(draft, line, 'useSubjectAsUsername')
  },
  tls_version(draft, line) {
    const [version] = readWords(line, 1)
    if (version === 'tlsv1.1') throw unsupportedValue(line, version, 'known to Mosquitto')
    tlsOf(draft, line).minVersion = tlsVersions[readChoice(line, ['tlsv1.2', 'tlsv1.3'])]
  },

  max_connections(draft, line) {
    // 0 has no limit in Mosquitto either (run).
    const maxConnections = readLimit(line)
    change(draft, line, { maxConnections }, maxConnections !== 0)
  },
  socket_domain(draft, line) {
    change(draft, line, { addressFamily: readChoice(line, ['ipv4', 'ipv6']) }, true)
  },
  bind_interface(draft, line) {
    change(draft, line, { bindInterface: readString(line) }, true)
  },
  max_qos: readMaximumQos,
  maximum_qos: readMaximumQos,
  max_topic_alias(draft, line) {
    change(draft, line, { maxTopicAlias: readCount(line, largestTopicAlias) }, false)
  },
  use_username_as_clientid(draft, line) {
    const useUsernameAsClientId = readBoolean(line)
    change(draft, line, { useUsernameAsClientId }, useUsernameAsClientId)
  },
  accept_protocol_versions(draft, line) {
    const words = readWords(line, largestInt).join('').split(',')
    const acceptProtocolVersions = words.map((word) => {
      const version = Object.entries(protocolVersions).find(([key]) => key === word)?.[1]
      if (version === undefined) throw invalidValue(line)
      return version
    })
    change(draft, line, { acceptProtocolVersions }, false)
  },
  websockets_origin(draft, line) {
    const { origins } = listenerAbove(draft)
    origins.push(readString(line))
    change(draft, line, { allowedOrigins: origins }, false)
  },
  listener_allow_anonymous(draft, line) {
    listenerAbove(draft).security.allowAnonymous = readBoolean(line)
  },
  listener_auto_id_prefix(draft, line) {
    listenerAbove(draft).security.autoIdPrefix = readString(line)
  },

  notary_connect_rate(draft, line) {
    change(draft, line, { connectRate: readRate(line) }, false)
  },
} as const satisfies { readonly [Name in DirectiveName]?: (draft: Draft, line: ConfigLine) => void }

function readMaximumQos(draft: Draft, line: ConfigLine): void {
  const maximumQos = qosNumbers[readChoice(line, ['0', '1', '2'])]
  change(draft, line, { maximumQos }, maximumQos !== 2)
}

function opens(listener: DraftListener, line: ConfigLine, isOpening: boolean): void {
  if (isOpening) listener.openedBy ??= line
}

function change(draft: Draft, line: ConfigLine, changes: Partial<ListenerOptions>, isOpening: boolean): void {
  const listener = listenerAbove(draft)
  listener.options = { ...listener.options, ...changes }
  opens(listener, line, isOpening)
}

function tlsOf(draft: Draft, line: ConfigLine): DraftListener['tls'] {
  const listener = listenerAbove(draft)
  listener.tlsLine ??= line
  opens(listener, line, true)
  return listener.tls
}

function takeUsername(draft: Draft, line: ConfigLine, option: 'useIdentityAsUsername' | 'useSubjectAsUsername'): void {
  const isTaken = readBoolean(line)
  const listener = listenerAbove(draft)
  if (isTaken) {
    tlsOf(draft, line)[option] = true
    listener.usernameLine = line
  } else delete listener.tls[option]
}
