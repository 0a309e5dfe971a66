import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { BrokerCounters } from '../../../broker/metrics/index.ts'
import { type BrokerState, SysPublisher } from '../../../broker/sys/index.ts'
import { atEnd } from '../../helpers/cleanup.ts'

/** What Mosquitto 2.0.11 publishes, in its order; `messages/inflight` is of its manual. */
const names = [
  'version',
  'uptime',
  ...['total', 'inactive', 'disconnected', 'active', 'connected', 'expired', 'maximum'].map(
    (name) => `clients/${name}`,
  ),
  ...[
    'messages/received',
    'messages/sent',
    'publish/dropped',
    'publish/received',
    'publish/sent',
    'bytes/received',
    'bytes/sent',
    'sockets',
    'connections',
  ].flatMap((name) => ['1min', '5min', '15min'].map((window) => `load/${name}/${window}`)),
  ...['stored', 'received', 'sent', 'inflight'].map((name) => `messages/${name}`),
  'store/messages/count',
  'store/messages/bytes',
  'subscriptions/count',
  'shared_subscriptions/count',
  'retained messages/count',
  'heap/current',
  'heap/maximum',
  ...['dropped', 'received', 'sent'].map((name) => `publish/messages/${name}`),
  'publish/bytes/received',
  'publish/bytes/sent',
  'bytes/received',
  'bytes/sent',
]

const quiet: BrokerState = {
  clientsConnected: 0,
  clientsDisconnected: 0,
  subscriptions: 0,
  sharedSubscriptions: 0,
  retainedMessages: 0,
  storedMessages: 0,
  storedBytes: 0,
  inflightMessages: 0,
}

function setUp(t: TestContext, sysIntervalSeconds = 10) {
  const scene = {
    sysIntervalSeconds,
    counters: new BrokerCounters(),
    state: quiet,
    nowMs: 1000,
    heapBytes: 5000,
    published: [] as [string, string][],
    errors: [] as unknown[],
    failing: undefined as string | undefined,
    /** What was published since the last call. */
    take: (): ReadonlyMap<string, string> => new Map(scene.published.splice(0)),
  }
  const publisher = new SysPublisher({
    sysIntervalSeconds: () => scene.sysIntervalSeconds,
    version: 'notarymq version 9.9.9',
    snapshot: () => ({ counters: scene.counters, state: scene.state }),
    publish: (topicName, payload) => {
      if (topicName === scene.failing) throw new Error('closed')
      scene.published.push([topicName, payload])
    },
    onError: (error) => scene.errors.push(error),
    now: () => scene.nowMs,
    heapBytes: () => scene.heapBytes,
  })
  atEnd(t, () => publisher.stop())
  return { scene, publisher }
}

test('publishes every name of Mosquitto at start, as plain decimal text', (t) => {
  const { scene, publisher } = setUp(t)
  publisher.start()
  assert.deepEqual(
    scene.published.map(([topicName]) => topicName),
    names.map((name) => `$SYS/broker/${name}`),
  )
  for (const [topicName, payload] of scene.take()) {
    if (topicName === '$SYS/broker/version') assert.equal(payload, 'notarymq version 9.9.9')
    else if (topicName === '$SYS/broker/uptime') assert.equal(payload, '0 seconds')
    else if (topicName.includes('/load/')) assert.equal(payload, '0.00')
    else assert.match(payload, /^(0|[1-9][0-9]*)$/, topicName)
  }
})

test('afterwards publishes only what has changed', (t) => {
  const { scene, publisher } = setUp(t)
  publisher.start()
  scene.take()
  publisher.publishChanged()
  assert.deepEqual([...scene.take()], [])
  scene.nowMs += 10_500
  scene.counters.messagesSent += 3
  scene.state = { ...quiet, clientsConnected: 2, clientsDisconnected: 1 }
  publisher.publishChanged()
  assert.deepEqual(Object.fromEntries(scene.take()), {
    '$SYS/broker/uptime': '10 seconds',
    '$SYS/broker/clients/total': '3',
    '$SYS/broker/clients/inactive': '1',
    '$SYS/broker/clients/disconnected': '1',
    '$SYS/broker/clients/active': '2',
    '$SYS/broker/clients/connected': '2',
    '$SYS/broker/clients/maximum': '3',
    '$SYS/broker/load/messages/sent/1min': '2.75',
    '$SYS/broker/load/messages/sent/5min': '0.59',
    '$SYS/broker/load/messages/sent/15min': '0.20',
    '$SYS/broker/messages/sent': '3',
  })
})

test('each count and each state is published under its own name', (t) => {
  const { scene, publisher } = setUp(t)
  const counters = new BrokerCounters()
  // A different number each, so that none can stand for another.
  for (const [at, counter] of (Object.keys(counters) as (keyof BrokerCounters)[]).entries())
    counters[counter] = 101 + at
  scene.counters = counters
  scene.state = {
    ...quiet,
    storedMessages: 11,
    storedBytes: 12,
    inflightMessages: 13,
    subscriptions: 14,
    sharedSubscriptions: 15,
    retainedMessages: 16,
  }
  publisher.start()
  const values = scene.take()
  const expected: Record<string, number> = {
    'messages/received': counters.messagesReceived,
    'messages/sent': counters.messagesSent,
    'bytes/received': counters.bytesReceived,
    'bytes/sent': counters.bytesSent,
    'publish/messages/received': counters.publishesReceived,
    'publish/messages/sent': counters.publishesSent,
    'publish/messages/dropped': counters.publishesDropped,
    'publish/bytes/received': counters.publishBytesReceived,
    'publish/bytes/sent': counters.publishBytesSent,
    'clients/expired': counters.clientsExpired,
    'messages/stored': 11,
    'store/messages/count': 11,
    'store/messages/bytes': 12,
    'messages/inflight': 13,
    'subscriptions/count': 14,
    'shared_subscriptions/count': 15,
    'retained messages/count': 16,
  }
  for (const [name, value] of Object.entries(expected)) assert.equal(values.get(`$SYS/broker/${name}`), String(value))
})

test('maxima stay when what they are of becomes less', (t) => {
  const { scene, publisher } = setUp(t)
  scene.state = { ...quiet, clientsConnected: 7 }
  publisher.start()
  scene.take()
  scene.state = quiet
  scene.heapBytes = 4000
  publisher.publishChanged()
  const values = scene.take()
  assert.equal(values.get('$SYS/broker/clients/total'), '0')
  assert.equal(values.get('$SYS/broker/heap/current'), '4000')
  assert.equal(values.has('$SYS/broker/clients/maximum'), false)
  assert.equal(values.has('$SYS/broker/heap/maximum'), false)
})

test('sys_interval 0 publishes nothing at all', (t) => {
  const { scene, publisher } = setUp(t, 0)
  publisher.start()
  assert.deepEqual(scene.published, [])
})

test('goes on by itself every sys_interval, until it is stopped', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { scene, publisher } = setUp(t, 10)
  publisher.start()
  scene.take()
  scene.nowMs += 10_000
  t.mock.timers.tick(9999)
  assert.equal(scene.take().size, 0)
  t.mock.timers.tick(1)
  assert.equal(scene.take().get('$SYS/broker/uptime'), '10 seconds')
  publisher.stop()
  scene.nowMs += 10_000
  t.mock.timers.tick(10_000)
  assert.equal(scene.take().size, 0)
})

test('a value that could not be published is told of and published the next time', (t) => {
  const { scene, publisher } = setUp(t)
  scene.failing = '$SYS/broker/uptime'
  publisher.start()
  assert.equal(scene.errors.length, 1)
  scene.failing = undefined
  scene.take()
  publisher.publishChanged()
  assert.equal(scene.take().get('$SYS/broker/uptime'), '0 seconds')
})
