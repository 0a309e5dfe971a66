import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type SpawnedBroker, spawnBroker, startBroker } from '../helpers/broker.ts'
import { publishPacket } from '../helpers/mqtt-bytes.ts'
import { TestClient } from '../helpers/mqtt-clients.ts'
import { numbered, offlineSubscriber, publishNumbers, resume } from '../helpers/persistent-sessions.ts'
import { RawMqtt } from '../helpers/raw-mqtt.ts'
import { turns } from '../helpers/sequencing.ts'

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

// The engine routes at once what needs no write; what was still being written must not be dropped as older then.
test('a QoS 1 publish whose queue entry is slow to write is not lost to a QoS 0 one behind it', async (t) => {
  const { broker, port } = await startBroker(t)
  await offlineSubscriber(t, port, 'slow/#')
  const clean = await TestClient.connect(t, port)
  await clean.subscribe('slow/#', 1)
  const { database } = broker.chain
  const put = database.put.bind(database) as (...args: unknown[]) => Promise<void>
  let release: () => void = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  Object.assign(database, { put: async (...args: unknown[]) => released.then(() => put(...args)) })
  const publisher = await TestClient.connect(t, port)
  assert.equal(await publisher.publish('slow/1', 'x', { qos: 1 }), 0)
  await publisher.publish('slow/0', 'x', { qos: 0 })
  // An answer on the same connection: both publishes have been recorded and handed to the engine.
  assert.equal(await publisher.subscribe('elsewhere'), 2)
  await turns()
  release()
  await publisher.publish('slow/end', 'x', { qos: 1 })
  await clean.waitFor(1, ({ topic }) => topic === 'slow/end')
  assert.deepEqual(clean.received.map(({ topic }) => topic).sort(), ['slow/0', 'slow/1', 'slow/end'])
})

test('QoS 0 publishes with and without the retain flag in one burst all arrive', async (t) => {
  const { broker, clean } = await liveSetting(t)
  const raw = await RawMqtt.connect(t, broker.port, { clientId: 'qos-0' })
  for (const [topic, retain] of [
    ['live/retained', true],
    ['live/plain', false],
  ] as const) {
    for (const text of numbered(0, 1000)) raw.write(publishPacket({ topic, payload: text, retain }))
  }
  raw.write(publishPacket({ topic: 'live/end', payload: 'end', qos: 1 }))
  await clean.waitFor(1, ({ topic }) => topic === 'live/end')
  const received = (topic: string) => clean.received.filter((message) => message.topic === topic).length
  assert.deepEqual([received('live/retained'), received('live/plain')], [1000, 1000])
})
