import assert from 'node:assert/strict'
import { persistent, subscribeBytes } from '../../helpers/conformance/build.ts'
import { assertDisconnected, messagesUntilNow, texts } from '../../helpers/conformance/expectations.ts'
import { type Property, valuesOf } from '../../helpers/conformance/properties.ts'
import { conformance, newClientId, newTopic } from '../../helpers/conformance/suite.ts'

const noLocal = 4
const retainAsPublished = 8
const retainHandling = (value: number) => value << 4

conformance('subscription options and identifiers', (test) => {
  test('[MQTT-5.0 3.8.3-3] No Local keeps own messages away, and only these', async (broker) => {
    const topic = newTopic()
    const clientId = newClientId()
    const peer = await broker.connect(5, { clientId })
    await peer.subscribe([
      [`${topic}/quiet`, noLocal],
      [`${topic}/loud`, 0],
    ])
    const other = await broker.connect(5)
    await peer.publish({ topic: `${topic}/quiet`, payload: 'own' })
    await peer.publish({ topic: `${topic}/loud`, payload: 'own, loud' })
    await peer.ping()
    await other.publish({ topic: `${topic}/quiet`, payload: 'of another' })
    assert.deepEqual(texts(await messagesUntilNow(other, peer)), ['own, loud', 'of another'])
  })

  test('[MQTT-5.0 3.8.3-3] No Local goes by client id: also for what the same client publishes on its next connection', async (broker) => {
    const topic = newTopic()
    const session = { clientId: newClientId(), ...persistent(5) }
    const before = await broker.connect(5, session)
    await before.subscribe([[topic, noLocal | 1]])
    await before.disconnect()
    const after = await broker.connect(5, session)
    await after.publish({ topic, qos: 1, payload: 'own' })
    assert.deepEqual(await messagesUntilNow(after, after, 1), [])
  })

  test('[MQTT-5.0 3.8.3-4] No Local on a Shared Subscription ends the connection', async (broker) => {
    const peer = await broker.connect(5)
    peer.write(subscribeBytes(5, 1, [[`$share/group/${newTopic()}`, noLocal]]))
    await assertDisconnected(peer, 0x82)
  })

  test('[MQTT-5.0 3.3.1-9, 3.8.4-4] Retain Handling 0 sends retained messages for each SUBSCRIBE', async (broker) => {
    const topic = newTopic()
    const peer = await broker.connect(5)
    await peer.publish({ topic, qos: 1, retain: true, payload: 'kept' })
    for (let i = 0; i < 3; i++) {
      await peer.subscribe([[topic, retainHandling(0)]])
      assert.equal((await peer.receive()).retain, true)
    }
  })

  test('[MQTT-5.0 3.3.1-10] Retain Handling 1 sends them only if the subscription is new', async (broker) => {
    const topic = newTopic()
    const peer = await broker.connect(5)
    await peer.publish({ topic, qos: 1, retain: true, payload: 'kept' })
    await peer.subscribe([[topic, retainHandling(1)]])
    assert.equal((await peer.receive()).retain, true)
    await peer.subscribe([[topic, retainHandling(1) | 1]])
    assert.deepEqual(await messagesUntilNow(peer, peer), [])
    await peer.unsubscribe(topic)
    await peer.subscribe([[topic, retainHandling(1)]])
    assert.equal((await peer.receive()).retain, true)
  })

  test('[MQTT-5.0 3.3.1-11] Retain Handling 2 does not send them', async (broker) => {
    const topic = newTopic()
    const peer = await broker.connect(5)
    await peer.publish({ topic, qos: 1, retain: true, payload: 'kept' })
    await peer.subscribe([[topic, retainHandling(2)]])
    assert.deepEqual(await messagesUntilNow(peer, peer), [])
    await peer.publish({ topic, payload: 'live' })
    assert.deepEqual(texts(await messagesUntilNow(peer, peer)), ['live'])
  })

  test('[MQTT-5.0 3.3.1-12, 3.3.1-13] Retain As Published decides what RETAIN says of forwarded messages', async (broker) => {
    const topic = newTopic()
    const [cleared, published] = [await broker.connect(5), await broker.connect(5)]
    await cleared.subscribe([[`${topic}/+`, 0]])
    await published.subscribe([[`${topic}/+`, retainAsPublished]])
    const publisher = await broker.connect(5)
    await publisher.publish({ topic: `${topic}/r`, qos: 1, retain: true, payload: 'x' })
    await publisher.publish({ topic: `${topic}/p`, qos: 1, payload: 'x' })
    const retainOf = async (peer: typeof cleared) => [(await peer.receive()).retain, (await peer.receive()).retain]
    assert.deepEqual(await retainOf(cleared), [false, false])
    assert.deepEqual(await retainOf(published), [true, false])
  })

  test('[MQTT-5.0 3.3.1-13] Retain As Published holds for queued messages, too', async (broker) => {
    const topic = newTopic()
    const session = { clientId: newClientId(), ...persistent(5) }
    const before = await broker.connect(5, session)
    await before.subscribe([[topic, retainAsPublished | 1]])
    await before.disconnect()
    await (await broker.connect(5)).publish({ topic, qos: 1, retain: true, payload: 'x' })
    assert.equal((await (await broker.connect(5, session)).receive()).retain, true)
  })

  test('[MQTT-5.0 3.8.4-3] the same filter again replaces all options', async (broker) => {
    const topic = newTopic()
    const peer = await broker.connect(5)
    await peer.subscribe([[topic, noLocal | retainAsPublished]])
    await peer.subscribe([[topic, 1]])
    await peer.publish({ topic, qos: 1, retain: true, payload: 'x' })
    const { qos, retain } = await peer.receive()
    assert.deepEqual([qos, retain], [1, false])
  })

  test('[MQTT-5.0 4.13.1-1] Retain Handling 3 and QoS 3 end the connection', async (broker) => {
    for (const options of [retainHandling(3), 3]) {
      const peer = await broker.connect(5)
      peer.write(subscribeBytes(5, 1, [[newTopic(), options]]))
      await assertDisconnected(peer, 0x81, 0x82)
    }
  })

  for (const identifier of [1, 128, 268_435_455]) {
    test(`[MQTT-5.0 3.3.4-3, 1.5.5-1] Subscription Identifier ${identifier} comes with the messages, live, queued and retained`, async (broker) => {
      const topic = newTopic()
      const session = { clientId: newClientId(), ...persistent(5) }
      const before = await broker.connect(5, session)
      const publisher = await broker.connect(5)
      await publisher.publish({ topic, qos: 1, retain: true, payload: 'retained' })
      await before.subscribe([[topic, 1]], [['subscriptionIdentifier', identifier]])
      await publisher.publish({ topic, qos: 1, payload: 'live' })
      const messages = [await before.receive(), await before.receive()]
      await before.ping()
      await before.disconnect()
      await publisher.publish({ topic, qos: 1, payload: 'queued' })
      messages.push(await (await broker.connect(5, session)).receive())
      assert.deepEqual(texts(messages), ['retained', 'live', 'queued'])
      for (const { properties } of messages)
        assert.deepEqual(valuesOf(properties, 'subscriptionIdentifier'), [identifier])
    })
  }

  test('[MQTT-5.0 3.3.4-3, 3.3.4-4, 3.3.4-5] overlapping subscriptions: all their identifiers come, together or each with its copy', async (broker) => {
    const topic = newTopic()
    const peer = await broker.connect(5)
    await peer.subscribe([[topic, 0]], [['subscriptionIdentifier', 7]])
    await peer.subscribe([[`${topic}/#`, 1]], [['subscriptionIdentifier', 8]])
    await peer.subscribe([[`+/${topic.slice(topic.indexOf('/') + 1)}`, 2]])
    await peer.publish({ topic, qos: 2 })
    const messages = await messagesUntilNow(peer, peer)
    const identifiers = messages.map(({ properties }) => valuesOf(properties, 'subscriptionIdentifier'))
    assert.deepEqual(identifiers.flat().toSorted(), [7, 8])
    if (messages.length > 1) assert.ok(identifiers.every((list) => list.length <= 1))
    assert.equal(Math.max(...messages.map(({ qos }) => qos)), 2)
  })

  test('[MQTT-5.0 3.8.4-3] the same filter again replaces or removes its identifier', async (broker) => {
    const topic = newTopic()
    const peer = await broker.connect(5)
    const received: unknown[] = []
    for (const properties of [[['subscriptionIdentifier', 1]], [['subscriptionIdentifier', 2]], []] as Property[][]) {
      await peer.subscribe([[topic, 0]], properties)
      await peer.publish({ topic })
      received.push(valuesOf((await peer.receive()).properties, 'subscriptionIdentifier'))
    }
    assert.deepEqual(received, [[1], [2], []])
  })

  test('[MQTT-5.0 4.13.1-1] Subscription Identifier 0, or two of them, end the connection', async (broker) => {
    const wrong: readonly (readonly Property[])[] = [
      [['subscriptionIdentifier', 0]],
      [
        ['subscriptionIdentifier', 1],
        ['subscriptionIdentifier', 2],
      ],
    ]
    for (const properties of wrong) {
      const peer = await broker.connect(5)
      peer.write(subscribeBytes(5, 1, [[newTopic(), 0]], properties))
      await assertDisconnected(peer, 0x81, 0x82)
    }
  })
})
