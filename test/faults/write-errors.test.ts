import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { countPayloads } from '../helpers/stored-chain.ts'
import { Device, messages } from './device.ts'
import { type FaultPlan, type FaultyBroker, startFaultyBroker } from './faulty-broker.ts'
import { assertFirstInOrder, assertKept, assertQos2Once, assertVerifies, countOf, hasAll } from './ledger.ts'
import { Subscriber } from './subscriber.ts'

// A write that fails leaves open whether it was written (design 11). Under load, with publishers that come back and send
// again as MQTT demands, nothing may be acknowledged that is not there, and no QoS 2 message may be there twice; and it
// has to go on by itself.

const plans: readonly { readonly name: string; readonly plan: Omit<FaultPlan, 'skip'> }[] = [
  { name: 'one write is not stored', plan: { failures: ['not stored'], failingOpens: 0 } },
  {
    name: 'one write is stored but reported failed',
    plan: { failures: ['stored but reported failed'], failingOpens: 0 },
  },
  {
    name: 'three writes fail in a row, and two attempts to open the store again',
    plan: { failures: ['not stored', 'not stored', 'stored but reported failed'], failingOpens: 2 },
  },
  {
    name: 'a write is stored but reported failed, and the store does not open twice',
    plan: { failures: ['stored but reported failed'], failingOpens: 2 },
  },
]

const perDevice = 600

function devices(): Device[] {
  return ([4, 5] as const).flatMap((level) =>
    ([1, 2] as const).map((qos) => {
      const clientId = `device-v${level}-q${qos}`
      return new Device(messages(`${clientId} `, perDevice, { topic: `fault/${clientId}`, qos }), {
        clientId,
        level,
        window: 40,
      })
    }),
  )
}

interface Setting {
  readonly broker: FaultyBroker
  readonly online: Subscriber
  readonly offline: Subscriber
}

async function start(t: TestContext): Promise<Setting> {
  const broker = await startFaultyBroker(t)
  const online = new Subscriber(t, { clientId: 'online', level: 5, filters: [['fault/#', 2]] })
  const offline = new Subscriber(t, { clientId: 'offline', level: 4, filters: [['fault/#', 2]] })
  await offline.start(broker.port)
  await offline.stop()
  await online.start(broker.port)
  return { broker, online, offline }
}

for (const { name, plan } of plans) {
  for (const skip of [3, 17]) {
    test(`when ${name}, nothing acknowledged is lost, QoS 2 is there once, and it goes on without a restart (after ${skip} writes)`, async (t) => {
      const { broker, online, offline } = await start(t)
      const publishers = devices()
      await broker.arm({ skip, ...plan })
      await Promise.all(publishers.map((device) => device.finish(broker.port)))
      await broker.logged(/injected write error/)
      await broker.logged(/takes writes again/)
      assert.ok(
        publishers.some(({ connections }) => connections > 1),
        'some had something on the way',
      )
      for (const device of publishers) {
        assert.deepEqual([device.isComplete, device.refusals.size, device.sessionsLost], [true, 0, 0])
        for (const code of device.disconnects) assert.equal(code, 0x83)
        for (const code of device.refusedConnects) assert.ok(code === 3 || code === 0x88, `CONNACK ${code}`)
      }
      const all = publishers.flatMap(({ acknowledged }) => acknowledged)
      const texts = all.map(({ text }) => text)
      await hasAll(online, texts, 'the online subscriber')
      await offline.start(broker.port)
      await hasAll(offline, texts, 'the offline subscriber')
      assert.deepEqual([online.connections, online.sessionsLost], [1, 0], 'who only listens is not disturbed')

      const after = new Device(messages('after ', 20, { topic: 'fault/after', qos: 2 }), {
        clientId: 'after',
        level: 5,
        window: 10,
      })
      assert.equal(await after.run(broker.port), 'complete')
      for (const subscriber of [online, offline]) await hasAll(subscriber, ['after 19'], 'what came after it')
      assert.equal(await broker.stop(), 0)

      const chain = await countPayloads(broker.location, 'fault/')
      assertKept(all, chain, 'the chain')
      for (const [who, subscriber] of [['online', online] as const, ['offline', offline] as const]) {
        const counts = countOf(subscriber.texts)
        assertQos2Once(all, counts, who)
        assert.deepEqual([...counts].sort(), [...chain].sort(), `${who}: everything recorded, as often as recorded`)
        for (const device of publishers) assertFirstInOrder(device, subscriber.texts, who)
      }
      await assertVerifies(broker.location)
    })
  }
}
