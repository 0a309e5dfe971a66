import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { BrokerSnapshot } from '../sys/index.ts'
import { counterReadings, gaugeReadings } from './readings.ts'

/** What the chain is like at this moment. */
export interface ChainReading {
  /** Records, the genesis among them. */
  readonly treeSize: bigint | number
  /** Blocks. */
  readonly height: bigint | number
  /** Bytes that wait for a commit. */
  readonly pendingBytes: number
  readonly isOutage: boolean
  readonly isDiskFull: boolean
}

/** What the gate of publishes counted; the plugins' `PublishCounters` is one. */
export interface PublishReading {
  /** Publishes that became records. */
  readonly accepted: number
  /** Publishes acknowledged again without becoming a second record. */
  readonly duplicates: number
  /** By cause; a cause is missing until it occurs. */
  readonly refused: Readonly<Partial<Record<string, number>>>
}

/** What one listener counted; an open listener is one. */
export interface ListenerReading {
  readonly info: { readonly name: string }
  readonly counters: Readonly<{
    accepted: number
    refusedTotal: number
    refusedAddress: number
    refusedRate: number
    failedHandshakes: number
    silent: number
  }>
}

/** Everything is read when somebody asks, from what is counted anyway. */
export interface MetricsSource {
  readonly version: string
  readonly snapshot: () => BrokerSnapshot
  readonly chain: () => ChainReading
  readonly publishes: () => PublishReading
  readonly listeners: () => readonly ListenerReading[]
}

/** What `/metrics` answers with. */
export interface Metrics {
  readonly contentType: string
  /** Text of the Prometheus exposition format. */
  text(): Promise<string>
  close(): void
}

/** Metrics of one broker, in a registry of its own: another broker of the same process has another one. */
export function createMetrics(given: MetricsSource): Metrics {
  // Taken once per scrape, so that its numbers belong together.
  let snapshot: BrokerSnapshot | undefined
  const source: MetricsSource = {
    ...given,
    snapshot: () => {
      snapshot ??= given.snapshot()
      return snapshot
    },
  }
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  for (const { name, help, read } of counterReadings) {
    new Counter({
      name,
      help,
      registers,
      collect() {
        // The count is the broker's; this one is only how it is written.
        this.reset()
        this.inc(read(source))
      },
    })
  }
  for (const { name, help, read } of gaugeReadings) {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read(source))
      },
    })
  }
  new Gauge({
    name: 'notarymq_info',
    help: 'Version of the broker; always 1.',
    labelNames: ['version'],
    registers,
  }).set({ version: source.version }, 1)
  new Counter({
    name: 'notarymq_publishes_refused_total',
    help: 'Publishes that the gate refused, by cause.',
    labelNames: ['cause'],
    registers,
    collect() {
      this.reset()
      for (const [cause, count] of Object.entries(source.publishes().refused)) this.inc({ cause }, count ?? 0)
    },
  })
  new Counter({
    name: 'notarymq_listener_connections_total',
    help: 'Connections of each listener, by what became of them before MQTT: accepted, or why they were closed.',
    labelNames: ['listener', 'outcome'],
    registers,
    collect() {
      this.reset()
      for (const { info, counters } of source.listeners()) {
        for (const [name, outcome] of listenerOutcomes) this.inc({ listener: info.name, outcome }, counters[name])
      }
    },
  })
  return {
    contentType: registry.contentType,
    text: () => {
      snapshot = undefined
      return registry.metrics()
    },
    close: () => registry.clear(),
  }
}

const listenerOutcomes = [
  ['accepted', 'accepted'],
  ['refusedTotal', 'max-connections'],
  ['refusedAddress', 'max-connections-per-address'],
  ['refusedRate', 'connect-rate'],
  ['failedHandshakes', 'handshake-failed'],
  ['silent', 'no-connect'],
] as const
