import { Journal } from './log/journal.ts'
import { linePrefix } from './log/line-prefix.ts'
import { LogFile } from './log/log-file.ts'
import type { LogDestination, LogSettings } from './log/log-options.ts'
import type { LineType, LogTarget } from './log/log-target.ts'
import { LogTopic, type PublishLogLine } from './log/log-topic.ts'
import { standardStream } from './log/standard-stream.ts'

/** What the broker writes: one line per event, without payloads, keys or tokens. */
export interface BrokerLogger {
  debug(message: string): void
  information(message: string): void
  notice(message: string): void
  warning(message: string): void
  error(message: string): void
  /** Subscriptions and unsubscriptions, when their log type is on. */
  subscribe(message: string): void
  unsubscribe(message: string): void
  /** Whether lines of this type go anywhere; who would make one per packet asks first. */
  isOn(type: LineType): boolean
}

/** The log of a broker: what it opened can be opened anew and closed. */
export interface BrokerLog extends BrokerLogger {
  /**
   * Opens what these settings name and is not open yet; lines go where they went before.
   * @returns goes over to the settings: closes what they do not name, opens files again that may have been moved away
   * @throws {LogError} ERR_LOG_SYSLOG_UNAVAILABLE, ERR_LOG_FACILITY; nothing has changed then
   */
  prepareReload(settings: LogSettings): () => void
  /** How `log_dest topic` reaches clients; undefined when the broker ends. Without it such lines go nowhere. */
  publishTo(publish: PublishLogLine | undefined): void
  /** Lines that follow are lost. Resolves when what was written is with the system. */
  close(): Promise<void>
}

/** What lines in the journal are found by. */
const programName = 'notarymq'

const lineTypes: readonly LineType[] = [
  'debug',
  'error',
  'warning',
  'notice',
  'information',
  'subscribe',
  'unsubscribe',
  'websockets',
]

/**
 * Opens the destinations: lines as Mosquitto prints them, `<epoch seconds>: text`, for the log types that are on.
 * @throws {LogError} ERR_LOG_SYSLOG_UNAVAILABLE, ERR_LOG_FACILITY
 */
export function createLogger(settings: LogSettings): BrokerLog {
  const complain = (message: string) => process.stderr.write(`${withoutControls(message)}\n`)
  const topic = new LogTopic(complain)
  const open = (destination: LogDestination): LogTarget => {
    switch (destination.kind) {
      case 'stderr':
        return standardStream(process.stderr)
      case 'stdout':
        return standardStream(process.stdout)
      case 'file':
        return new LogFile(destination.path, complain)
      case 'syslog':
        return new Journal(programName, destination.facility, complain)
      case 'topic':
        return topic
      case 'none':
        return { write: () => {} }
    }
  }
  let current = new Map<string, LogTarget>()
  let types: ReadonlySet<LineType> = new Set()
  let prefix = () => ''
  const closeOthers = (all: ReadonlyMap<string, LogTarget>, kept: ReadonlyMap<string, LogTarget>) => {
    for (const [key, target] of all) if (!kept.has(key)) target.close?.().catch((error) => complain(String(error)))
  }
  const prepare = (next: LogSettings): (() => void) => {
    const opened = new Map<string, LogTarget>()
    try {
      for (const destination of destinationsOf(next)) {
        const key = JSON.stringify(destination)
        opened.set(key, current.get(key) ?? open(destination))
      }
    } catch (error) {
      closeOthers(opened, current)
      throw error
    }
    const nextTypes = typesOf(next)
    const nextPrefix = linePrefix(next.timestamps, next.timestampFormat)
    return () => {
      const before = current
      current = opened
      types = nextTypes
      prefix = nextPrefix
      closeOthers(before, current)
      for (const [key, target] of current) if (before.has(key)) target.reopen?.()
    }
  }
  prepare(settings)()
  const isOn = (type: LineType) => current.size > 0 && types.has(type)
  const writer = (type: LineType) => (message: string) => {
    if (!isOn(type)) return
    const text = withoutControls(message)
    const at = prefix()
    for (const target of current.values()) target.write(type, at, text)
  }
  return {
    debug: writer('debug'),
    information: writer('information'),
    notice: writer('notice'),
    warning: writer('warning'),
    error: writer('error'),
    subscribe: writer('subscribe'),
    unsubscribe: writer('unsubscribe'),
    isOn,
    prepareReload: prepare,
    publishTo: (publish) => topic.connect(publish),
    close: async () => {
      const closing = [...current.values()]
      current = new Map()
      await Promise.all(closing.map((target) => target.close?.()))
    },
  }
}

/** `none` among them silences all. */
function destinationsOf({ destinations }: LogSettings): readonly LogDestination[] {
  return destinations.some(({ kind }) => kind === 'none') ? [] : destinations
}

function typesOf({ types }: LogSettings): ReadonlySet<LineType> {
  if (types.includes('none')) return new Set()
  return new Set(types.includes('all') ? lineTypes : lineTypes.filter((type) => types.includes(type)))
}

/** Names come from clients: none of them may begin a line of its own or move the cursor of a terminal. A tab may begin one of ours. */
function withoutControls(message: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced
  return message.replace(/(?!^\t)[\u0000-\u001f\u007f-\u009f]/g, '?')
}
