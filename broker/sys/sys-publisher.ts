import type { BrokerSnapshot } from './broker-snapshot.ts'
import { SysMeters, sysValues } from './sys-values.ts'

/** Publishes a message of the broker: QoS 2 as Mosquitto's, retained, neither recorded in the chain nor kept on disk. */
export type PublishSysValue = (topicName: string, payload: string) => void

export interface SysPublisherOptions {
  /** `sys_interval`, as it is now; 0: never. */
  readonly sysIntervalSeconds: () => number
  /** Name and version of the program, as `version` shows them. */
  readonly version: string
  readonly snapshot: () => BrokerSnapshot
  readonly publish: PublishSysValue
  readonly onError: (error: unknown) => void
  /** Milliseconds that only grow; not the time of day, which may be set. */
  readonly now?: () => number
  readonly heapBytes?: () => number
}

/** Below it lies everything that is published here. */
export const sysPrefix = '$SYS/broker/'

/**
 * Publishes `$SYS/broker/...`: everything at start, then every `sys_interval` what has changed. A value that did not
 * change is still there, as it is retained.
 */
export class SysPublisher {
  readonly #options: SysPublisherOptions
  readonly #now: () => number
  readonly #heapBytes: () => number
  readonly #startMs: number
  readonly #meters: SysMeters
  readonly #published = new Map<string, string>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: SysPublisherOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#heapBytes = options.heapBytes ?? (() => process.memoryUsage().heapUsed)
    this.#startMs = this.#now()
    this.#meters = new SysMeters(this.#startMs)
  }

  /** Begins, or goes on at another interval. */
  start(): void {
    this.stop()
    const seconds = this.#options.sysIntervalSeconds()
    if (seconds === 0) return
    this.publishChanged()
    this.#timer = setInterval(() => this.publishChanged(), seconds * 1000).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Publishes what differs from what was published before. */
  publishChanged(): void {
    const { snapshot, publish, version, onError } = this.#options
    try {
      const { counters, state } = snapshot()
      const nowMs = this.#now()
      this.#meters.update(counters, nowMs)
      const uptimeSeconds = Math.floor((nowMs - this.#startMs) / 1000)
      const surroundings = { version, uptimeSeconds, heapBytes: this.#heapBytes() }
      for (const [name, payload] of sysValues(counters, state, surroundings, this.#meters)) {
        if (this.#published.get(name) === payload) continue
        publish(`${sysPrefix}${name}`, payload)
        // Only then: one that failed is published again.
        this.#published.set(name, payload)
      }
    } catch (error) {
      // A timer must not end the broker.
      onError(error)
    }
  }
}
