import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { ErasedTotals, ScrubCounters, ScrubStatus, VerificationCounters } from '../../plugins/index.ts'
import type { ListenerCounters } from '../listeners/index.ts'
import type { BrokerSnapshot } from '../sys/index.ts'
import { labelledReadings } from './labelled-readings.ts'
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

/** What became of requests; the plugins' `RefusalCounters` is one. */
export interface RequestReading {
  readonly accepted: number
  /** By cause; a cause is missing until it occurs. */
  readonly refused: Readonly<Partial<Record<string, number>>>
}

/** What the gate of publishes counted; accepted are those that became records. The plugins' `PublishCounters` is one. */
export interface PublishReading extends RequestReading {
  /** Publishes acknowledged again without becoming a second record. */
  readonly duplicates: number
}

/** What it takes to know who signed. */
export interface TrustReading {
  readonly verification: Readonly<VerificationCounters>
  /** Signatures without a verdict. */
  readonly pendingVerifications: number
  readonly keyExchanges: RequestReading
  /** Sessions for hop MACs that are live. */
  readonly macSessions: number
  readonly identityRequests: RequestReading
  /** Addresses remembered for too many failed verifications. */
  readonly penalisedAddresses: number
}

/** Who vouches for the log; null: no witnesses are configured. */
export interface WitnessesReading {
  readonly quorum: number
  /** Names of those that cosigned the newest checkpoint. */
  readonly cosigned: readonly string[]
  /** Records in trees that a quorum cosigned. */
  readonly covered: number
}

/** What the background check of the store came to; places have a record in the chain. */
export interface ScrubReading {
  readonly counters: ScrubCounters
  readonly status: Pick<ScrubStatus, 'damage' | 'passes'>
}

/** What one listener counted; an open listener is one. */
export interface ListenerReading {
  readonly info: { readonly name: string }
  readonly counters: Readonly<ListenerCounters>
}

/** Everything is read when somebody asks, from what is counted anyway. */
export interface MetricsSource {
  readonly version: string
  readonly snapshot: () => BrokerSnapshot
  readonly chain: () => ChainReading
  readonly publishes: () => PublishReading
  readonly trust: () => TrustReading
  readonly scrub: () => ScrubReading
  readonly erased: () => Readonly<ErasedTotals>
  readonly storeBytes: () => Promise<number>
  readonly listeners: () => readonly ListenerReading[]
  readonly witnesses: () => WitnessesReading | null
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
  new Gauge({
    name: 'notarymq_store_bytes',
    help: 'Bytes of all files of the store.',
    registers,
    async collect() {
      this.set(await source.storeBytes())
    },
  })
  for (const { name, help, labelNames, read } of labelledReadings) {
    new Counter({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset()
        for (const [labels, count] of read(source)) this.inc(labels, count)
      },
    })
  }
  return {
    contentType: registry.contentType,
    text: () => {
      snapshot = undefined
      return registry.metrics()
    },
    close: () => registry.clear(),
  }
}
