import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startBroker } from '../helpers/broker.ts'
import { acknowledgementBytes, persistent, publishBytes } from '../helpers/conformance/build.ts'
import { messagesUntilNow, texts } from '../helpers/conformance/expectations.ts'
import { type Property, valuesOf } from '../helpers/conformance/properties.ts'
import { holdWrites } from '../helpers/held-writes.ts'
import { keysDirectory } from '../helpers/key-files.ts'
import { numberedKey } from '../helpers/keys.ts'
import { Signer } from '../helpers/signing.ts'
import { Device, messages } from './device.ts'
import { connected, newClientId, versions } from './support.ts'

// engine.md section 4, one test for each row that concerns clients.

const notAuthorized = 0x87
const noMatchingSubscribers = 0x10
const device = numberedKey(48)

for (const { name, level } of versions) {
  test(`a refused publish is acknowledged to MQTT 3.1.1 and told 0x87 to MQTT 5, and the connection stays (${name}, "authorizePublish error")`, async (t) => {
    const { port } = await startBroker(t, { protect: [{ filter: 'signed/#', signed: true }] })
    const subscriber = await connected(t, port, level)
    await subscriber.subscribe([['#', 2]])
    const peer = await connected(t, port, level)
    for (const qos of [0, 1, 2] as const) {
      const expected = level === 5 && qos > 0 ? notAuthorized : 0
      assert.equal(await peer.publish({ topic: 'signed/x', payload: 'unsigned', qos }), expected)
    }
    // A refusal ends the QoS 2 exchange: the same packet id is free. [MQTT-5.0 4.3.3-9]
    assert.equal(await peer.publish({ topic: 'open', payload: 'open', qos: 2, packetId: 2 }), 0)
    assert.deepEqual(texts(await messagesUntilNow(peer, subscriber)), ['open'])
  })

  test(`acknowledgements come in the order of the publishes, though signatures take their time (${name}, "order", "concurrency")`, async (t) => {
    const { port } = await startBroker(t, { keysDirectory: keysDirectory(t, { device }), maxInflightMessages: 400 })
    const subscriber = await connected(t, port, level)
    await subscriber.subscribe([['order', 0]])
    const peer = await connected(t, port, level)
    const signer = new Signer(device)
    const packets = Array.from({ length: 300 }, (_, i) => {
      const payload = i % 3 === 0 ? signer.sign('order', `${i}`) : `${i}`
      return publishBytes(level, { topic: 'order', payload, qos: 1, packetId: i + 1 })
    })
    peer.write(...packets)
    for (let i = 0; i < 300; i++) assert.equal((await peer.next('puback')).packetId, i + 1)
    for (let i = 0; i < 300; i++) {
      const { payload } = await subscriber.next('publish')
      assert.ok(payload.includes(`${i}`), `message ${i}`)
    }
  })

  for (const qos of [1, 2] as const) {
    test(`nothing is acknowledged or delivered before it is on disk (${name}, QoS ${qos}, "PUBACK")`, async (t) => {
      const { broker, port } = await startBroker(t)
      const subscriber = await connected(t, port, level)
      await subscriber.subscribe([['held', 2]])
      const peer = await connected(t, port, level)
      const { begun, release } = holdWrites(t, broker.chain.database)
      peer.write(publishBytes(level, { topic: 'held', payload: 'x', qos, packetId: 5 }))
      await begun
      for (const client of [peer, subscriber]) {
        await client.ping()
        assert.deepEqual(client.takeAll(), [])
      }
      release()
      assert.equal((await peer.next(qos === 1 ? 'puback' : 'pubrec')).packetId, 5)
      assert.equal((await subscriber.receive()).payload.toString(), 'x')
    })
  }

  test(`a QoS 2 retransmission is recorded and delivered once, before and after its PUBREC, and on a new connection (${name}, "QoS 2")`, async (t) => {
    const { broker, port } = await startBroker(t)
    const subscriber = await connected(t, port, level)
    await subscriber.subscribe([['again', 2]])
    const clientId = newClientId()
    const fields = { clientId, ...persistent(level, 3600) }
    const bytes = (dup: boolean) => publishBytes(level, { topic: 'again', payload: 'x', qos: 2, packetId: 7, dup })
    const { size } = broker.chain.state.frontier
    const first = await connected(t, port, level, fields)
    first.write(bytes(false), bytes(true))
    await first.next('pubrec')
    first.write(bytes(true))
    await first.next('pubrec')
    await first.vanish()
    const second = await connected(t, port, level, fields)
    second.write(bytes(true))
    await second.next('pubrec')
    second.write(acknowledgementBytes('pubrel', 7))
    await second.next('pubcomp')
    assert.equal(broker.chain.state.frontier.size, size + 1)
    second.write(publishBytes(level, { topic: 'again', payload: 'another', qos: 2, packetId: 7 }))
    await second.next('pubrec')
    assert.deepEqual(texts(await messagesUntilNow(second, subscriber)), ['x', 'another'])
  })

  test(`of a granted QoS and the QoS of the publish the lower one counts, with wildcards, live, queued and retained (${name}, "granted QoS")`, async (t) => {
    const { port } = await startBroker(t)
    const publisher = await connected(t, port, level)
    for (const granted of [0, 1, 2] as const) {
      for (const filter of ['granted/#', 'granted/+', 'granted/x']) {
        const clientId = newClientId()
        const fields = { clientId, ...persistent(level, 3600) }
        const live = await connected(t, port, level, fields)
        await live.subscribe([[filter, granted]])
        for (const qos of [0, 1, 2] as const) await publisher.publish({ topic: 'granted/x', payload: `${qos}`, qos })
        for (const qos of [0, 1, 2] as const) {
          const message = await live.receive()
          assert.deepEqual([message.payload.toString(), message.qos], [`${qos}`, Math.min(qos, granted)], filter)
        }
        await live.disconnect()
        for (const qos of [1, 2] as const) await publisher.publish({ topic: 'granted/x', payload: `${qos}`, qos })
        const queued = await connected(t, port, level, fields)
        for (const qos of granted === 0 ? [] : ([1, 2] as const)) {
          const message = await queued.receive()
          assert.deepEqual([message.payload.toString(), message.qos], [`${qos}`, Math.min(qos, granted)], filter)
        }
        await queued.disconnect()
        await publisher.publish({ topic: 'granted/x', payload: 'retained', qos: 2, retain: true })
        const late = await connected(t, port, level)
        await late.subscribe([[filter, granted]])
        const retained = await late.receive()
        assert.deepEqual([retained.payload.toString(), retained.qos, retained.retain], ['retained', granted, true])
        await publisher.publish({ topic: 'granted/x', payload: '', qos: 1, retain: true })
      }
    }
  })

  test(`with overlapping filters the highest granted QoS counts, in any order (${name}, "granted QoS")`, async (t) => {
    const { port } = await startBroker(t)
    const publisher = await connected(t, port, level)
    const filters = [
      ['over/#', 0],
      ['over/x', 1],
      ['over/+', 2],
    ] as const
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 2, 0],
    ]) {
      const subscriber = await connected(t, port, level)
      for (const at of order) await subscriber.subscribe([filters[at] as (typeof filters)[number]])
      for (const qos of [0, 1, 2] as const) {
        await publisher.publish({ topic: 'over/x', payload: `${qos}`, qos })
        assert.equal((await subscriber.receive()).qos, qos)
      }
      await subscriber.disconnect()
    }
  })

  test(`messages of a queue come before new ones, and a retained one is not lost with its connection (${name}, "also missing")`, async (t) => {
    const { port } = await startBroker(t)
    const clientId = newClientId()
    const fields = { clientId, ...persistent(level, 3600) }
    const publisher = await connected(t, port, level)
    await publisher.publish({ topic: 'kept/r', payload: 'retained', qos: 1, retain: true })
    const first = await connected(t, port, level, fields)
    await first.subscribe([['kept/#', 1]])
    await first.next('publish')
    await first.vanish()
    for (let i = 0; i < 50; i++) await publisher.publish({ topic: 'kept/q', payload: `${i}`, qos: 1 })
    const resumed = connected(t, port, level, fields)
    for (let i = 50; i < 100; i++) await publisher.publish({ topic: 'kept/q', payload: `${i}`, qos: 1 })
    const got = texts(await messagesUntilNow(publisher, await resumed, 1))
    assert.deepEqual(got, ['retained', ...Array.from({ length: 100 }, (_, i) => `${i}`)])
  })
}

test('PUBACK says 0x10 when nobody subscribes, and 0 when somebody does ("success, v5")', async (t) => {
  const { port } = await startBroker(t)
  const peer = await connected(t, port, 5)
  assert.equal(await peer.publish({ topic: 'alone', qos: 1 }), noMatchingSubscribers)
  await peer.subscribe([['alone', 0]])
  assert.equal(await peer.publish({ topic: 'alone', qos: 1 }), 0)
})

test('user properties keep their order and their repetitions, live, retained and queued ("user properties")', async (t) => {
  const { port } = await startBroker(t)
  const pairs = [
    ['b', '1'],
    ['a', '2'],
    ['b', '3'],
    ['__proto__', '4'],
    ['', ''],
    ['constructor', '5'],
    ['a', '2'],
  ] as const
  const properties: Property[] = pairs.map((pair) => ['userProperty', pair])
  const fields = { clientId: newClientId(), ...persistent(5, 3600) }
  const queued = await connected(t, port, 5, fields)
  await queued.subscribe([['user', 1]])
  await queued.disconnect()
  const live = await connected(t, port, 5)
  await live.subscribe([['user', 1]])
  const publisher = await connected(t, port, 5)
  await publisher.publish({ topic: 'user', payload: 'x', qos: 1, retain: true, properties })
  const late = await connected(t, port, 5)
  await late.subscribe([['user', 1]])
  for (const client of [live, late, await connected(t, port, 5, fields)]) {
    const message = await client.receive()
    assert.deepEqual(valuesOf(message.properties, 'userProperty'), pairs)
  }
})

test('packet ids of what is sent are never given twice while one is open, also when they wrap ("first packet id")', async (t) => {
  const { port } = await startBroker(t, { maxInflightMessages: 0, maxQueuedMessages: 0 })
  const subscriber = await connected(t, port, 5)
  await subscriber.subscribe([['wrap', 1]])
  const publisher = await connected(t, port, 5)
  await publisher.publish({ topic: 'wrap', payload: 'kept open', qos: 1 })
  const open = await subscriber.next('publish')
  const many = new Device(messages('', 70_000, { topic: 'wrap', qos: 1 }), { clientId: 'many', level: 4, window: 500 })
  const finished = many.run(port)
  for (let i = 0; i < 65_534; i++) {
    const { packetId, payload } = await subscriber.next('publish')
    assert.notEqual(packetId, open.packetId)
    assert.equal(payload.toString(), `${i}`)
    subscriber.write(acknowledgementBytes('puback', packetId))
  }
  subscriber.write(acknowledgementBytes('puback', open.packetId))
  for (let i = 65_534; i < 70_000; i++) {
    const { packetId, payload } = await subscriber.next('publish')
    assert.equal(payload.toString(), `${i}`)
    subscriber.write(acknowledgementBytes('puback', packetId))
  }
  assert.equal(await finished, 'complete')
})

test('a check that throws refuses its publish, and the process and the connection stay (engine row 10)', async (t) => {
  const { broker, port } = await startBroker(t, {
    log: { destinations: [{ kind: 'stderr' }], types: ['none'], timestamps: true },
  })
  const signer = new Signer(device)
  const peer = await connected(t, port, 5)
  const { registry } = broker.chain
  Object.assign(registry, {
    resolve: () => {
      throw new Error('a bug')
    },
  })
  assert.equal(await peer.publish({ topic: 'throws', payload: signer.sign('throws', 'x'), qos: 1 }), notAuthorized)
  assert.equal(await peer.publish({ topic: 'throws', payload: signer.sign('throws', 'x'), qos: 2 }), notAuthorized)
  assert.equal(await peer.publish({ topic: 'throws', payload: 'unsigned', qos: 1 }), noMatchingSubscribers)
  assert.equal(broker.counters.refused['hook-failed'], 2)
})
