import assert from 'node:assert/strict'
import { acknowledgementBytes, disconnectBytes, persistent, publishBytes } from '../../helpers/conformance/build.ts'
import { assertDisconnected, assertOneOf, messagesUntilNow, texts } from '../../helpers/conformance/expectations.ts'
import { conformance, newClientId, newTopic } from '../../helpers/conformance/suite.ts'
import { packet } from '../../helpers/mqtt-bytes.ts'

conformance('reason codes and DISCONNECT of MQTT 5', (test) => {
  test('[MQTT-5.0 3.4.2-1, 3.5.2-1] a publish that nobody may make gets PUBACK or PUBREC with a reason', async (broker) => {
    const peer = await broker.connect(5)
    for (const qos of [1, 2])
      assert.equal(await peer.publish({ topic: `$SYS/broker/${newTopic()}`, qos, payload: 'x' }), 0x87)
  })

  test('[MQTT-5.0 4.3.3-9] after a PUBREC from 0x80 the same identifier means a new message', async (broker) => {
    const topic = newTopic()
    const subscriber = await broker.connect(5)
    await subscriber.subscribe([[topic, 0]])
    const peer = await broker.connect(5)
    assert.ok((await peer.publish({ topic: `$SYS/broker/${topic}`, qos: 2, packetId: 6 })) >= 0x80)
    assert.ok((await peer.publish({ topic, qos: 2, packetId: 6, payload: 'new' })) < 0x80)
    assert.deepEqual(texts(await messagesUntilNow(peer, subscriber)), ['new'])
  })

  test('[MQTT-5.0 3.4.2-1] a message without subscribers is acknowledged all the same', async (broker) => {
    const peer = await broker.connect(5)
    for (const qos of [1, 2]) assertOneOf(await peer.publish({ topic: newTopic(), qos }), [0x00, 0x10])
  })

  test('[MQTT-5.0 3.7.2-1] PUBREL of an identifier that nobody knows gets PUBCOMP with 0x92, or 0x00', async (broker) => {
    const peer = await broker.connect(5)
    peer.write(acknowledgementBytes('pubrel', 4712))
    const { packetId, reasonCode } = await peer.next('pubcomp')
    assert.equal(packetId, 4712)
    assertOneOf(reasonCode, [0x00, 0x92])
  })

  test('[MQTT-5.0 3.6.2-1, 4.3.3-4] PUBREC of an identifier that nobody knows gets PUBREL with 0x92, or nothing', async (broker) => {
    const peer = await broker.connect(5)
    peer.write(acknowledgementBytes('pubrec', 4713))
    await peer.ping()
    for (const { type, packetId, reasonCode } of peer.takeAll()) {
      assert.deepEqual([type, packetId], ['pubrel', 4713])
      assertOneOf(reasonCode, [0x00, 0x92])
    }
  })

  test('[MQTT-5.0 4.4.0-2] a message that was answered with PUBACK 0x80 does not come again', async (broker) => {
    const topic = newTopic()
    const session = { clientId: newClientId(), ...persistent(5) }
    const before = await broker.connect(5, session)
    await before.subscribe([[topic, 1]])
    const publisher = await broker.connect(5)
    await publisher.publish({ topic, qos: 1 })
    const { packetId } = await before.next('publish')
    before.write(acknowledgementBytes('puback', packetId, 0x80))
    await before.ping()
    await before.vanish()
    const after = await broker.connect(5, session)
    assert.deepEqual(await messagesUntilNow(publisher, after, 1), [])
  })

  test('[MQTT-5.0 4.4.0-2, 4.3.3-4] a message that was answered with PUBREC 0x80 does not come again, and gets no PUBREL', async (broker) => {
    const topic = newTopic()
    const session = { clientId: newClientId(), ...persistent(5) }
    const before = await broker.connect(5, session)
    await before.subscribe([[topic, 2]])
    const publisher = await broker.connect(5)
    await publisher.publish({ topic, qos: 2 })
    const { packetId } = await before.next('publish')
    before.write(acknowledgementBytes('pubrec', packetId, 0x80))
    await before.ping()
    assert.deepEqual(before.takeAll(), [])
    await before.vanish()
    const after = await broker.connect(5, session)
    assert.deepEqual(await messagesUntilNow(publisher, after, 1), [])
    assert.deepEqual(after.takeAll(), [])
  })

  test('[MQTT-5.0 4.4.0-1] what is not acknowledged does not come again while the connection is open', async (broker) => {
    const topic = newTopic()
    const peer = await broker.connect(5)
    await peer.subscribe([[topic, 1]])
    const publisher = await broker.connect(5)
    await publisher.publish({ topic, qos: 1 })
    await peer.next('publish')
    assert.deepEqual(await messagesUntilNow(publisher, peer, 1), [])
  })

  test('[MQTT-5.0 3.11.3-1, 3.11.3-2, 3.10.4-6] UNSUBACK says for each filter, in order, whether there was a subscription', async (broker) => {
    const topic = newTopic()
    const peer = await broker.connect(5)
    await peer.subscribe([
      [`${topic}/a`, 0],
      [`${topic}/+`, 1],
    ])
    const codes = await peer.unsubscribe(`${topic}/none`, `${topic}/a`, `${topic}/a`, `${topic}/+`)
    assert.deepEqual(codes, [0x11, 0x00, 0x11, 0x00])
  })

  test('[MQTT-5.0 3.14.2-1, 3.14.2-2, 3.14.4-1, 3.14.4-2, 4.13.1-1, 4.13.2-1] the broker says why, then ends the connection, and sends nothing after that', async (broker) => {
    const topic = newTopic()
    const peer = await broker.connect(5)
    await peer.subscribe([[topic, 0]])
    // A mistake between good packets: nothing after it is answered. Session Expiry Interval would be a fault.
    const publish = publishBytes(5, { topic, payload: 'x' })
    peer.write(publish, Buffer.from([0x00, 0x00]), publish, Buffer.from([0xc0, 0x00]))
    await assertDisconnected(peer, 0x81, 0x82)
    assert.ok(peer.takeAll().every(({ type }) => type === 'publish'))
  })

  for (const [what, bytes] of [
    ['that is not for clients', disconnectBytes(0x8b)],
    ['that nobody knows', disconnectBytes(0x03)],
  ] as const) {
    test(`[MQTT-5.0 3.14.2-1] DISCONNECT with a reason ${what} ends the connection`, async (broker) => {
      const peer = await broker.connect(5)
      peer.write(bytes)
      await peer.closed()
    })
  }

  test('[MQTT-5.0 3.14.4-2] the connection ends after DISCONNECT of the client, without an answer', async (broker) => {
    const peer = await broker.connect(5)
    peer.write(disconnectBytes())
    await peer.closed()
    assert.deepEqual(peer.takeAll(), [])
  })

  const wrong: readonly (readonly [string, Uint8Array])[] = [
    ['PUBACK with a reason that nobody knows', packet(0x40, Buffer.from([0, 1, 0x55]))],
    ['PUBREL with a reason of PUBACK', packet(0x62, Buffer.from([0, 1, 0x87]))],
    ['PUBACK with a property of PUBLISH', packet(0x40, Buffer.from([0, 1, 0, 2, 1, 1]))],
    ['PUBACK with properties that are cut off', packet(0x40, Buffer.from([0, 1, 0, 9, 31]))],
    ['SUBSCRIBE with a property of CONNECT', packet(0x82, Buffer.from([0, 1, 3, 33, 0, 1, 0, 1, 0x61, 0]))],
    ['UNSUBSCRIBE with a Subscription Identifier', packet(0xa2, Buffer.from([0, 1, 2, 11, 1, 0, 1, 0x61]))],
    ['PINGREQ with a body', packet(0xc0, Buffer.from([0]))],
  ]
  for (const [what, bytes] of wrong) {
    test(`[MQTT-5.0 4.13.1-1] ${what} ends the connection`, async (broker) => {
      const peer = await broker.connect(5)
      peer.write(bytes)
      await assertDisconnected(peer, 0x81, 0x82)
    })
  }
})
