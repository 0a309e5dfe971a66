import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { BrokerCounters, createMetrics, type MetricsSource, type TrustReading } from '../../../broker/metrics/index.ts'
import { AuditChain, PublishCounters } from '../../../plugins/index.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

const state = {
  clientsConnected: 1,
  clientsDisconnected: 2,
  subscriptions: 3,
  sharedSubscriptions: 4,
  retainedMessages: 5,
  storedMessages: 6,
  storedBytes: 7,
  inflightMessages: 8,
}

const listenerCounters = {
  accepted: 1,
  refusedTotal: 2,
  refusedAddress: 3,
  refusedRate: 4,
  failedHandshakes: 5,
  silent: 6,
}

const trust: TrustReading = {
  verification: { verified: 30, failed: 4, errors: 5, batches: 6, threadsLost: 7 },
  pendingVerifications: 8,
  keyExchanges: { accepted: 9, refused: { 'unknown-key': 10 } },
  macSessions: 11,
  identityRequests: { accepted: 12, refused: { 'too-busy': 13 } },
  penalisedAddresses: 14,
}

function setUp(t: TestContext, overrides: Partial<MetricsSource> = {}) {
  const counters = new BrokerCounters()
  const publishes = new PublishCounters()
  const metrics = createMetrics({
    version: '9.9.9',
    snapshot: () => ({ counters, state }),
    chain: () => ({ treeSize: 12n, height: 3n, pendingBytes: 99, isOutage: false, isDiskFull: true }),
    publishes: () => publishes,
    trust: () => trust,
    erased: () => ({ bodies: 31, records: 32, bytes: 33 }),
    storeBytes: async () => 34,
    scrub: () => ({ counters: { records: 15, repairedTiles: 16 }, status: { damage: 17, passes: 18 } }),
    listeners: () => [{ info: { name: 'mqtt://127.0.0.1:1883' }, counters: listenerCounters }],
    witnesses: () => ({ quorum: 15, cosigned: ['w1', 'w2'], covered: 16 }),
    ...overrides,
  })
  atEnd(t, () => metrics.close())
  return { counters, publishes, metrics }
}

/** Values by name with labels. */
async function read(metrics: { text(): Promise<string> }): Promise<ReadonlyMap<string, number>> {
  const lines = (await metrics.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]))
}

test('every counter of the broker is shown by one metric, as it is at the time of the scrape', async (t) => {
  const { counters, metrics } = setUp(t)
  const names = Object.keys(counters) as (keyof BrokerCounters)[]
  for (const [at, counter] of names.entries()) counters[counter] = 1_000_001 + at
  const before = [...(await read(metrics)).values()]
  for (const counter of names) assert.equal(before.filter((value) => value === counters[counter]).length, 1, counter)
  counters.messagesReceived = 2_000_000
  assert.equal((await read(metrics)).get('notarymq_packets_received_total'), 2_000_000)
})

test('scraping twice counts nothing twice', async (t) => {
  const { counters, publishes, metrics } = setUp(t)
  counters.sockets = 4
  publishes.countRefusal('seq-reuse')
  await metrics.text()
  const values = await read(metrics)
  assert.equal(values.get('notarymq_sockets_total'), 4)
  assert.equal(values.get('notarymq_publishes_refused_total{cause="seq-reuse"}'), 1)
  assert.equal(
    values.get('notarymq_listener_connections_total{listener="mqtt://127.0.0.1:1883",outcome="no-connect"}'),
    6,
  )
})

test('refusals are counted by cause, and listeners by what became of their connections', async (t) => {
  const { publishes, metrics } = setUp(t)
  publishes.accepted = 10
  publishes.duplicates = 11
  publishes.countRefusal('seq-reuse')
  publishes.countRefusal('not-signed')
  publishes.countRefusal('not-signed')
  const values = await read(metrics)
  assert.equal(values.get('notarymq_publishes_recorded_total'), 10)
  assert.equal(values.get('notarymq_publishes_duplicate_total'), 11)
  assert.equal(values.get('notarymq_publishes_refused_total{cause="not-signed"}'), 2)
  const outcomes = [...values].filter(([name]) => name.startsWith('notarymq_listener_connections_total'))
  assert.deepEqual(
    outcomes.map(([, value]) => value),
    [1, 2, 3, 4, 5, 6],
  )
})

test('what it takes to know who signed and that nothing is damaged: verifications, requests, forgers, the scrub', async (t) => {
  const values = await read(setUp(t).metrics)
  for (const [name, value] of Object.entries({
    'verifications_total{result="valid"}': 26,
    'verifications_total{result="invalid"}': 4,
    'verifications_total{result="error"}': 5,
    verification_batches_total: 6,
    verification_threads_lost_total: 7,
    verifications_pending: 8,
    'key_exchanges_total{outcome="accepted"}': 9,
    'key_exchanges_total{outcome="unknown-key"}': 10,
    mac_sessions: 11,
    'identity_requests_total{outcome="accepted"}': 12,
    'identity_requests_total{outcome="too-busy"}': 13,
    penalised_addresses: 14,
    scrub_records_total: 15,
    scrub_repaired_tiles_total: 16,
    scrub_damaged_places: 17,
    scrub_passes: 18,
    erased_bodies_total: 31,
    erased_records_total: 32,
    erased_bytes_total: 33,
    store_bytes: 34,
  })) {
    assert.equal(values.get(`notarymq_${name}`), value, name)
  }
})

test('state, chain, process and version are there, under names of the Prometheus style', async (t) => {
  const { metrics } = setUp(t)
  const values = await read(metrics)
  assert.equal(values.get('notarymq_clients_connected'), 1)
  assert.equal(values.get('notarymq_sessions_disconnected'), 2)
  assert.equal(values.get('notarymq_inflight_messages'), 8)
  assert.equal(values.get('notarymq_chain_records'), 12)
  assert.equal(values.get('notarymq_chain_blocks'), 3)
  assert.equal(values.get('notarymq_chain_pending_bytes'), 99)
  assert.equal(values.get('notarymq_chain_outage'), 0)
  assert.equal(values.get('notarymq_disk_full'), 1)
  assert.equal(values.get('notarymq_info{version="9.9.9"}'), 1)
  assert.ok((values.get('process_resident_memory_bytes') ?? 0) > 0)
  const types = (await metrics.text()).matchAll(/^# TYPE (notarymq_\S+) (counter|gauge)$/gm)
  for (const [, name = '', type] of types) {
    assert.match(name, /^notarymq(_[a-z]+)+$/)
    assert.equal(name.endsWith('_total'), type === 'counter', name)
  }
})

test('two brokers of one process have metrics of their own', async (t) => {
  const first = setUp(t)
  const second = setUp(t)
  first.counters.sockets = 1
  second.counters.sockets = 2
  assert.equal((await read(first.metrics)).get('notarymq_sockets_total'), 1)
  assert.equal((await read(second.metrics)).get('notarymq_sockets_total'), 2)
})

test('reads a real chain', async (t) => {
  const chain = await AuditChain.open({ location: temporaryDirectory(t) })
  atEnd(t, () => chain.close())
  const { metrics } = setUp(t, {
    chain: () => ({
      treeSize: chain.state.frontier.size,
      height: chain.state.height,
      pendingBytes: chain.pendingBytes,
      isOutage: chain.outage !== undefined,
      isDiskFull: false,
    }),
  })
  const values = await read(metrics)
  assert.equal(values.get('notarymq_chain_records'), 1, 'the genesis')
  assert.equal(values.get('notarymq_chain_blocks'), 1)
})

test('who vouches for the log is shown, and zeros where nobody does', async (t) => {
  const names = ['quorum', 'cosigned', 'covered_records'].map((name) => `notarymq_witness_${name}`)
  const values = await read(setUp(t).metrics)
  assert.deepEqual(
    names.map((name) => values.get(name)),
    [15, 2, 16],
  )
  const none = await read(setUp(t, { witnesses: () => null }).metrics)
  assert.deepEqual(
    names.map((name) => none.get(name)),
    [0, 0, 0],
  )
})
