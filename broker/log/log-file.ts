import { closeSync, openSync, write, writeSync } from 'node:fs'
import { describe } from '../describe.ts'
import type { LogTarget } from './log-target.ts'

/** As Mosquitto: lines name clients, users and topics. */
const fileMode = 0o600
/** Bytes kept while the disk takes none; what comes on top is lost. */
const maxWaitingBytes = 1024 * 1024
const complainEveryMs = 60_000
const closeWithinMs = 2000

/**
 * Appends to a file, off the callers' path: one write at a time, what comes meanwhile goes with the next. A file that
 * cannot be opened or written is complained about, and what waits is tried again with the next line; the broker goes on,
 * as Mosquitto does.
 */
export class LogFile implements LogTarget {
  readonly #path: string
  readonly #complain: (message: string) => void
  #descriptor: number | undefined
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #isWriting = false
  #whenIdle: (() => void) | undefined
  #complainedAtMs = Number.NEGATIVE_INFINITY
  readonly #writeAtExit = () => this.#writeNow()

  /** @param complain writes somewhere else */
  constructor(path: string, complain: (message: string) => void) {
    this.#path = path
    this.#complain = complain
    this.#descriptor = this.#open()
    process.on('exit', this.#writeAtExit)
  }

  write(_type: unknown, prefix: string, text: string): void {
    if (this.#descriptor === undefined) return
    const line = Buffer.from(`${prefix}${text}\n`)
    if (this.#waitingBytes + line.length > maxWaitingBytes) {
      this.#failed('lines are lost')
      return
    }
    this.#waiting.push(line)
    this.#waitingBytes += line.length
    this.#begin()
  }

  /** After a log rotation moved the file away; also when it could not be opened before. */
  reopen(): void {
    const descriptor = this.#open()
    if (descriptor === undefined) return
    const before = this.#descriptor
    this.#afterWriting(() => {
      this.#descriptor = descriptor
      if (before !== undefined) closeSync(before)
    })
  }

  close(): Promise<void> {
    process.removeListener('exit', this.#writeAtExit)
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(limit)
        if (this.#descriptor !== undefined) {
          this.#writeNow()
          closeSync(this.#descriptor)
        }
        this.#descriptor = undefined
        resolve()
      }
      // A disk that hangs must not keep the broker from ending.
      const limit = setTimeout(resolve, closeWithinMs)
      this.#afterWriting(end)
    })
  }

  #open(): number | undefined {
    try {
      return openSync(this.#path, 'a', fileMode)
    } catch (error) {
      this.#complain(`Error: Unable to open log file ${this.#path} for writing. (${describe(error)})`)
      return undefined
    }
  }

  /** A descriptor must not be closed under a write. */
  #afterWriting(then: () => void): void {
    if (!this.#isWriting) {
      then()
      return
    }
    const earlier = this.#whenIdle
    this.#whenIdle = () => {
      earlier?.()
      then()
    }
  }

  #begin(): void {
    const descriptor = this.#descriptor
    if (this.#isWriting || descriptor === undefined || this.#waitingBytes === 0) return
    const bytes = this.#take()
    this.#isWriting = true
    write(descriptor, bytes, (error, written) => {
      this.#isWriting = false
      if (error !== null) this.#failed(describe(error))
      this.#putBack(bytes.subarray(written ?? 0))
      const then = this.#whenIdle
      this.#whenIdle = undefined
      then?.()
      // After an error the next line tries again; a timer would turn for as long as the disk is full.
      if (error === null) this.#begin()
    })
  }

  #take(): Buffer {
    const bytes = Buffer.concat(this.#waiting)
    this.#waiting = []
    this.#waitingBytes = 0
    return bytes
  }

  #putBack(rest: Buffer): void {
    if (rest.length === 0) return
    this.#waiting.unshift(rest)
    this.#waitingBytes += rest.length
  }

  /** When there is no turn of the event loop left to wait for. */
  #writeNow(): void {
    if (this.#descriptor === undefined || this.#waitingBytes === 0) return
    try {
      writeSync(this.#descriptor, this.#take())
    } catch (error) {
      this.#failed(describe(error))
    }
  }

  #failed(reason: string): void {
    const nowMs = Date.now()
    if (nowMs - this.#complainedAtMs < complainEveryMs) return
    this.#complainedAtMs = nowMs
    this.#complain(`Error: log file ${this.#path}: ${reason}`)
  }
}
