import type { PeerName } from './peers/peer.ts'

export type Unit = 'per second' | 'ms' | 'kB'

/** One number of a row; its key in the samples and in the JSON is `name`. */
export interface Figure {
  readonly name: string
  readonly label: string
  readonly unit: Unit
}

export interface Row {
  /** What is done, for --help and for the method beside the numbers. */
  readonly about: string
  /** How much of `counted` one round does, from --messages (at least `minMessages`). */
  readonly size: (messages: number) => number
  readonly counted: 'messages' | 'topics' | 'connections' | 'records'
  readonly figures: readonly Figure[]
  /**
   * Broker processes are shared by all rows but where the row needs its own: `retained` sets its topics once and would
   * burden the others; `idle` needs a heap in which no load has left free space; `unbudgeted` closes no connection for
   * what does not verify.
   */
  readonly instance: Instance
  /** Absent: every peer. */
  readonly peers?: readonly PeerName[]
}

export type Instance = 'shared' | 'retained' | 'idle' | 'unbudgeted'

const perSecond = (name: string, label: string): Figure => ({ name, label, unit: 'per second' })
const milliseconds = (name: string, label: string): Figure => ({ name, label, unit: 'ms' })

const ackedAndDelivered = [perSecond('acked', 'acked/s'), perSecond('delivered', 'delivered/s')]

/** A multiple, so that publishers, groups and quarters come out even. */
const multipleOf = (step: number, value: number) => Math.floor(value / step) * step

/** Below this some row would have nothing to measure. */
export const minMessages = 400

/** The rows of the benchmark in the order of the table: those of design section 10 that a broker as a whole is asked. */
export const rows = {
  clean: {
    about: 'one clean QoS 0 subscriber',
    size: (messages) => multipleOf(4, messages),
    counted: 'messages',
    figures: ackedAndDelivered,
    instance: 'shared',
  },
  'clean-q1': {
    about: 'one clean QoS 1 subscriber',
    size: (messages) => multipleOf(4, messages),
    counted: 'messages',
    figures: ackedAndDelivered,
    instance: 'shared',
  },
  persistent: {
    about: 'one persistent online QoS 1 subscriber; delivered/s is the rate of the whole',
    size: (messages) => multipleOf(4, messages),
    counted: 'messages',
    figures: ackedAndDelivered,
    instance: 'shared',
  },
  offline: {
    about: 'queueing for an offline persistent QoS 1 subscriber, to the last PUBACK (drained afterwards as a check)',
    size: (messages) => multipleOf(4, messages),
    counted: 'messages',
    figures: [perSecond('acked', 'acked/s')],
    instance: 'shared',
  },
  drain: {
    about: 'that client reconnects to 5 x as many: from CONNECT to the last PUBLISH; it acknowledges after each read',
    size: (messages) => multipleOf(4, messages * 5),
    counted: 'messages',
    figures: [perSecond('delivered', 'delivered/s')],
    instance: 'shared',
  },
  fanout: {
    about: '25 clean QoS 0 subscribers of half as many messages; delivered/s counts every delivery',
    size: (messages) => multipleOf(4, messages / 2),
    counted: 'messages',
    figures: [perSecond('acked', 'acked/s'), perSecond('delivered', 'delivered/s')],
    instance: 'shared',
  },
  retained: {
    about:
      'QoS 0 SUBSCRIBE among 5 x as many retained topics, to the last retained message: one exact topic (median of 20), ' +
      'a wildcard with one in a hundred (median of 5), all of them',
    size: (messages) => multipleOf(400, messages * 5),
    counted: 'topics',
    figures: [
      milliseconds('exact', 'one exact, ms'),
      milliseconds('wildcard', 'one in a hundred, ms'),
      milliseconds('all', 'all, ms'),
    ],
    instance: 'retained',
  },
  idle: {
    about:
      'growth of the resident memory of a fresh broker per connection, from the first quarter of the idle connections ' +
      '(a tenth as many as messages, keep alive 60 s) to the last',
    size: (messages) => multipleOf(4, messages / 10),
    counted: 'connections',
    figures: [{ name: 'memory', label: 'kB per connection', unit: 'kB' }],
    instance: 'idle',
  },
  latency: {
    about: 'one publisher, a tenth as many messages, one in flight: PUBLISH to PUBACK, and to a QoS 0 subscriber',
    size: (messages) => multipleOf(4, messages / 10),
    counted: 'messages',
    figures: [
      milliseconds('ackP50', 'PUBACK p50, ms'),
      milliseconds('ackP99', 'PUBACK p99, ms'),
      milliseconds('deliveryP50', 'delivery p50, ms'),
      milliseconds('deliveryP99', 'delivery p99, ms'),
    ],
    instance: 'shared',
  },
  signed: {
    about: 'as clean, every message signed; NotaryMQ only, against the P-256 verification limit of the machine',
    size: (messages) => multipleOf(4, messages),
    counted: 'messages',
    figures: ackedAndDelivered,
    instance: 'shared',
    peers: ['notarymq'],
  },
  forged: {
    about:
      'as many messages with a hop MAC that is wrong, each publisher with a session of its own, to a topic that asks for ' +
      'it: PUBLISH to PUBACK, and nothing delivered; NotaryMQ only, with notary_failure_budget 0',
    size: (messages) => multipleOf(4, messages),
    counted: 'messages',
    figures: [perSecond('refused', 'refused/s')],
    instance: 'unbudgeted',
    peers: ['notarymq'],
  },
  flooded: {
    about: 'as signed, while one more client sends forged MACs and comes back when it is disconnected; NotaryMQ only',
    size: (messages) => multipleOf(4, messages),
    counted: 'messages',
    figures: ackedAndDelivered,
    instance: 'shared',
    peers: ['notarymq'],
  },
  append: {
    about:
      'a chain alone, without any broker: 10 x as many records of 300 bytes with their bodies, in group commits of 100, ' +
      'each fsynced; the next group is submitted while one is being written',
    size: (messages) => multipleOf(100, messages * 10),
    counted: 'records',
    figures: [perSecond('recorded', 'records/s')],
    instance: 'shared',
    peers: ['notarymq'],
  },
  verify: {
    about:
      'a stored chain verified on all cores, without any broker: hashes only of 50 x as many such records, in group ' +
      'commits of 300, and every signature of 5 x as many signed ones, against the verification limit',
    size: (messages) => multipleOf(3000, messages * 50),
    counted: 'records',
    figures: [perSecond('hashed', 'hashes only, records/s'), perSecond('verified', 'with signatures, records/s')],
    instance: 'shared',
    peers: ['notarymq'],
  },
} as const satisfies Record<string, Row>

export type RowName = keyof typeof rows
export const rowNames = Object.keys(rows) as readonly RowName[]

export const rowOf = (name: RowName): Row => rows[name]
