import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { atEnd } from '../helpers/cleanup.ts'
import {
  acknowledgementBytes,
  connectBytes,
  persistent,
  publishBytes,
  subscribeBytes,
} from '../helpers/conformance/build.ts'
import { assertDisconnected, messagesUntilNow, texts } from '../helpers/conformance/expectations.ts'
import { valuesOf } from '../helpers/conformance/properties.ts'
import { memoryBytes } from '../helpers/memory.ts'
import { acknowledgement, connectPacket, publishPacket } from '../helpers/mqtt-bytes.ts'
import { startFaultyBroker } from './faulty-broker.ts'
import { assertUnharmed, attacked, connected, connectedWithAnswer, newClientId, openPeer, versions } from './support.ts'

// engine.md section 3, rows 6 to 8 and 13 to 14; `one-packet.test.ts` has the others.

const receiveMaximumExceeded = 0x93
const malformedPacket = 0x81
const topicNameInvalid = 0x90

test('a MQTT 5 client that opens more QoS 2 exchanges than the Receive Maximum is told 0x93 and closed (engine row 6)', async (t) => {
  const setting = await attacked(t, { maxInflightMessages: 20 })
  const { peer, connack } = await connectedWithAnswer(t, setting.port, 5, { clean: false })
  assert.deepEqual(valuesOf(connack.properties, 'receiveMaximum'), [20])
  const open = (packetId: number) => publishBytes(5, { topic: 'row/6', payload: `${packetId}`, qos: 2, packetId })
  peer.write(...Array.from({ length: 20 }, (_, i) => open(i + 1)))
  for (let i = 0; i < 20; i++) await peer.next('pubrec')
  await peer.ping()
  peer.write(open(21))
  await assertDisconnected(peer, receiveMaximumExceeded)
  await assertUnharmed(setting, 'too many open exchanges')
  assert.equal((await setting.bystander.recordsOf('row/6')).length, 20)
})

test('65,535 half-open QoS 2 exchanges of a 3.1.1 client, and then another, hold little memory (engine row 6)', async (t) => {
  const setting = await attacked(t)
  const before = memoryBytes(setting.broker.child)
  const payload = Buffer.alloc(1000, 'x')
  for (const [clientId, count] of [
    ['first', 65_535],
    ['second', 10_000],
  ] as const) {
    const socket = connect({ host: '127.0.0.1', port: setting.port, noDelay: true })
    atEnd(t, () => socket.destroy())
    let received = 0
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length
    })
    socket.write(connectPacket({ clientId, clean: false }))
    for (let packetId = 1; packetId <= count; packetId++) {
      if (!socket.write(publishPacket({ topic: 'row/6', payload, qos: 2, packetId }))) await once(socket, 'drain')
    }
    // CONNACK and a PUBREC each are four bytes.
    while (received < 4 * (count + 1)) await once(socket, 'data')
    assert.equal(received, 4 * (count + 1))
    socket.resetAndDestroy()
  }
  // What the exchanges hold, and not what verifying 75 MB of chain takes besides: that is part of the peak below.
  const grown = memoryBytes(setting.broker.child) - before
  await assertUnharmed(setting, '75,535 half-open exchanges')
  assert.ok(grown < 250 * 1024 * 1024, `${grown} bytes more than before`)
})

for (const { name, level } of versions) {
  test(`a QoS 2 exchange left open does not swallow a message of the same id after a clean start (${name}, engine row 7)`, async (t) => {
    const setting = await attacked(t)
    const clientId = newClientId('open')
    const subscriber = await connected(t, setting.port, level)
    await subscriber.subscribe([['row/7', 2]])
    for (const [payload, clean] of [
      ['first', false],
      ['second', true],
      ['third', true],
    ] as const) {
      const fields = { ...persistent(level, 3600), clean }
      const peer = await connected(t, setting.port, level, { clientId, ...fields })
      peer.write(publishBytes(level, { topic: 'row/7', payload, qos: 2, packetId: 7 }))
      await peer.next('pubrec')
      await peer.vanish()
    }
    const publisher = await connected(t, setting.port, level)
    assert.deepEqual(texts(await messagesUntilNow(publisher, subscriber)), ['first', 'second', 'third'])
    await assertUnharmed(setting, 'exchanges left open')
    assert.equal((await setting.bystander.recordsOf('row/7')).length, 3)
  })

  test(`strings with U+0000, invalid UTF-8 or surrogates end their connection (${name}, engine row 8)`, async (t) => {
    const setting = await attacked(t)
    const wrong: readonly (readonly [string, Uint8Array])[] = [
      ['U+0000', Buffer.from('row/8\0')],
      ['no UTF-8', Buffer.from([0x72, 0xff, 0xfe])],
      ['an overlong form', Buffer.from([0x72, 0xc0, 0xaf])],
      ['a lone surrogate', Buffer.from([0x72, 0xed, 0xa0, 0x80])],
      ['cut short', Buffer.from([0x72, 0xe2, 0x82])],
    ]
    for (const [what, text] of wrong) {
      for (const bytes of [
        publishBytes(level, { topic: text, qos: 1 }),
        subscribeBytes(level, 1, [[text, 1]]),
        ...(level === 5 ? [publishBytes(5, { topic: 'row/8', properties: [['contentType', text]] })] : []),
      ]) {
        const peer = await connected(t, setting.port, level)
        peer.write(bytes)
        await assertDisconnected(peer, malformedPacket, topicNameInvalid, 0x82)
      }
      const stranger = await openPeer(t, setting.port, level)
      stranger.write(connectBytes({ level, clientId: text }))
      const answer = await stranger.nextOrEnd('connack')
      assert.notEqual(answer?.reasonCode, 0, `client id with ${what}`)
      await stranger.closed()
    }
    await assertUnharmed(setting, 'strings that are none')
    assert.deepEqual(await setting.bystander.recordsOf('row/8'), [])
  })

  test(`a topic of 200 levels goes through, of 201 its sender is told 0x90 and closed (${name}, engine row 13)`, async (t) => {
    const setting = await attacked(t)
    const deep = (levels: number) => ['row', ...Array.from({ length: levels - 1 }, () => '13')].join('/')
    const peer = await connected(t, setting.port, level)
    await peer.subscribe([['row/#', 1]])
    assert.equal(await peer.publish({ topic: deep(200), payload: 'deep', qos: 1 }), 0)
    assert.equal((await peer.receive()).topicName, deep(200))
    peer.write(publishBytes(level, { topic: deep(201), qos: 1, packetId: 9 }))
    await assertDisconnected(peer, topicNameInvalid)
    await assertUnharmed(setting, '201 levels')
  })

  test(`a packet above the maximum size ends its connection, with 0x95 where it can be told (${name}, engine row 13)`, async (t) => {
    const setting = await attacked(t, { maxPacketSize: 1000 })
    const { peer, connack } = await connectedWithAnswer(t, setting.port, level)
    if (level === 5) assert.deepEqual(valuesOf(connack.properties, 'maximumPacketSize'), [1000])
    await peer.publish({ topic: 'row/13', payload: Buffer.alloc(900), qos: 1 })
    peer.write(publishBytes(level, { topic: 'row/13', payload: Buffer.alloc(1000), qos: 1, packetId: 2 }))
    await assertDisconnected(peer, 0x95)
    await assertUnharmed(setting, 'a large packet')
  })
}

for (const [what, alias, code] of [
  ['an unknown topic alias', 3, 0x82],
  ['a topic alias above the maximum', 11, 0x94],
] as const) {
  test(`${what} is told with ${code.toString(16)}, also to a client whose queue is being sent (engine row 13, section 7)`, async (t) => {
    const setting = await attacked(t)
    const { port } = setting
    const session = { clientId: newClientId(), ...persistent(5) }
    const first = await connected(t, port, 5, session)
    await first.subscribe([['row/13', 1]])
    await first.disconnect()
    const publisher = await connected(t, port, 5)
    for (let i = 0; i < 40; i++) await publisher.publish({ topic: 'row/13', payload: Buffer.alloc(5000), qos: 1 })
    for (const fields of [{}, session]) {
      const peer = await openPeer(t, port, 5, fields === session ? session.clientId : newClientId())
      const properties = [['topicAlias', alias]] as const
      // In one go, so that nothing of the queue is sent yet.
      peer.write(
        connectBytes({ level: 5, ...fields, clientId: peer.clientId }),
        publishBytes(5, { topic: '', qos: 1, packetId: 1, properties }),
      )
      await peer.next('connack')
      await assertDisconnected(peer, code)
    }
    await assertUnharmed(setting, what)
  })
}

test('with a limit for the keep alive MQTT 5 clients are told of it, and older ones, which cannot be, are let in (engine row 14)', async (t) => {
  const { port } = await startFaultyBroker(t, { maxKeepaliveSeconds: 30 })
  for (const [keepAliveSeconds, told] of [
    [0, [30]],
    [30, []],
    [31, [30]],
  ] as const) {
    const { connack } = await connectedWithAnswer(t, port, 5, { keepAliveSeconds })
    assert.deepEqual(valuesOf(connack.properties, 'serverKeepAlive'), told)
    const older = await openPeer(t, port, 4)
    assert.equal((await older.connect({ keepAliveSeconds })).reasonCode, 0)
  }
  const unlimited = await startFaultyBroker(t)
  for (const { level } of versions) {
    for (const keepAliveSeconds of [0, 10, 65_535]) {
      const { connack } = await connectedWithAnswer(t, unlimited.port, level, { keepAliveSeconds })
      assert.deepEqual(valuesOf(connack.properties, 'serverKeepAlive'), [])
    }
  }
})

for (const { name, level } of versions) {
  test(`acknowledgements with wrong flags, of length 0 or for packet id 0 end their connection (${name}, engine section 3)`, async (t) => {
    const setting = await attacked(t)
    for (const bytes of [
      Buffer.from([0x62, 0]),
      Buffer.from([0x60, 2, 0, 1]),
      Buffer.from([0x41, 2, 0, 1]),
      acknowledgementBytes('puback', 0),
      Buffer.concat([acknowledgement('pubrec', 1), Buffer.from([0xf0, 0])]),
    ]) {
      const peer = await connected(t, setting.port, level)
      peer.write(bytes)
      await peer.nextOrEnd('disconnect')
      await peer.closed()
    }
    await assertUnharmed(setting, 'wrong acknowledgements')
  })
}
