import type { MetricsSource, RequestReading } from './create-metrics.ts'

type Labels = Readonly<Record<string, string>>

/** A count for each of several cases, which are told apart by labels. */
export interface LabelledReading {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly string[]
  readonly read: (source: MetricsSource) => Iterable<readonly [Labels, number]>
}

const listenerOutcomes = [
  ['accepted', 'accepted'],
  ['refusedTotal', 'max-connections'],
  ['refusedAddress', 'max-connections-per-address'],
  ['refusedRate', 'connect-rate'],
  ['failedHandshakes', 'handshake-failed'],
  ['silent', 'no-connect'],
] as const

/** Numbers that only grow. */
export const labelledReadings: readonly LabelledReading[] = [
  {
    name: 'notarymq_publishes_refused_total',
    help: 'Publishes that the gate refused, by cause.',
    labelNames: ['cause'],
    read: (source) => byCause(source.publishes().refused).map(([cause, count]) => [{ cause }, count] as const),
  },
  {
    name: 'notarymq_verifications_total',
    help: 'Signatures given to the threads that verify, by result; error: nobody knows.',
    labelNames: ['result'],
    read: (source) => {
      const { verified, failed, errors } = source.trust().verification
      return [
        [{ result: 'valid' }, verified - failed],
        [{ result: 'invalid' }, failed],
        [{ result: 'error' }, errors],
      ]
    },
  },
  {
    name: 'notarymq_key_exchanges_total',
    help: 'Key exchanges by outcome: accepted, or why they were refused.',
    labelNames: ['outcome'],
    read: (source) => outcomes(source.trust().keyExchanges),
  },
  {
    name: 'notarymq_identity_requests_total',
    help: 'Requests for proof of who the broker is, by outcome: accepted, or why they were refused.',
    labelNames: ['outcome'],
    read: (source) => outcomes(source.trust().identityRequests),
  },
  {
    name: 'notarymq_listener_connections_total',
    help: 'Connections of each listener, by what became of them before MQTT: accepted, or why they were closed.',
    labelNames: ['listener', 'outcome'],
    read: (source) =>
      source.listeners().flatMap(({ info, counters }) => {
        const listener = info.name
        return listenerOutcomes.map(([name, outcome]) => [{ listener, outcome }, counters[name]] as const)
      }),
  },
]

function outcomes({ accepted, refused }: RequestReading): (readonly [Labels, number])[] {
  const all = [['accepted', accepted] as const, ...byCause(refused)]
  return all.map(([outcome, count]) => [{ outcome }, count])
}

function byCause(refused: RequestReading['refused']): (readonly [string, number])[] {
  return Object.entries(refused).map(([cause, count = 0]) => [cause, count])
}
