import {
  type BrokerOptions,
  defaultLogTypes,
  defaultPorts,
  type ListenerOptions,
  loopbackListeners,
} from '../options.ts'
import { classifyDirective, honouredDirectives, isHonoured } from './directives.ts'
import { type Draft, finishListener } from './draft.ts'
import { handlers } from './handlers.ts'
import type { ConfigLine } from './lexer.ts'
import { errorAt, isLoopbackAddress } from './values.ts'

/** Data directory where nothing else is said, relative to the working directory. */
export const defaultLocation = './notarymq-data'

/** What each refused name should become, where there is an answer. */
const replacements: Readonly<Record<string, string>> = {
  port: 'write "listener PORT" instead.',
  bind_address: 'write "listener PORT ADDRESS" instead.',
}

/**
 * Turns the lines of a configuration into options. What the file does not say is left to the defaults of
 * `BrokerOptions`, except where Mosquitto's differ:
 *
 * - no `listener` line: local only mode, anonymous clients allowed unless the file denies them (Mosquitto 2.0.11 then
 *   ignores `allow_anonymous false`; we do not)
 * - any `listener` line: anonymous clients denied unless the file allows them
 *
 * @param commandLinePort port given with -p: the one of local only mode; without effect where the file has a listener,
 *   as in Mosquitto 2.0.11 (run)
 * @throws {ConfigError} the first mistake in file order, with its place
 */
export function resolveConfig(lines: readonly ConfigLine[], commandLinePort?: number): BrokerOptions {
  const draft: Draft = {
    listeners: [],
    protect: [],
    logTypes: undefined,
    logDestination: undefined,
    anonymousAdmin: undefined,
    plain: {},
  }
  enterLines(draft, lines)
  const localOnly = draft.listeners.length === 0
  const listeners = localOnly
    ? loopbackListeners('mqtt', commandLinePort ?? defaultPorts.mqtt)
    : draft.listeners.map(finishListener)
  checkAnonymousAdmin(draft.anonymousAdmin, listeners)
  return {
    location: defaultLocation,
    allowAnonymous: localOnly,
    // Mosquitto's default is false. Ours is true: nothing accepted may be lost, and a queue or a retained message that
    // was acknowledged has been accepted.
    persistence: true,
    ...draft.plain,
    listeners,
    protect: draft.protect,
    anonymousAdmin: draft.anonymousAdmin !== undefined,
    ...logOptions(draft),
  }
}

function enterLines(draft: Draft, lines: readonly ConfigLine[]): void {
  const seen = new Set<string>()
  for (const line of lines) {
    const { name } = line
    if (!isHonoured(name)) throw refusal(line)
    if (name === 'listener') forgetPerListener(seen)
    if (seen.has(name) && honouredDirectives[name].repetition !== 'accumulates') {
      throw errorAt(line, 'ERR_CONFIG_VALUE_DUPLICATE', `Duplicate ${name} value in configuration.`)
    }
    seen.add(name)
    handlers[name](draft, line)
  }
}

function forgetPerListener(seen: Set<string>): void {
  for (const name of seen) {
    if (isHonoured(name) && honouredDirectives[name].repetition === 'once-per-listener') seen.delete(name)
  }
}

function refusal(line: ConfigLine): Error {
  const { name } = line
  const kind = classifyDirective(name)
  if (kind === 'unknown') {
    return errorAt(line, 'ERR_CONFIG_DIRECTIVE_UNKNOWN', `Unknown configuration variable "${name}".`)
  }
  const knownTo = kind === 'planned' ? 'planned for NotaryMQ' : 'known to Mosquitto'
  const remedy = replacements[name] ?? 'remove it or wait.'
  const reason = `"${name}" is ${knownTo} but not supported by this version of NotaryMQ; ${remedy}`
  return errorAt(line, 'ERR_CONFIG_DIRECTIVE_UNSUPPORTED', reason)
}

/** Design, section 6: anonymous administrators exist only where the address itself keeps other machines out. */
function checkAnonymousAdmin(line: ConfigLine | undefined, listeners: readonly ListenerOptions[]): void {
  if (line === undefined) return
  if (listeners.some(({ protocol, host }) => protocol === 'mqtt' && isLoopbackAddress(host))) return
  const reason =
    '"notary_admin anonymous" needs a TCP listener bound to a loopback address, for example "listener 1883 127.0.0.1".'
  throw errorAt(line, 'ERR_CONFIG_ADMIN_NOT_LOOPBACK', reason)
}

function logOptions({ logTypes, logDestination }: Draft): Pick<BrokerOptions, 'log'> {
  if (logTypes === undefined && logDestination === undefined) return {}
  const types = logTypes === undefined ? defaultLogTypes : logTypes.length === 0 ? (['none'] as const) : logTypes
  return { log: { destination: logDestination ?? 'stderr', types } }
}
