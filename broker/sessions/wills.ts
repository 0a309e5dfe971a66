import type { Publisher } from '../../plugins/index.ts'
import type { Will } from '../edge/index.ts'
import { alarmAt } from './alarm.ts'
import type { SessionStore } from './session-store.ts'
import type { StoredWill } from './stored-will.ts'

export interface WillsOptions {
  readonly store: SessionStore
  readonly now: () => number
  /** Does something in its place in the order of the chain. */
  readonly commit: (change: () => void) => void
}

/**
 * Wills, from CONNECT until they are published or not wanted any more. On disk all the while: a broker that ends without
 * warning publishes them at its next start. [MQTT-5.0 3.1.2.5]
 */
export class Wills {
  readonly #options: WillsOptions
  /** Those whose connection is gone, with what stops their alarm. */
  readonly #waiting = new Map<StoredWill, () => void>()
  #nextNumber = 0
  /** Publishes a will; calls {@link settled} when that is done. */
  publish: (will: StoredWill) => void = () => {}

  constructor(options: WillsOptions) {
    this.#options = options
  }

  /** One that was on disk at start. Nothing happens before {@link beginDelays}. */
  restore(will: StoredWill): void {
    this.#nextNumber = Math.max(this.#nextNumber, will.number + 1)
    this.#waiting.set(will, () => {})
  }

  /**
   * Starts the alarms of those that were on disk. Of a connection that ended with the broker the delay begins now.
   * @param delaySecondsOf longest delay that its session admits
   * @param onReplaced the will has its due time from now on
   */
  beginDelays(
    delaySecondsOf: (will: StoredWill) => number,
    onReplaced: (will: StoredWill, due: StoredWill) => void,
  ): void {
    for (const will of [...this.#waiting.keys()]) {
      if (will.dueAtMs !== undefined) {
        this.#await(will, will.dueAtMs)
        continue
      }
      this.#options.commit(() => {
        if (this.#waiting.delete(will)) onReplaced(will, this.end(will, delaySecondsOf(will)))
      })
    }
  }

  /** A client brings its will. */
  take(will: Will, publisher: Publisher): StoredWill {
    const stored: StoredWill = { number: this.#nextNumber++, will, publisher, dueAtMs: undefined }
    this.#options.store.putWill(stored)
    return stored
  }

  /**
   * Its connection ended without leave.
   * @param longestDelaySeconds what is left of the session
   * @returns the same will, which knows now when it is due; another crash does not begin its delay anew
   */
  end(will: StoredWill, longestDelaySeconds: number): StoredWill {
    const delaySeconds = Math.min(will.will.delayIntervalSeconds, longestDelaySeconds)
    const dueAtMs = this.#options.now() + delaySeconds * 1000
    const due = { ...will, dueAtMs }
    this.#options.store.putWill(due)
    if (delaySeconds === 0) this.publish(due)
    else this.#await(due, dueAtMs)
    return due
  }

  /** Its session ended: one that still waits is published at once. [MQTT-5.0 3.1.3.2.2] */
  endSession(will: StoredWill): void {
    if (this.#stopWaiting(will)) this.publish(will)
  }

  /** Its session goes on in time: one that still waits is not published. [MQTT-5.0 3.1.3-9] */
  resumeSession(will: StoredWill): void {
    if (this.#stopWaiting(will)) this.discard(will)
  }

  /** Its client took its leave. [MQTT-5.0 3.1.2-10] */
  discard(will: StoredWill): void {
    this.#options.store.deleteWill(will)
  }

  /** What it did is in the chain, or it was refused: either way it is over. */
  settled(will: StoredWill): void {
    this.#options.store.deleteWill(will)
  }

  stop(): void {
    for (const cancel of this.#waiting.values()) cancel()
  }

  #await(will: StoredWill, dueAtMs: number): void {
    const { now, commit } = this.#options
    const ring = () => commit(() => this.endSession(will))
    this.#waiting.set(will, alarmAt(dueAtMs, now, ring))
  }

  #stopWaiting(will: StoredWill): boolean {
    this.#waiting.get(will)?.()
    return this.#waiting.delete(will)
  }
}
