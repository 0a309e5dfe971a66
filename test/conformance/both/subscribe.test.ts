import assert from 'node:assert/strict'
import { persistent, subscribeBytes } from '../../helpers/conformance/build.ts'
import { assertDisconnected, messagesUntilNow, texts } from '../../helpers/conformance/expectations.ts'
import { conformance, newClientId, newTopic, versions } from '../../helpers/conformance/suite.ts'

conformance('SUBSCRIBE of both versions', (test) => {
  for (const { name, level } of versions) {
    for (const packetId of [1, 0x8000, 0xffff]) {
      test(`[MQTT-3.1.1 2.3.1-7, 3.8.4-1, 3.8.4-2] [MQTT-5.0 2.2.1-6, 3.8.4-1, 3.8.4-2] SUBSCRIBE ${packetId} gets SUBACK ${packetId} (${name})`, async (broker) => {
        const peer = await broker.connect(level)
        peer.write(subscribeBytes(level, packetId, [[newTopic(), 0]]))
        const { type, packetId: answered } = await peer.nextOfAnyType()
        assert.deepEqual([type, answered], ['suback', packetId])
      })
    }

    test(`[MQTT-3.1.1 3.8.4-4, 3.8.4-5, 3.9.3-1, 3.9.3-2] [MQTT-5.0 3.8.4-5, 3.8.4-6, 3.8.4-7, 3.9.3-1, 3.9.3-2] SUBACK grants each filter its QoS, in their order (${name})`, async (broker) => {
      const topic = newTopic()
      const peer = await broker.connect(level)
      const codes = await peer.subscribe([
        [`${topic}/a`, 2],
        [`${topic}/b`, 0],
        [`${topic}/c`, 1],
        [`${topic}/+/d`, 2],
        [`${topic}/e/#`, 1],
      ])
      assert.deepEqual(codes, [2, 0, 1, 2, 1])
      await peer.publishAll(['a', 'b', 'c', 'x/d', 'e'].map((last) => ({ topic: `${topic}/${last}`, qos: 2 })))
      const qos = []
      while (qos.length < 5) qos.push((await peer.receive()).qos)
      assert.deepEqual(qos.toSorted(), [0, 1, 1, 2, 2])
    })

    test(`[MQTT-3.1.1 3.8.4-4] [MQTT-5.0 3.8.4-5] the same filter twice in one SUBSCRIBE counts as two, and the last stays (${name})`, async (broker) => {
      const topic = newTopic()
      const peer = await broker.connect(level)
      const codes = await peer.subscribe([
        [topic, 2],
        [topic, 0],
      ])
      assert.deepEqual(codes, [2, 0])
      await peer.publish({ topic, qos: 2 })
      const messages = await messagesUntilNow(peer, peer)
      assert.deepEqual(
        messages.map(({ qos }) => qos),
        [0],
      )
    })

    for (const granted of [0, 1, 2]) {
      test(`[MQTT-3.1.1 3.8.4-6] [MQTT-5.0 3.8.4-8] with QoS ${granted} granted, a message has that QoS at most, live and queued (${name})`, async (broker) => {
        const topic = newTopic()
        const session = { clientId: newClientId(), ...persistent(level) }
        const subscriber = await broker.connect(level, session)
        await subscriber.subscribe([[`${topic}/#`, granted]])
        const publisher = await broker.connect(level)
        await publisher.publishAll([0, 1, 2].map((qos) => ({ topic, qos, payload: `${qos}` })))
        const live = await Promise.all([subscriber.receive(), subscriber.receive(), subscriber.receive()])
        for (const { qos, payload } of live) assert.equal(qos, Math.min(Number(payload), granted))
        await subscriber.ping()
        await subscriber.disconnect()
        await publisher.publishAll([1, 2].map((qos) => ({ topic, qos, payload: `${qos}` })))
        const after = await broker.connect(level, session)
        if (granted === 0) return // Nothing has to be queued then.
        for (const { qos, payload } of [await after.receive(), await after.receive()])
          assert.equal(qos, Math.min(Number(payload), granted))
      })
    }

    test(`[MQTT-3.1.1 3.8.4-3] [MQTT-5.0 3.8.4-3, 3.8.4-4] the same filter again replaces the QoS and sends retained messages again (${name})`, async (broker) => {
      const topic = newTopic()
      const peer = await broker.connect(level)
      await peer.publish({ topic, qos: 2, retain: true, payload: 'kept' })
      await peer.subscribe([[topic, 0]])
      assert.equal((await peer.receive()).qos, 0)
      await peer.subscribe([[topic, 2]])
      const again = await peer.receive()
      assert.deepEqual([again.qos, again.retain], [2, true])
      await peer.publish({ topic, qos: 2, payload: 'live' })
      const messages = await messagesUntilNow(peer, peer)
      assert.deepEqual(texts(messages), ['live'])
      assert.equal(messages[0]?.qos, 2)
    })

    test(`[MQTT-3.1.1 3.8.4-3] [MQTT-5.0 3.8.4-4] replacing a subscription loses nothing that is published meanwhile (${name})`, async (broker) => {
      const topic = newTopic()
      const subscriber = await broker.connect(level)
      await subscriber.subscribe([[topic, 1]])
      const publisher = await broker.connect(level)
      const count = 40
      const messages = Array.from({ length: count }, (_, i) => ({ topic, qos: 1, payload: `${i}` }))
      const publishing = publisher.publishAll(messages)
      for (let i = 0; i < 10; i++) await subscriber.subscribe([[topic, 1]])
      await publishing
      const received = new Set(texts(await messagesUntilNow(publisher, subscriber, 1)))
      assert.equal(received.size, count)
    })

    test(`[MQTT-3.1.1 3.3.5-1] [MQTT-5.0 3.3.4-2] overlapping subscriptions get the highest QoS, in any order of them (${name})`, async (broker) => {
      for (const order of [
        [0, 1, 2],
        [2, 1, 0],
        [1, 2, 0],
      ]) {
        const topic = newTopic()
        const peer = await broker.connect(level)
        const filters = [topic, `${topic}/#`, `+/${topic.split('/').slice(1).join('/')}`]
        for (const [i, qos] of order.entries()) await peer.subscribe([[filters[i] as string, qos]])
        await peer.publish({ topic, qos: 2 })
        const messages = await messagesUntilNow(peer, peer)
        assert.equal(Math.max(...messages.map(({ qos }) => qos)), 2, `granted ${order}`)
      }
    })

    test(`[MQTT-3.1.1 3.3.2-3] [MQTT-5.0 3.3.2-3] a subscriber gets the Topic Name that was published, which its filter matches (${name})`, async (broker) => {
      const topic = newTopic()
      const peer = await broker.connect(level)
      await peer.subscribe([[`${topic}/+/b/#`, 0]])
      const sent = ['a/b', 'a/b/c', 'a/c', '/b', 'b']
      await peer.publishAll(sent.map((last) => ({ topic: `${topic}/${last}`, qos: 1 })))
      const names = (await messagesUntilNow(peer, peer)).map(({ topicName }) => topicName.slice(topic.length + 1))
      assert.deepEqual(names, ['a/b', 'a/b/c', '/b'])
    })

    const malformed: readonly (readonly [string, Uint8Array, number])[] = [
      ['[MQTT-3.1.1 3.8.3-3] [MQTT-5.0 3.8.3-2] SUBSCRIBE without a filter', subscribeBytes(level, 1, []), 0x82],
      ['[MQTT-3.1.1 3.8.3-4] SUBSCRIBE for QoS 3', subscribeBytes(level, 1, [['a', 3]]), 0x82],
      [
        '[MQTT-3.1.1 3.8.3-4] [MQTT-5.0 3.8.3-5] SUBSCRIBE with the highest reserved bit',
        subscribeBytes(level, 1, [['a', 0x80]]),
        0x81,
      ],
      [
        '[MQTT-3.1.1 3.8.3-4] [MQTT-5.0 3.8.3-5] SUBSCRIBE with the other reserved bit, in its second filter',
        subscribeBytes(level, 1, [
          ['a', 1],
          ['b', 0x41],
        ]),
        0x81,
      ],
    ]
    for (const [what, bytes, code] of malformed) {
      test(`${what} ends the connection (${name})`, async (broker) => {
        const peer = await broker.connect(level)
        peer.write(bytes)
        await assertDisconnected(peer, 0x81, code)
      })
    }
  }
})
