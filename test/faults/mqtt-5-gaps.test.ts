import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startBroker } from '../helpers/broker.ts'
import { acknowledgementBytes, persistent } from '../helpers/conformance/build.ts'
import { messagesUntilNow, texts } from '../helpers/conformance/expectations.ts'
import { valuesOf } from '../helpers/conformance/properties.ts'
import { connected, newClientId, openPeer, versions } from './support.ts'

// engine.md section 7, one test for each row that `protocol-holes.test.ts` and `sessions-on-disk.test.ts` do not have.
// Whatever a client gets here is read strictly: a packet that no server may send fails its test.

test('a will with a delay reaches its subscribers without the Will Delay Interval ("Will Delay Interval is forwarded")', async (t) => {
  const { port } = await startBroker(t)
  const subscriber = await connected(t, port, 5)
  await subscriber.subscribe([['will', 1]])
  const properties = [['willDelayInterval', 1]] as const
  const dying = await connected(t, port, 5, {
    properties: [['sessionExpiryInterval', 60]],
    will: { topic: 'will', payload: 'bye', qos: 1, properties },
  })
  await dying.vanish()
  const will = await subscriber.receive()
  assert.deepEqual([will.payload.toString(), will.properties], ['bye', []])
})

test("a client's Receive Maximum holds for QoS 1 and 2 together, and what is held comes when there is room", async (t) => {
  const { port } = await startBroker(t)
  const subscriber = await connected(t, port, 5, { properties: [['receiveMaximum', 5]] })
  await subscriber.subscribe([['max', 2]])
  const publisher = await connected(t, port, 5)
  await publisher.publishAll(
    Array.from({ length: 60 }, (_, i) => ({ topic: 'max', payload: `${i}`, qos: 1 + (i % 2) })),
  )
  const got: string[] = []
  while (got.length < 60) {
    const open = []
    for (let i = 0; i < 5; i++) open.push(await subscriber.next('publish'))
    await subscriber.ping()
    assert.deepEqual(subscriber.takeAll(), [], 'no sixth while five are open')
    for (const message of open) await subscriber.acknowledge(message)
    got.push(...texts(open))
  }
  assert.deepEqual(
    got.toSorted((a, b) => Number(a) - Number(b)),
    Array.from({ length: 60 }, (_, i) => `${i}`),
  )
})

test("a publish above a client's Maximum Packet Size is dropped as if delivered, live, queued and retained", async (t) => {
  const { port } = await startBroker(t)
  const fields = {
    clientId: newClientId(),
    clean: false,
    properties: [
      ['sessionExpiryInterval', 60],
      ['maximumPacketSize', 200],
    ],
  } as const
  const publisher = await connected(t, port, 5)
  const small = (payload: string) => publisher.publish({ topic: 'size', payload, qos: 1 })
  const large = (retain: boolean) => publisher.publish({ topic: 'size', payload: Buffer.alloc(200), qos: 2, retain })
  await large(true)
  const first = await connected(t, port, 5, fields)
  await first.subscribe([['size', 2]])
  for (let i = 0; i < 30; i++) await large(false)
  await small('live')
  assert.equal((await first.receive()).payload.toString(), 'live')
  await first.disconnect()
  for (let i = 0; i < 30; i++) await large(false)
  await small('queued')
  const second = await connected(t, port, 5, fields)
  assert.deepEqual(texts(await messagesUntilNow(publisher, second)), ['queued'])
})

for (const { name, level } of versions) {
  test(`a shared subscription gives each message to one member, and what a leaving member left to another (${name})`, async (t) => {
    const { port } = await startBroker(t)
    const publisher = await connected(t, port, level)
    const members = [await connected(t, port, level), await connected(t, port, level)] as const
    for (const member of members) assert.deepEqual(await member.subscribe([['$share/g/job/#', 1]]), [1])
    const jobs = Array.from({ length: 20 }, (_, i) => `${i}`)
    for (const payload of jobs) await publisher.publish({ topic: 'job/x', payload, qos: 1 })
    const [first, second] = members
    const kept: string[] = []
    for (let i = 0; i < 10; i++) {
      kept.push((await second.receive()).payload.toString())
      await first.next('publish')
    }
    // Acknowledged nothing, and its session ends with its connection.
    await first.vanish()
    for (let i = 0; i < 10; i++) kept.push((await second.receive()).payload.toString())
    assert.deepEqual(
      kept.toSorted((a, b) => Number(a) - Number(b)),
      jobs,
    )
    await second.unsubscribe('$share/g/job/#')
    await publisher.publish({ topic: 'job/x', payload: 'nobody', qos: 1 })
    assert.deepEqual(await messagesUntilNow(publisher, second), [])
  })

  test(`an offline member of a shared subscription gets only what nobody online could take (${name})`, async (t) => {
    const { port } = await startBroker(t)
    const publisher = await connected(t, port, level)
    const fields = { clientId: newClientId(), ...persistent(level, 3600) }
    const away = await connected(t, port, level, fields)
    await away.subscribe([['$share/g/job', 1]])
    await away.disconnect()
    const online = await connected(t, port, level)
    await online.subscribe([['$share/g/job', 1]])
    for (const payload of ['1', '2', '3']) await publisher.publish({ topic: 'job', payload, qos: 1 })
    assert.deepEqual(texts(await messagesUntilNow(publisher, online)), ['1', '2', '3'])
    await online.disconnect()
    await publisher.publish({ topic: 'job', payload: '4', qos: 1 })
    const back = await connected(t, port, level, fields)
    assert.deepEqual(texts(await messagesUntilNow(publisher, back)), ['4'])
  })
}

test('the second connection of a client takes the session over, the first is told 0x8E, and its will is sent', async (t) => {
  const { port } = await startBroker(t)
  const subscriber = await connected(t, port, 5)
  await subscriber.subscribe([['will', 1]])
  const clientId = newClientId()
  const first = await connected(t, port, 5, { clientId, will: { topic: 'will', payload: 'taken over' } })
  await connected(t, port, 5, { clientId })
  assert.equal((await first.next('disconnect')).reasonCode, 0x8e)
  await first.closed()
  assert.equal((await subscriber.receive()).payload.toString(), 'taken over')
})

test('clients of MQTT 5 are told 0x8B when the broker ends, though their queue is being sent', async (t) => {
  const { broker, port } = await startBroker(t)
  const fields = { clientId: newClientId(), ...persistent(5, 3600) }
  const away = await connected(t, port, 5, fields)
  await away.subscribe([['end', 1]])
  await away.disconnect()
  const publisher = await connected(t, port, 5)
  for (let i = 0; i < 100; i++) await publisher.publish({ topic: 'end', payload: Buffer.alloc(2000), qos: 1 })
  const peer = await connected(t, port, 5, fields)
  const message = await peer.next('publish')
  peer.write(acknowledgementBytes('puback', message.packetId))
  await broker.close()
  assert.equal((await peer.next('disconnect')).reasonCode, 0x8b)
  assert.equal((await publisher.next('disconnect')).reasonCode, 0x8b)
})

test('enhanced authentication is refused with 0x8C', async (t) => {
  const { port } = await startBroker(t)
  const peer = await openPeer(t, port, 5)
  const connack = await peer.connect({ properties: [['authenticationMethod', 'SCRAM-SHA-1']] })
  assert.equal(connack.reasonCode, 0x8c)
  await peer.closed()
})

test('a CONNACK says nothing false of what the broker can do ("CONNACK byte 2A 00")', async (t) => {
  const { port } = await startBroker(t)
  const peer = await openPeer(t, port, 5)
  const { properties } = await peer.connect()
  for (const name of [
    'sharedSubscriptionAvailable',
    'wildcardSubscriptionAvailable',
    'retainAvailable',
    'maximumQos',
  ] as const)
    assert.deepEqual(valuesOf(properties, name), [])
})
