import { describe } from '../describe.ts'
import type { LineType, LogTarget } from './log-target.ts'

/** Sends a message to whoever subscribes now: QoS 0, not retained, not recorded. */
export type PublishLogLine = (topicName: string, payload: string) => void

/** Mosquitto's names below `$SYS/broker/log/`. It keeps debug lines off: sending one would make the next. */
const suffixes: Readonly<Record<LineType, string | undefined>> = {
  error: 'E',
  warning: 'W',
  notice: 'N',
  information: 'I',
  subscribe: 'M/subscribe',
  unsubscribe: 'M/unsubscribe',
  websockets: 'WS',
  debug: undefined,
}

/** Beyond this many lines in a second the rest of them is not published: lines may be the consequence of one. */
const maxLinesPerSecond = 500

/** Publishes lines to `$SYS/broker/log/...`, from when it is told how. Lines that publishing brings about are left out. */
export class LogTopic implements LogTarget {
  #publish: PublishLogLine | undefined
  #isPublishing = false
  #second = 0
  #lines = 0
  readonly #complain: (message: string) => void
  readonly #now: () => number

  /** @param complain writes somewhere else */
  constructor(complain: (message: string) => void, now: () => number = Date.now) {
    this.#complain = complain
    this.#now = now
  }

  /** There are clients from now on, or with undefined, none any more. */
  connect(publish: PublishLogLine | undefined): void {
    this.#publish = publish
  }

  write(type: LineType, prefix: string, text: string): void {
    const suffix = suffixes[type]
    if (suffix === undefined || this.#publish === undefined || this.#isPublishing || !this.#isWithinRate()) return
    this.#isPublishing = true
    try {
      this.#publish(`$SYS/broker/log/${suffix}`, `${prefix}${text}`)
    } catch (error) {
      this.#complain(`Error: log_dest topic: ${describe(error)}`)
    } finally {
      this.#isPublishing = false
    }
  }

  #isWithinRate(): boolean {
    const second = Math.floor(this.#now() / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#lines = 0
    }
    this.#lines += 1
    return this.#lines <= maxLinesPerSecond
  }
}
