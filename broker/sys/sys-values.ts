import type { BrokerCounts } from '../metrics/broker-counters.ts'
import type { BrokerState } from './broker-snapshot.ts'
import { LoadAverages } from './load-average.ts'

/** Names below `$SYS/broker/`, and what they carry. */
export type SysValues = ReadonlyMap<string, string>

/** What `load/...` is published of, in Mosquitto's order. */
const loads = {
  'messages/received': 'messagesReceived',
  'messages/sent': 'messagesSent',
  'publish/dropped': 'publishesDropped',
  'publish/received': 'publishesReceived',
  'publish/sent': 'publishesSent',
  'bytes/received': 'bytesReceived',
  'bytes/sent': 'bytesSent',
  sockets: 'sockets',
  connections: 'connections',
} as const satisfies Record<string, keyof BrokerCounts>

/** What is remembered from one time to the next: loads and maxima. */
export class SysMeters {
  readonly #averages = new Map(Object.keys(loads).map((name) => [name, new LoadAverages()]))
  #elapsedBaseMs: number
  #maximumClients = 0
  #maximumHeapBytes = 0

  constructor(startMs: number) {
    this.#elapsedBaseMs = startMs
  }

  /** Takes the counts in that were reached at this time. */
  update(counts: BrokerCounts, nowMs: number): void {
    for (const [name, counter] of Object.entries(loads)) {
      this.#averages.get(name)?.update(counts[counter], nowMs - this.#elapsedBaseMs)
    }
    this.#elapsedBaseMs = nowMs
  }

  *loadValues(): Iterable<readonly [name: string, payload: string]> {
    for (const [name, averages] of this.#averages) {
      for (const [window, payload] of averages.values()) yield [`load/${name}/${window}`, payload]
    }
  }

  maximumClients(now: number): number {
    this.#maximumClients = Math.max(this.#maximumClients, now)
    return this.#maximumClients
  }

  maximumHeapBytes(now: number): number {
    this.#maximumHeapBytes = Math.max(this.#maximumHeapBytes, now)
    return this.#maximumHeapBytes
  }
}

/** What is measured outside of the broker's own counts. */
export interface Surroundings {
  /** Name and version of the program. */
  readonly version: string
  readonly uptimeSeconds: number
  readonly heapBytes: number
}

/** All values of one time in plain decimal text, named and ordered as Mosquitto 2.0 has them. */
export function sysValues(
  counts: BrokerCounts,
  state: BrokerState,
  { version, uptimeSeconds, heapBytes }: Surroundings,
  meters: SysMeters,
): SysValues {
  const total = state.clientsConnected + state.clientsDisconnected
  const values: Record<string, number | string> = {
    version,
    uptime: `${uptimeSeconds} seconds`,
    'clients/total': total,
    // Two names for one thing each; the older ones are what dashboards read.
    'clients/inactive': state.clientsDisconnected,
    'clients/disconnected': state.clientsDisconnected,
    'clients/active': state.clientsConnected,
    'clients/connected': state.clientsConnected,
    'clients/expired': counts.clientsExpired,
    'clients/maximum': meters.maximumClients(total),
    ...Object.fromEntries(meters.loadValues()),
    'messages/stored': state.storedMessages,
    'messages/received': counts.messagesReceived,
    'messages/sent': counts.messagesSent,
    'messages/inflight': state.inflightMessages,
    'store/messages/count': state.storedMessages,
    'store/messages/bytes': state.storedBytes,
    'subscriptions/count': state.subscriptions,
    'shared_subscriptions/count': state.sharedSubscriptions,
    'retained messages/count': state.retainedMessages,
    'heap/current': heapBytes,
    'heap/maximum': meters.maximumHeapBytes(heapBytes),
    'publish/messages/dropped': counts.publishesDropped,
    'publish/messages/received': counts.publishesReceived,
    'publish/messages/sent': counts.publishesSent,
    'publish/bytes/received': counts.publishBytesReceived,
    'publish/bytes/sent': counts.publishBytesSent,
    'bytes/received': counts.bytesReceived,
    'bytes/sent': counts.bytesSent,
  }
  return new Map(Object.entries(values).map(([name, value]) => [name, String(value)]))
}
