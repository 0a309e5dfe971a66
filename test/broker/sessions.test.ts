import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type SpawnedBroker, spawnBroker } from '../helpers/broker.ts'
import { publishPacket } from '../helpers/mqtt-bytes.ts'
import { mqttVersions, TestClient } from '../helpers/mqtt-clients.ts'
import { RawMqtt } from '../helpers/raw-mqtt.ts'
import { RawPublisher } from '../helpers/raw-publisher.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

/** A session that outlives its connection, in any version. */
function persistent(clientId: string, version: (typeof mqttVersions)[number]['version']) {
  const properties = version.protocolVersion === 5 ? { properties: { sessionExpiryInterval: 3600 } } : undefined
  return { clientId, clean: false, ...version, ...properties }
}

/** A persistent subscriber that goes offline at once. */
async function offlineSubscriber(t: TestContext, port: number, filter: string, clientId = 'offline'): Promise<void> {
  const client = await TestClient.connect(t, port, { clientId, clean: false, protocolVersion: 4 })
  assert.equal(await client.subscribe(filter, 1), 1)
  await client.end()
}

const resume = (t: TestContext, port: number, clientId = 'offline') =>
  TestClient.connect(t, port, { clientId, clean: false, protocolVersion: 4 })

const texts = (client: TestClient) => client.received.map(({ payload }) => payload.toString())
const numbered = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `${from + i}`)

/** Publishes `from` to `to - 1`, pipelined. */
async function publishNumbers(port: number, topic: string, from: number, to: number, qos: 1 | 2 = 1): Promise<void> {
  const messages = numbered(from, to).map((text) => ({ topic, payload: Buffer.from(text) }))
  const publisher = new RawPublisher(messages, { clientId: `numbers-${topic}`, qos, clean: true, window: 100 })
  assert.equal(await publisher.run(port), 'complete')
}

for (const { name, version } of mqttVersions) {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    test(`retained messages, queues and subscriptions survive ${signal} and a new start (${name})`, async (t) => {
      const location = temporaryDirectory(t)
      const first = await spawnBroker(t, { location })
      const session = await TestClient.connect(t, first.port, persistent('session', version))
      assert.equal(await session.subscribe('kept/#', 1), 1)
      assert.equal(await session.subscribe('gone/#', 1), 1)
      await session.mqtt.unsubscribeAsync('gone/#')
      await session.end()
      const publisher = await TestClient.connect(t, first.port, version)
      await publisher.publish('kept/retained', 'r', { qos: 1, retain: true })
      await publisher.publish('kept/cleared', 'r', { qos: 1, retain: true })
      await publisher.publish('kept/cleared', '', { qos: 1, retain: true })
      for (const payload of ['1', '2', '3']) await publisher.publish('kept/queued', payload)
      await publisher.publish('gone/queued', 'x')
      // Queues are written after the acknowledgement: this one makes sure that those before it are.
      await publisher.subscribe('after', 1)
      await publisher.publish('after', 'x')
      await publisher.waitFor(1)
      await first.stop(signal)

      const second = await spawnBroker(t, { location })
      const resumed = await TestClient.connect(t, second.port, persistent('session', version))
      await resumed.waitFor(6)
      assert.deepEqual(texts(resumed).slice(-3), ['1', '2', '3'])
      const late = await TestClient.connect(t, second.port, version)
      await late.subscribe('kept/#', 1)
      const [retained] = await late.waitFor(1)
      assert.deepEqual([retained?.topic, retained?.retain], ['kept/retained', true])
      await late.publish('kept/live', 'live')
      await resumed.waitFor(1, ({ topic }) => topic === 'kept/live')
      assert.deepEqual(
        late.received.map(({ topic }) => topic),
        ['kept/retained', 'kept/live'],
      )
      assert.deepEqual(
        resumed.received.filter(({ topic }) => topic.startsWith('gone')),
        [],
      )
    })
  }
}

test('a queue is replayed in the order of the publishes, also when they came to several runs of the broker', async (t) => {
  const location = temporaryDirectory(t)
  for (let run = 0; run < 5; run++) {
    const broker = await spawnBroker(t, { location })
    if (run === 0) await offlineSubscriber(t, broker.port, 'order')
    await publishNumbers(broker.port, 'order', run * 20, run * 20 + 20)
    await broker.stop()
  }
  const broker = await spawnBroker(t, { location })
  const resumed = await resume(t, broker.port)
  await resumed.waitFor(100)
  assert.deepEqual(texts(resumed), numbered(0, 100))
})

test('beyond max_queued_messages and those in flight nothing is queued, until there is room again', async (t) => {
  const location = temporaryDirectory(t)
  const lines = ['max_queued_messages 10', 'max_inflight_messages 5']
  const first = await spawnBroker(t, { location, lines })
  await offlineSubscriber(t, first.port, 'limit')
  await offlineSubscriber(t, first.port, 'other', 'other')
  await publishNumbers(first.port, 'limit', 0, 50)
  await publishNumbers(first.port, 'other', 0, 3)
  await first.stop()
  // What is queued is counted again after a restart.
  const second = await spawnBroker(t, { location, lines })
  await publishNumbers(second.port, 'limit', 50, 60)
  const resumed = await resume(t, second.port)
  await resumed.waitFor(15)
  await publishNumbers(second.port, 'limit', 100, 103)
  await resumed.waitFor(18)
  assert.deepEqual(texts(resumed), [...numbered(0, 15), ...numbered(100, 103)])
  await resumed.end()
  await publishNumbers(second.port, 'limit', 200, 230)
  const again = await resume(t, second.port)
  await again.waitFor(15)
  await publishNumbers(second.port, 'limit', 300, 301)
  await again.waitFor(16)
  assert.deepEqual(texts(again), [...numbered(200, 215), '300'])
  const other = await resume(t, second.port, 'other')
  await other.waitFor(3)
})

test('a clean start forgets subscriptions, queue and open QoS 2 exchanges', async (t) => {
  const broker = await spawnBroker(t)
  await offlineSubscriber(t, broker.port, 'clean')
  await publishNumbers(broker.port, 'clean', 0, 5)
  const open = await RawMqtt.connect(t, broker.port, { clientId: 'open', clean: false })
  open.write(publishPacket({ topic: 'clean/2', payload: 'first', qos: 2, packetId: 7 }))
  await open.next('pubrec')
  open.reset()
  const clean = await TestClient.connect(t, broker.port, { clientId: 'offline', clean: true, protocolVersion: 4 })
  await clean.subscribe('clean/2', 2)
  const again = await RawMqtt.connect(t, broker.port, { clientId: 'open', clean: true })
  again.write(publishPacket({ topic: 'clean/2', payload: 'second', qos: 2, packetId: 7 }))
  await again.next('pubrec')
  await clean.waitFor(1)
  assert.deepEqual(texts(clean), ['second'])
})

/** Engine row "live loss": LevelDB completes writes out of order, and the engine drops what then looks old. */
async function assertInOrder(subscriber: TestClient, topic: string, count: number): Promise<void> {
  const of = () => subscriber.received.filter((message) => message.topic === topic).map(({ payload }) => `${payload}`)
  await subscriber
    .waitFor(count, (message) => message.topic === topic)
    .catch(() => {
      // The comparison says what is missing.
    })
  const received = of().map(Number)
  const inversions = received.filter((n, i) => i > 0 && n < (received[i - 1] as number)).length
  assert.deepEqual([received.length, inversions], [count, 0], `${topic}: received, inversions`)
}

async function liveSetting(t: TestContext): Promise<{ broker: SpawnedBroker; clean: TestClient; online: TestClient }> {
  const broker = await spawnBroker(t, { lines: ['max_queued_messages 0'] })
  await offlineSubscriber(t, broker.port, 'live/#')
  const clean = await TestClient.connect(t, broker.port, { protocolVersion: 4 })
  assert.equal(await clean.subscribe('live/#', 1), 1)
  const online = await resume(t, broker.port, 'online')
  assert.equal(await online.subscribe('live/#', 1), 1)
  return { broker, clean, online }
}

test('5,000 pipelined QoS 1 publishes reach clean, persistent and offline subscribers without loss, in order', async (t) => {
  const { broker, clean, online } = await liveSetting(t)
  await publishNumbers(broker.port, 'live/1', 0, 5000)
  for (const subscriber of [clean, online]) await assertInOrder(subscriber, 'live/1', 5000)
  const resumed = await resume(t, broker.port)
  await assertInOrder(resumed, 'live/1', 5000)
})

test('two publishers side by side reach all subscribers without loss, each in order', async (t) => {
  const { broker, clean, online } = await liveSetting(t)
  const topics = ['live/1', 'live/2']
  await Promise.all(topics.map((topic) => publishNumbers(broker.port, topic, 0, 2000)))
  for (const subscriber of [clean, online, await resume(t, broker.port)]) {
    for (const topic of topics) await assertInOrder(subscriber, topic, 2000)
  }
})

test('2,000 pipelined QoS 2 publishes reach clean, persistent and offline subscribers without loss, in order', async (t) => {
  const { broker, clean, online } = await liveSetting(t)
  await publishNumbers(broker.port, 'live/2', 0, 2000, 2)
  for (const subscriber of [clean, online, await resume(t, broker.port)])
    await assertInOrder(subscriber, 'live/2', 2000)
})

test('QoS 1 publishes beside QoS 0 publishes of another client arrive without loss, each in order', async (t) => {
  const { broker, clean, online } = await liveSetting(t)
  const raw = await RawMqtt.connect(t, broker.port, { clientId: 'qos-0' })
  for (const text of numbered(0, 2000)) raw.write(publishPacket({ topic: 'live/0', payload: text }))
  await publishNumbers(broker.port, 'live/1', 0, 2000)
  for (const subscriber of [clean, online]) {
    for (const topic of ['live/0', 'live/1']) await assertInOrder(subscriber, topic, 2000)
  }
})

const why = 'the engine routes what needs no write at once, then drops what was still being written as older'
test('QoS 0 publishes with and without the retain flag in one burst all arrive', { todo: why }, async (t) => {
  const { broker, clean } = await liveSetting(t)
  const raw = await RawMqtt.connect(t, broker.port, { clientId: 'qos-0' })
  for (const [topic, retain] of [
    ['live/retained', true],
    ['live/plain', false],
  ] as const) {
    for (const text of numbered(0, 1000)) raw.write(publishPacket({ topic, payload: text, retain }))
  }
  for (const topic of ['live/plain', 'live/retained']) await assertInOrder(clean, topic, 1000)
})
