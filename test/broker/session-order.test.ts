import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type SpawnedBroker, spawnBroker, startBroker } from '../helpers/broker.ts'
import { holdWrites } from '../helpers/held-writes.ts'
import { pingPacket, publishPacket } from '../helpers/mqtt-bytes.ts'
import { TestClient } from '../helpers/mqtt-clients.ts'
import { numbered, offlineSubscriber, publishNumbers, resume } from '../helpers/persistent-sessions.ts'
import { RawMqtt } from '../helpers/raw-mqtt.ts'
import { turns } from '../helpers/sequencing.ts'

/** Says what is missing, not only that something is. */
async function assertInOrder(subscriber: TestClient, topic: string, count: number): Promise<void> {
  const of = () => subscriber.received.filter((message) => message.topic === topic).map(({ payload }) => `${payload}`)
  await subscriber
    .waitFor(count, (message) => message.topic === topic)
    .catch(() => {
      // The comparison below fails.
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

test('a QoS 0 publish behind a QoS 1 one whose commit is slow does not overtake it', async (t) => {
  const { broker, port } = await startBroker(t)
  await offlineSubscriber(t, port, 'slow/#')
  const clean = await TestClient.connect(t, port)
  await clean.subscribe('slow/#', 1)
  const publisher = await RawMqtt.connect(t, port, { clientId: 'publisher' })
  const { begun, release } = holdWrites(t, broker.chain.database)
  publisher.write(publishPacket({ topic: 'slow/1', payload: 'x', qos: 1, packetId: 1 }))
  await begun
  publisher.write(publishPacket({ topic: 'slow/0', payload: 'x' }))
  publisher.write(publishPacket({ topic: 'slow/2', payload: 'x', qos: 1, packetId: 2 }))
  publisher.write(pingPacket)
  await publisher.next('pingresp')
  await turns()
  assert.deepEqual(clean.received, [], 'nothing is delivered before its record is on disk')
  release()
  await clean.waitFor(3)
  const order = ['slow/1', 'slow/0', 'slow/2']
  assert.deepEqual(
    clean.received.map(({ topic }) => topic),
    order,
  )
  const resumed = await resume(t, port)
  await resumed.waitFor(2)
  assert.deepEqual(
    resumed.received.map(({ topic }) => topic),
    ['slow/1', 'slow/2'],
    'what is published with QoS 0 is not queued',
  )
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
