import { BrokerError } from './errors.ts'
import type { LogDestination, LogSettings, LogTypeWord } from './log/log-options.ts'

export type { LogDestination } from './log/log-options.ts'

/** Severities and packet traces in Mosquitto's words. */
export type LogType = LogTypeWord
/** Where log lines go, which, and what precedes them. */
export type LogOptions = LogSettings

/** What Mosquitto logs by default. */
export const defaultLogTypes: readonly LogType[] = ['error', 'warning', 'notice', 'information']

/** Where nothing is said: to stderr, each line with its time. */
export const defaultLog: LogOptions = {
  destinations: [{ kind: 'stderr' }],
  types: defaultLogTypes,
  timestamps: true,
}

const kinds: readonly unknown[] = [
  'stderr',
  'stdout',
  'none',
  'topic',
  'file',
  'syslog',
] satisfies LogDestination['kind'][]

/** @throws {BrokerError} ERR_OPTIONS_INVALID */
export function checkLogOptions({ destinations, types, timestamps, timestampFormat }: LogOptions): void {
  if (!Array.isArray(destinations) || !Array.isArray(types)) throw invalid('log needs destinations and types')
  for (const destination of destinations as readonly LogDestination[]) {
    if (!kinds.includes(destination.kind)) throw invalid(`log: ${destination.kind} is no destination`)
    if (destination.kind === 'file' && !isText(destination.path)) throw invalid('log: a file has a path')
    if (destination.kind === 'syslog' && !isText(destination.facility)) throw invalid('log: syslog has a facility')
  }
  if (typeof timestamps !== 'boolean') throw invalid('log.timestamps is true or false')
  if (timestampFormat !== undefined && !isText(timestampFormat)) throw invalid('log.timestampFormat is not empty')
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function invalid(what: string): BrokerError {
  return new BrokerError('ERR_OPTIONS_INVALID', `options: ${what}`)
}
