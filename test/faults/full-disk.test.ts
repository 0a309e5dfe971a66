import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { publishBytes } from '../helpers/conformance/build.ts'
import { countPayloads } from '../helpers/stored-chain.ts'
import { Device, messages } from './device.ts'
import { startFaultyBroker } from './faulty-broker.ts'
import { assertKept, assertQos2Once, assertVerifies, countOf, hasAll } from './ledger.ts'
import { type SmallDisk, smallDisk } from './small-disk.ts'
import { Subscriber } from './subscriber.ts'
import { openPeer } from './support.ts'

// A disk that really fills up, under the whole data directory.

const mebibyte = 1024 * 1024
const quotaExceeded = 0x97
const implementationSpecificError = 0x83
/** So that a few thousand messages are several megabytes. */
const padding = 'x'.repeat(2000)

/** QoS 1 and QoS 2 in both versions, each with enough to fill the disk together. */
function devices(count: number): Device[] {
  return ([4, 5] as const).flatMap((level) =>
    ([1, 2] as const).map((qos) => {
      const clientId = `device-v${level}-q${qos}`
      const wanted = messages(`${clientId} ${padding} `, count, { topic: `disk/${clientId}`, qos })
      return new Device(wanted, { clientId, level, window: 20 })
    }),
  )
}

async function disk(t: TestContext): Promise<{ disk: SmallDisk; location: string } | undefined> {
  const mounted = smallDisk(t, 24)
  return mounted === undefined ? undefined : { disk: mounted, location: join(mounted.path, 'data') }
}

test('below notary_min_free publishes are refused and say why, connections and sessions stay, and room means service', async (t) => {
  const small = await disk(t)
  if (small === undefined) return
  const broker = await startFaultyBroker(t, { location: small.location, minFreeBytes: 4 * mebibyte })
  const subscriber = new Subscriber(t, { clientId: 'subscriber', level: 5, filters: [['disk/#', 1]] })
  await subscriber.start(broker.port)
  const [v4, v5] = [await openPeer(t, broker.port, 4), await openPeer(t, broker.port, 5)]
  for (const peer of [v4, v5]) await peer.connect()
  assert.equal(await v5.publish({ topic: 'disk/1', payload: 'before', qos: 1 }), 0)

  small.disk.fill(2 * mebibyte)
  await broker.logged(/less than notary_min_free; publishes are refused/)
  for (const qos of [1, 2] as const) {
    assert.equal(await v5.publish({ topic: 'disk/1', payload: `refused v5 q${qos}`, qos }), quotaExceeded)
    assert.equal(await v4.publish({ topic: 'disk/1', payload: `refused v4 q${qos}`, qos }), 0)
  }
  v5.write(publishBytes(5, { topic: 'disk/1', payload: 'refused v5 q0' }))
  await v5.ping()
  await broker.logged(/(?:^.*Denied PUBLISH .*disk-full\n(?:.*\n)*?){5}/m)
  // Whatever needs no record goes on.
  assert.deepEqual(await v4.subscribe([['elsewhere', 1]]), [1])
  const newcomer = await openPeer(t, broker.port, 5)
  assert.equal((await newcomer.connect({ clean: false })).reasonCode, 0)

  small.disk.makeRoom()
  await broker.logged(/publishes are accepted again/)
  for (const peer of [v4, v5]) {
    assert.equal(await peer.publish({ topic: 'disk/1', payload: `after v${peer.level}`, qos: 1 }), 0)
    await peer.ping()
  }
  await hasAll(subscriber, ['after v4', 'after v5'], 'the subscriber')
  assert.deepEqual(subscriber.texts, ['before', 'after v4', 'after v5'])
  assert.equal(subscriber.connections, 1)
  assert.equal(await broker.stop(), 0)
  assert.deepEqual([...(await countPayloads(small.location, 'disk/')).keys()], [...subscriber.texts])
  await assertVerifies(small.location)
})

for (const afterwards of ['goes on without a restart', 'starts again after kill -9'] as const) {
  test(`when the disk is full to the last byte, nothing wrong is acknowledged, and with room it ${afterwards}`, async (t) => {
    const small = await disk(t)
    if (small === undefined) return
    let broker = await startFaultyBroker(t, { location: small.location, minFreeBytes: 0 })
    const online = new Subscriber(t, { clientId: 'online', level: 5, filters: [['disk/#', 2]] })
    await online.start(broker.port)
    const offline = new Subscriber(t, { clientId: 'offline', level: 4, filters: [['disk/#', 2]] })
    await offline.start(broker.port)
    await offline.stop()
    small.disk.fill(3 * mebibyte)
    const publishers = devices(600)
    let isRestarted = false
    const cutOff = () => afterwards === 'starts again after kill -9' && !isRestarted && broker.child.signalCode !== null
    const finished = Promise.all(publishers.map((device) => device.finish(broker.port, cutOff)))
    await broker.logged(/No space left on device/)
    await wait(300)
    assert.equal(broker.child.exitCode, null)
    for (const { disconnects } of publishers)
      assert.deepEqual(new Set(disconnects.filter((code) => code !== implementationSpecificError)), new Set())
    const acknowledgedWhenFull = publishers.flatMap(({ acknowledged }) => acknowledged)
    assert.ok(acknowledgedWhenFull.length > 0 && !publishers.every(({ isComplete }) => isComplete))

    if (afterwards === 'goes on without a restart') {
      small.disk.makeRoom()
      await broker.logged(/takes writes again/)
    } else {
      await broker.stop('SIGKILL')
      await finished
      small.disk.makeRoom()
      isRestarted = true
      await online.stop()
      broker = await startFaultyBroker(t, { location: small.location, minFreeBytes: 0 })
      await online.start(broker.port)
      for (const device of publishers) await device.finish(broker.port)
    }
    await finished
    const all = publishers.flatMap(({ acknowledged }) => acknowledged)
    // A MQTT 5 client may have been refused what it sent when it was known that there is no room.
    const refusals = publishers.flatMap((device) => [...device.refusals])
    for (const [, code] of refusals) assert.equal(code, quotaExceeded)
    assert.deepEqual(
      [all.length + refusals.length, publishers.map(({ sessionsLost }) => sessionsLost)],
      [2400, [0, 0, 0, 0]],
    )
    await offline.start(broker.port)
    for (const [who, subscriber] of [['online', online] as const, ['offline', offline] as const]) {
      await hasAll(
        subscriber,
        all.map(({ text }) => text),
        who,
      )
      assertQos2Once(all, countOf(subscriber.texts), who)
    }
    assert.equal(await broker.stop(), 0)
    const chain = await countPayloads(small.location, 'disk/')
    assertKept(all, chain, 'the chain')
    for (const [text] of refusals) assert.equal(chain.has(text), false, 'refused and recorded')
    await assertVerifies(small.location)
  })
}

test('a broker that cannot be started on a full disk says so, and starts when there is room', async (t) => {
  const small = await disk(t)
  if (small === undefined) return
  const first = await startFaultyBroker(t, { location: small.location, minFreeBytes: 0 })
  const device = new Device(messages('kept ', 50, { topic: 'disk/x', qos: 2 }), {
    clientId: 'device',
    level: 5,
    window: 10,
  })
  assert.equal(await device.run(first.port), 'complete')
  await first.stop('SIGKILL')
  small.disk.fill(0)
  await assert.rejects(startFaultyBroker(t, { location: small.location, minFreeBytes: 0 }), /ERR_STORE_FAILED/)
  small.disk.makeRoom()
  const again = await startFaultyBroker(t, { location: small.location, minFreeBytes: 0 })
  assert.equal(await again.stop(), 0)
  assertKept(device.acknowledged, await countPayloads(small.location, 'disk/'), 'the chain')
  await assertVerifies(small.location)
})
