import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spawnBroker } from '../helpers/broker.ts'
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
      // What was acknowledged is queued on disk, whatever happens now.
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
  for (let run = 0; run < 3; run++) {
    const broker = await spawnBroker(t, { location })
    if (run === 0) await offlineSubscriber(t, broker.port, 'order')
    await publishNumbers(broker.port, 'order', run * 20, run * 20 + 20)
    await broker.stop()
  }
  const broker = await spawnBroker(t, { location })
  const resumed = await resume(t, broker.port)
  await resumed.waitFor(60)
  assert.deepEqual(texts(resumed), numbered(0, 60))
})

test('beyond max_queued_messages nothing is queued for who is away, until there is room again', async (t) => {
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
