import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { spawnBroker, startBroker } from '../helpers/broker.ts'
import { publishPacket } from '../helpers/mqtt-bytes.ts'
import { mqttVersions, TestClient } from '../helpers/mqtt-clients.ts'
import { numbered, offlineSubscriber, publishNumbers, resume, texts } from '../helpers/persistent-sessions.ts'
import { RawMqtt } from '../helpers/raw-mqtt.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

/** A session that outlives its connection, in any version. */
function persistent(clientId: string, version: (typeof mqttVersions)[number]['version']) {
  const properties = version.protocolVersion === 5 ? { properties: { sessionExpiryInterval: 3600 } } : undefined
  return { clientId, clean: false, ...version, ...properties }
}

/** Leaves behind a session that is away with messages, a retained message, and one that was cleared. */
async function leave(t: TestContext, port: number, { name, version }: (typeof mqttVersions)[number]): Promise<void> {
  const session = await TestClient.connect(t, port, persistent(name, version))
  assert.equal(await session.subscribe(`${name}/kept/#`, 1), 1)
  assert.equal(await session.subscribe(`${name}/gone/#`, 1), 1)
  await session.mqtt.unsubscribeAsync(`${name}/gone/#`)
  await session.end()
  const publisher = await TestClient.connect(t, port, version)
  await publisher.publish(`${name}/kept/retained`, 'r', { qos: 1, retain: true })
  await publisher.publish(`${name}/kept/cleared`, 'r', { qos: 1, retain: true })
  await publisher.publish(`${name}/kept/cleared`, '', { qos: 1, retain: true })
  for (const payload of ['1', '2', '3']) await publisher.publish(`${name}/kept/queued`, payload)
  await publisher.publish(`${name}/gone/queued`, 'x')
}

async function assertLeft(t: TestContext, port: number, { name, version }: (typeof mqttVersions)[number]) {
  const resumed = await TestClient.connect(t, port, persistent(name, version))
  await resumed.waitFor(6)
  assert.deepEqual(texts(resumed).slice(-3), ['1', '2', '3'])
  const late = await TestClient.connect(t, port, version)
  await late.subscribe(`${name}/kept/#`, 1)
  const [retained] = await late.waitFor(1)
  assert.deepEqual([retained?.topic, retained?.retain], [`${name}/kept/retained`, true])
  await late.publish(`${name}/kept/live`, 'live')
  await resumed.waitFor(1, ({ topic }) => topic === `${name}/kept/live`)
  const topics = ({ received }: TestClient) => received.map(({ topic }) => topic)
  assert.deepEqual(topics(late), [`${name}/kept/retained`, `${name}/kept/live`])
  assert.deepEqual(
    topics(resumed).filter((topic) => !topic.startsWith(`${name}/kept`)),
    [],
  )
}

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`retained messages, queues and subscriptions survive ${signal} and a new start`, async (t) => {
    const location = temporaryDirectory(t)
    const first = await spawnBroker(t, { location })
    for (const version of mqttVersions) await leave(t, first.port, version)
    // What was acknowledged is queued on disk, whatever happens now.
    await first.stop(signal)
    const second = await spawnBroker(t, { location })
    for (const version of mqttVersions) {
      await t.test(version.name, (one) => assertLeft(one, second.port, version))
    }
  })
}

test('a queue is replayed in the order of the publishes, also when they came to several runs of the broker', async (t) => {
  const location = temporaryDirectory(t)
  for (let run = 0; run < 3; run++) {
    const { broker, port } = await startBroker(t, { location })
    if (run === 0) await offlineSubscriber(t, port, 'order')
    await publishNumbers(port, 'order', run * 20, run * 20 + 20)
    await broker.close()
  }
  const broker = await startBroker(t, { location })
  const resumed = await resume(t, broker.port)
  await resumed.waitFor(60)
  assert.deepEqual(texts(resumed), numbered(0, 60))
})

test('beyond max_queued_messages nothing is queued for who is away, until there is room again', async (t) => {
  const options = { location: temporaryDirectory(t), maxQueuedMessages: 10, maxInflightMessages: 5 }
  const first = await startBroker(t, options)
  await offlineSubscriber(t, first.port, 'limit')
  await offlineSubscriber(t, first.port, 'other', 'other')
  await publishNumbers(first.port, 'limit', 0, 50)
  await publishNumbers(first.port, 'other', 0, 3)
  await first.broker.close()
  // What is queued is counted again after a restart.
  const second = await startBroker(t, options)
  await publishNumbers(second.port, 'limit', 50, 60)
  const resumed = await resume(t, second.port)
  await resumed.waitFor(10)
  await publishNumbers(second.port, 'limit', 100, 103)
  await resumed.waitFor(13)
  assert.deepEqual(texts(resumed), [...numbered(0, 10), ...numbered(100, 103)])
  await resumed.end()
  await publishNumbers(second.port, 'limit', 200, 230)
  const again = await resume(t, second.port)
  await again.waitFor(10)
  await publishNumbers(second.port, 'limit', 300, 301)
  await again.waitFor(11)
  assert.deepEqual(texts(again), [...numbered(200, 210), '300'])
  const other = await resume(t, second.port, 'other')
  await other.waitFor(3)
})

test('a clean start forgets subscriptions, queue and open QoS 2 exchanges', async (t) => {
  const broker = await startBroker(t)
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
