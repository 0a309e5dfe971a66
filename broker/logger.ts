import pino from 'pino'
import type { LogOptions, LogType } from './options.ts'

/** pino's levels plus Mosquitto's `notice`. */
const levels = { debug: 20, information: 30, notice: 35, warning: 40, error: 50 } as const
export type LogLevel = keyof typeof levels

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
}

/**
 * Lines as Mosquitto prints them, `<epoch seconds>: text`, for the log types that are on. pino underneath keeps writing
 * off the callers' path.
 */
export function createLogger(options: LogOptions): BrokerLogger {
  const isOn = (type: LogType) =>
    !options.types.includes('none') && (options.types.includes('all') || options.types.includes(type))
  const logger = pino(
    { customLevels: levels, useOnlyCustomLevels: true, level: 'debug', base: null, timestamp: false },
    lineStream(options.destination === 'stdout' ? process.stdout : process.stderr),
  )
  const writer = (type: LogType, level: LogLevel) =>
    isOn(type) ? (message: string) => logger[level](withoutControls(message)) : () => {}
  return {
    debug: writer('debug', 'debug'),
    information: writer('information', 'information'),
    notice: writer('notice', 'notice'),
    warning: writer('warning', 'warning'),
    error: writer('error', 'error'),
    subscribe: writer('subscribe', 'information'),
    unsubscribe: writer('unsubscribe', 'information'),
  }
}

/** Names come from clients: none of them may begin a line of its own or move the cursor of a terminal. */
function withoutControls(message: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced
  return message.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?')
}

function lineStream(target: NodeJS.WritableStream): pino.DestinationStream {
  return {
    write: (json: string) => {
      const { msg } = JSON.parse(json) as { msg: string }
      target.write(`${Math.floor(Date.now() / 1000)}: ${msg}\n`)
    },
  }
}
