import { statSync } from 'node:fs'
import { createConnection, type Socket } from 'node:net'
import { describe } from '../describe.ts'
import { LogError } from './errors.ts'
import type { LineType, LogTarget } from './log-target.ts'

/**
 * Where the journal of systemd takes lines as a stream. Syslog's own socket, /dev/log, takes datagrams, for which Node has
 * no unix sockets; what comes in here the journal hands on to syslog daemons as if it had come from there.
 */
export const journalSocketPath = '/run/systemd/journal/stdout'

/** RFC 5424 section 6.2.1, table 1. */
const facilities: Readonly<Record<string, number>> = {
  kern: 0,
  user: 1,
  mail: 2,
  daemon: 3,
  auth: 4,
  syslog: 5,
  lpr: 6,
  news: 7,
  uucp: 8,
  cron: 9,
  authpriv: 10,
  ftp: 11,
  local0: 16,
  local1: 17,
  local2: 18,
  local3: 19,
  local4: 20,
  local5: 21,
  local6: 22,
  local7: 23,
}

/** RFC 5424 section 6.2.1, table 2. */
const severities: Readonly<Record<LineType, number>> = {
  error: 3,
  warning: 4,
  notice: 5,
  information: 6,
  subscribe: 5,
  unsubscribe: 5,
  websockets: 7,
  debug: 7,
}

const reconnectAfterMs = 1000
/** Bytes waiting for a journal that does not read; what comes on top is lost. */
const maxBufferedBytes = 256 * 1024

/** @param word name of a facility, such as `daemon` or `local0`  @throws {LogError} ERR_LOG_FACILITY */
export function facilityOf(word: string): number {
  const facility = Object.hasOwn(facilities, word) ? facilities[word] : undefined
  if (facility === undefined)
    throw new LogError('ERR_LOG_FACILITY', `log_dest syslog: ${word} is no facility`, { word })
  return facility
}

/** Sends lines to the journal, and by it to syslog, with severity, facility and the name of the program. */
export class Journal implements LogTarget {
  readonly #path: string
  readonly #header: string
  readonly #complain: (message: string) => void
  #socket: Socket | undefined
  #retry: NodeJS.Timeout | undefined
  #hasComplained = false
  #isClosed = false

  /** @throws {LogError} ERR_LOG_SYSLOG_UNAVAILABLE, ERR_LOG_FACILITY */
  constructor(identifier: string, facility: string, complain: (message: string) => void, path = journalSocketPath) {
    this.#path = path
    this.#complain = complain
    const priority = facilityOf(facility) * 8 + severities.information
    if (!isSocket(path)) {
      throw new LogError('ERR_LOG_SYSLOG_UNAVAILABLE', `log_dest syslog: ${path} is not there`, { path })
    }
    // Identifier, unit (found out by the journal), priority, lines begin with a level, pass on to: syslog, kmsg, console.
    this.#header = [identifier, '', String(priority), '1', '1', '0', '0', ''].join('\n')
    this.#connect()
  }

  write(type: LineType, _prefix: string, text: string): void {
    const socket = this.#socket
    // The journal notes the time by itself.
    if (socket !== undefined && socket.writableLength < maxBufferedBytes) {
      socket.write(`<${severities[type]}>${text}\n`)
    }
  }

  close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#retry)
    const socket = this.#socket
    this.#socket = undefined
    if (socket === undefined || socket.destroyed) return Promise.resolve()
    return new Promise((resolve) => {
      socket.setTimeout(reconnectAfterMs, () => socket.destroy())
      socket.once('close', () => resolve())
      // Only what was handed over is waited for; the journal never ends its side.
      socket.end(() => socket.destroy())
    })
  }

  #connect(): void {
    const socket = createConnection(this.#path)
    this.#socket = socket
    socket.unref()
    socket.write(this.#header)
    socket.on('error', (error) => {
      if (!this.#hasComplained) this.#complain(`Error: log_dest syslog: ${describe(error)}`)
      this.#hasComplained = true
    })
    socket.on('connect', () => {
      this.#hasComplained = false
    })
    socket.on('close', () => {
      if (this.#isClosed) return
      this.#socket = undefined
      this.#retry = setTimeout(() => this.#connect(), reconnectAfterMs).unref()
    })
  }
}

function isSocket(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isSocket() ?? false
}
