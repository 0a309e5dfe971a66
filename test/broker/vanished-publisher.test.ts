import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { TestAdmin } from '../helpers/admin.ts'
import { type RunningBroker, startBroker } from '../helpers/broker.ts'
import { holdWrites } from '../helpers/held-writes.ts'
import { type MqttVersion, pingPacket, publishPacket } from '../helpers/mqtt-bytes.ts'
import { TestClient } from '../helpers/mqtt-clients.ts'
import { SeededRandom } from '../helpers/random.ts'
import { RawMqtt } from '../helpers/raw-mqtt.ts'

// Whatever is recorded is delivered, also when its publisher is gone by the time its block is on disk.

async function subscriberOf(t: TestContext, { port }: RunningBroker): Promise<TestClient> {
  const subscriber = await TestClient.connect(t, port)
  assert.equal(await subscriber.subscribe('vanish/#', 1), 1)
  return subscriber
}

for (const version of [4, 5] as const) {
  for (const qos of [0, 1, 2] as const) {
    test(`a QoS ${qos} publish whose publisher is reset while it is written reaches a subscriber (version ${version})`, async (t) => {
      const running = await startBroker(t)
      const subscriber = await subscriberOf(t, running)
      const publisher = await RawMqtt.connect(t, running.port, { clientId: 'publisher', version })
      const witness = await RawMqtt.connect(t, running.port, { clientId: 'witness' })
      const { begun, release } = holdWrites(t, running.broker.chain.database)
      const payloads = ['one', 'two', 'three']
      publisher.write(
        ...payloads.map((payload, i) => publishPacket({ topic: 'vanish/1', payload, qos, packetId: i + 1, version })),
      )
      await begun
      publisher.reset()
      await publisher.closed
      // The broker has heard of the reset when it answers what was sent on another connection after it.
      for (let i = 0; i < 3; i++) {
        witness.write(pingPacket)
        await witness.next('pingresp')
      }
      release()
      const got = await subscriber.waitFor(payloads.length)
      assert.deepEqual(
        got.map(({ payload }) => payload.toString()),
        payloads,
      )
      const admin = await TestAdmin.connect(t, running.port)
      assert.equal((await admin.publishes({ topic: 'vanish/#' })).length, payloads.length)
    })
  }
}

test('of 40 publishers that are reset at any moment, everything that was recorded is delivered once and in order', async (t) => {
  const running = await startBroker(t)
  const subscriber = await subscriberOf(t, running)
  const random = new SeededRandom(7)
  for (let i = 0; i < 40; i++) {
    const version = random.pick<MqttVersion>([4, 5])
    const publisher = await RawMqtt.connect(t, running.port, { clientId: `publisher-${i}`, version })
    // As many as a client may have unacknowledged. [MQTT-5.0 3.3.4-9]
    const packets = Array.from({ length: 20 }, (_, n) =>
      publishPacket({ topic: `vanish/${i}`, payload: `${n}`, qos: 1, packetId: n + 1, version }),
    )
    publisher.write(...packets)
    const waits = random.below(4)
    for (let wait = 0; wait < waits; wait++) await new Promise((resolve) => setImmediate(resolve))
    if (waits === 3) await publisher.next('puback')
    publisher.reset()
  }
  const last = await TestClient.connect(t, running.port)
  assert.equal(await last.publish('vanish/end', 'end'), 0)
  await subscriber.waitFor(1, ({ topic }) => topic === 'vanish/end')
  const admin = await TestAdmin.connect(t, running.port)
  const records = await admin.publishes({ topic: 'vanish/#', include: ['payload'] })
  const recorded = records.map(({ topic, payload }) => `${topic} ${Buffer.from(payload ?? '', 'base64url')}`)
  // Publishes of vanished clients may still be on their way when the last one arrives.
  const delivered = await subscriber.waitFor(recorded.length)
  const of = (lines: readonly string[], i: number) => lines.filter((line) => line.startsWith(`vanish/${i} `))
  const received = delivered.map(({ topic, payload }) => `${topic} ${payload}`)
  for (let i = 0; i < 40; i++) assert.deepEqual(of(received, i), of(recorded, i), `publisher ${i}`)
  assert.equal(received.length, recorded.length)
  assert.ok(recorded.length > 1, 'some were recorded')
})
