import type { LogDestination, LogType } from '../options.ts'
import type { DirectiveName } from './directives.ts'
import type { Draft } from './draft.ts'
import type { ConfigLine } from './lexer.ts'
import { errorAt, invalidValue, readBoolean, readCount, readString, readWords } from './values.ts'

const logTypes: ReadonlySet<string> = new Set<LogType>([
  ...(['debug', 'error', 'warning', 'notice', 'information'] as const),
  ...(['subscribe', 'unsubscribe', 'websockets', 'internal', 'none', 'all'] as const),
])
/** local0 to local7. */
const largestFacility = 7
const defaultFacility = 'daemon'

/** Handlers of what is logged, and where. */
export const logHandlers = {
  log_dest(draft, line) {
    const [kind, ...others] = readWords(line, Number.POSITIVE_INFINITY)
    if (kind === 'dlt' || kind === 'android') {
      draft.ignored.set(line, `"log_dest ${kind}" does not exist here; lines go to the other destinations`)
      return
    }
    const before = (draft.log.destinations ?? []).filter((one) => one.kind !== 'none')
    const destination = destinationOf(line, kind, others)
    if (destination.kind === 'file' && before.some((one) => one.kind === 'file')) {
      throw errorAt(line, 'ERR_CONFIG_VALUE_DUPLICATE', 'Duplicate "log_dest file" value.')
    }
    // As Mosquitto (run): `none` takes back all above it, and goes with the next destination.
    if (kind === 'none') draft.log.destinations = [destination]
    else if (destination.kind === 'file' || !before.some((one) => one.kind === kind)) {
      draft.log.destinations = [...before, destination]
    }
  },
  log_type(draft, line) {
    const [type] = readWords(line, 1)
    if (!isLogType(type)) throw invalidValue(line, type)
    // As Mosquitto (run): the first line replaces the defaults, each further one adds, `none` takes back all above it.
    const before = draft.log.types ?? []
    if (type === 'none') draft.log.types = []
    else if (type === 'all' || before.includes('all')) draft.log.types = ['all']
    else draft.log.types = before.includes(type) ? before : [...before, type]
  },
  log_timestamp(draft, line) {
    draft.log.timestamps = readBoolean(line)
  },
  log_timestamp_format(draft, line) {
    draft.log.timestampFormat = readString(line)
  },
  log_facility(draft, line) {
    const [word] = readWords(line, 1)
    if (!/^\d+$/.test(word) || Number(word) > largestFacility) throw invalidValue(line, word)
    draft.log.facility = { line, name: `local${readCount(line, largestFacility)}` }
  },
  connection_messages(draft, line) {
    draft.plain.connectionMessages = readBoolean(line)
  },
} as const satisfies { readonly [Name in DirectiveName]?: (draft: Draft, line: ConfigLine) => void }

function destinationOf(line: ConfigLine, kind: string, others: readonly string[]): LogDestination {
  if (kind === 'file') {
    // A path may contain spaces.
    const path = line.value.slice(kind.length).trim()
    if (path === '') {
      throw errorAt(line, 'ERR_CONFIG_VALUE_MISSING', 'Empty "log_dest file" value in configuration.')
    }
    return { kind, path }
  }
  if (others.length > 0) throw invalidValue(line)
  if (kind === 'syslog') return { kind, facility: defaultFacility }
  if (kind === 'stderr' || kind === 'stdout' || kind === 'none' || kind === 'topic') return { kind }
  throw invalidValue(line)
}

function isLogType(word: string): word is LogType {
  return logTypes.has(word)
}
