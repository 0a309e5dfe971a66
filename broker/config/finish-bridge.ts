import type { BridgeOptions } from '../bridges/bridge-options.ts'
import type { DraftBridge } from './draft.ts'
import type { ConfigError } from './errors.ts'
import type { ConfigLine } from './lexer.ts'
import { errorAt } from './values.ts'

const defaultPorts = { plain: 1883, tls: 8883 } as const

/**
 * The bridge as options, when all its lines are read.
 * @throws {ConfigError} ERR_CONFIG_BRIDGE_INCOMPLETE: without a CA for TLS, which some lines ask for, messages and
 *   passwords would travel in plain text
 */
export function finishBridge({ line, options, addresses, topics, tls, ...lines }: DraftBridge): BridgeOptions {
  if (addresses.length === 0) throw incomplete(line, 'Invalid bridge configuration: no remote addresses defined.')
  if (topics.length === 0) throw incomplete(line, 'Invalid bridge configuration: no topics defined.')
  const { caFile, certFile, keyFile } = tls
  if (lines.tlsLine !== undefined && caFile === undefined) {
    throw incomplete(lines.tlsLine, `"${lines.tlsLine.name}" asks for TLS, but the connection has no bridge_cafile.`)
  }
  if ((certFile === undefined) !== (keyFile === undefined)) {
    const reason = 'Invalid bridge configuration: bridge_certfile and bridge_keyfile must both be set.'
    throw incomplete(lines.tlsLine ?? line, reason)
  }
  const protocolVersion = options.protocolVersion ?? 'mqttv311'
  // A password alone has no place in CONNECT before version 5 [MQTT-3.1.1 3.1.2-22].
  const isPasswordAlone = options.remotePassword !== undefined && options.remoteUsername === undefined
  if (isPasswordAlone && protocolVersion !== 'mqttv50') {
    throw incomplete(lines.passwordLine ?? line, 'Invalid bridge configuration: a password without remote_username.')
  }
  const cleanSession = options.cleanSession ?? false
  const defaultPort = caFile === undefined ? defaultPorts.plain : defaultPorts.tls
  return {
    name: line.value,
    addresses: addresses.map(({ host, port }) => ({ host, port: port ?? defaultPort })),
    topics,
    localCleanSession: cleanSession,
    keepAliveSeconds: 60,
    restartTimeout: { baseSeconds: 5, capSeconds: 30 },
    notifications: true,
    notificationsLocalOnly: false,
    attemptUnsubscribe: true,
    roundRobin: false,
    tryPrivate: true,
    ...options,
    protocolVersion,
    cleanSession,
    ...(caFile === undefined ? {} : { tls: { ...tls, caFile } }),
  }
}

function incomplete(line: ConfigLine, reason: string): ConfigError {
  return errorAt(line, 'ERR_CONFIG_BRIDGE_INCOMPLETE', reason)
}
