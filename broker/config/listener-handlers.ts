import type { DirectiveName } from './directives.ts'
import type { Draft, DraftListener } from './draft.ts'
import type { ConfigLine } from './lexer.ts'
import {
  errorAt,
  invalidValue,
  isPort,
  readBoolean,
  readCount,
  readString,
  readWords,
  unsupportedValue,
} from './values.ts'

/** Mosquitto keeps counts in a C int. */
const largestCount = 2_147_483_647

const tlsVersions: Readonly<Record<string, 'TLSv1.2' | 'TLSv1.3'>> = { 'tlsv1.2': 'TLSv1.2', 'tlsv1.3': 'TLSv1.3' }

/** Handlers of `listener` and of the directives that belong to the listener above them. */
export const listenerHandlers = {
  listener(draft, line) {
    const [port, host] = readWords(line, 2)
    if (/^0+$/.test(port)) {
      const reason =
        '"listener 0" is a Unix socket in Mosquitto, not supported by this version of NotaryMQ; use a port up to 65535.'
      throw errorAt(line, 'ERR_CONFIG_VALUE_UNSUPPORTED', reason)
    }
    if (!isPort(port)) throw errorAt(line, 'ERR_CONFIG_PORT_INVALID', `Invalid port value (${port}).`)
    draft.listeners.push({
      options: { protocol: 'mqtt', port: Number(port), ...(host === undefined ? {} : { host }) },
      tls: {},
      tlsLine: undefined,
      requireLine: undefined,
    })
  },

  protocol(draft, line) {
    const [protocol] = readWords(line, 1)
    if (protocol === 'http_api') throw unsupportedValue(line, protocol, 'known to Mosquitto')
    if (protocol !== 'mqtt' && protocol !== 'websockets') throw invalidValue(line, protocol)
    change(draft, line, { protocol })
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

  require_certificate(draft, line) {
    const isRequired = readBoolean(line)
    // What is the default anyway does not ask for TLS.
    if (!isRequired) {
      lastListener(draft, line)
      return
    }
    tlsOf(draft, line).requireCertificate = true
    lastListener(draft, line).requireLine = line
  },

  tls_version(draft, line) {
    const [version] = readWords(line, 1)
    if (version === 'tlsv1.1') throw unsupportedValue(line, version, 'known to Mosquitto')
    const minVersion = Object.hasOwn(tlsVersions, version) ? tlsVersions[version] : undefined
    if (minVersion === undefined) throw invalidValue(line, version)
    tlsOf(draft, line).minVersion = minVersion
  },

  max_connections(draft, line) {
    const [word] = readWords(line, 1)
    // Mosquitto's default; 0 has no limit there either (run).
    change(draft, line, { maxConnections: word === '-1' ? 0 : readCount(line, largestCount) })
  },

  socket_domain(draft, line) {
    const [family] = readWords(line, 1)
    if (family !== 'ipv4' && family !== 'ipv6') throw invalidValue(line, family)
    change(draft, line, { addressFamily: family })
  },

  notary_connect_rate(draft, line) {
    const [perSecond, burst] = readWords(line, 2)
    if (!isRate(perSecond) || !isRate(burst ?? perSecond)) throw invalidValue(line)
    const rate = { perSecond: Number(perSecond), ...(burst === undefined ? {} : { burst: Number(burst) }) }
    change(draft, line, { connectRate: rate })
  },
} as const satisfies { readonly [Name in DirectiveName]?: (draft: Draft, line: ConfigLine) => void }

function isRate(word: string): boolean {
  return /^\d+$/.test(word) && Number(word) >= 1 && Number(word) <= largestCount
}

/** @throws {ConfigError} ERR_CONFIG_LISTENER_MISSING */
function lastListener(draft: Draft, line: ConfigLine): DraftListener {
  const listener = draft.listeners.at(-1)
  if (listener !== undefined) return listener
  // Mosquitto applies it to a default listener on every address, port 1883, which nobody wrote down.
  const reason = `"${line.name}" applies to the listener above it, and there is none; move it below its listener.`
  throw errorAt(line, 'ERR_CONFIG_LISTENER_MISSING', reason)
}

function change(draft: Draft, line: ConfigLine, changes: Partial<DraftListener['options']>): void {
  const listener = lastListener(draft, line)
  listener.options = { ...listener.options, ...changes }
}

function tlsOf(draft: Draft, line: ConfigLine): DraftListener['tls'] {
  const listener = lastListener(draft, line)
  listener.tlsLine ??= line
  return listener.tls
}
