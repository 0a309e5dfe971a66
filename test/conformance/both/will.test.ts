import assert from 'node:assert/strict'
import { connectBytes } from '../../helpers/conformance/build.ts'
import { assertConnectRefused, messagesUntilNow, texts } from '../../helpers/conformance/expectations.ts'
import { conformance, newClientId, newTopic, versions } from '../../helpers/conformance/suite.ts'

conformance('wills of both versions', (test) => {
  for (const { name, level } of versions) {
    for (const qos of [0, 1, 2]) {
      test(`[MQTT-3.1.1 3.1.2-8, 3.1.2-9, 3.1.2-14] [MQTT-5.0 3.1.2-7, 3.1.2-8, 3.1.2-9, 3.1.2-12] a will of QoS ${qos} is published when its connection breaks (${name})`, async (broker) => {
        const topic = newTopic()
        const subscriber = await broker.connect(level)
        await subscriber.subscribe([[topic, 2]])
        const peer = await broker.connect(level, { will: { topic, payload: Buffer.from([0, 0xff]), qos } })
        await peer.vanish()
        const message = await subscriber.receive()
        assert.deepEqual([message.qos, message.payload.toString('hex'), message.retain], [qos, '00ff', false])
      })
    }

    test(`[MQTT-3.1.1 3.1.2-10, 3.14.4-3] [MQTT-5.0 3.1.2-10, 3.14.4-3] DISCONNECT discards the will (${name})`, async (broker) => {
      const topic = newTopic()
      const subscriber = await broker.connect(level)
      await subscriber.subscribe([[topic, 0]])
      const peer = await broker.connect(level, { will: { topic, payload: 'no' } })
      await peer.disconnect()
      const publisher = await broker.connect(level)
      assert.deepEqual(await messagesUntilNow(publisher, subscriber), [])
    })

    test(`[MQTT-3.1.1 3.14.4-3] [MQTT-5.0 3.14.4-3] DISCONNECT discards the will, also when its client is back at once (${name})`, async (broker) => {
      const topic = newTopic()
      const subscriber = await broker.connect(level)
      await subscriber.subscribe([[topic, 0]])
      const clientId = newClientId()
      // Many times, as what could go wrong is a race between the end of one connection and the next one.
      for (let i = 0; i < 20; i++) {
        const peer = await broker.connect(level, { clientId, will: { topic, payload: 'no' } })
        await peer.disconnect()
      }
      const publisher = await broker.connect(level, { clientId })
      assert.deepEqual(await messagesUntilNow(publisher, subscriber), [])
    })

    test(`[MQTT-3.1.1 3.1.2-10] [MQTT-5.0 3.1.2-10] a published will is not published again by the next connection (${name})`, async (broker) => {
      const topic = newTopic()
      const clientId = newClientId()
      const subscriber = await broker.connect(level)
      await subscriber.subscribe([[topic, 0]])
      await (await broker.connect(level, { clientId, will: { topic, payload: 'once' } })).vanish()
      await subscriber.receive()
      await (await broker.connect(level, { clientId })).vanish()
      const publisher = await broker.connect(level, { clientId })
      assert.deepEqual(await messagesUntilNow(publisher, subscriber), [])
    })

    test(`[MQTT-3.1.1 3.1.2-12] a connection without a will leaves none (${name})`, async (broker) => {
      const topic = newTopic()
      const subscriber = await broker.connect(level)
      await subscriber.subscribe([[`${topic}/#`, 0]])
      const clientId = newClientId()
      const first = await broker.connect(level, { clientId, will: { topic, payload: 'x' } })
      await first.disconnect()
      await (await broker.connect(level, { clientId })).vanish()
      const publisher = await broker.connect(level, { clientId })
      assert.deepEqual(await messagesUntilNow(publisher, subscriber), [])
    })

    for (const [what, retain, expected] of [
      ['[MQTT-3.1.1 3.1.2-16] [MQTT-5.0 3.1.2-14] Will Retain 0', false, []],
      ['[MQTT-3.1.1 3.1.2-17] [MQTT-5.0 3.1.2-15] Will Retain 1', true, ['will']],
    ] as const) {
      test(`${what} decides whether the will is retained (${name})`, async (broker) => {
        const topic = newTopic()
        const subscriber = await broker.connect(level)
        await subscriber.subscribe([[topic, 0]])
        const peer = await broker.connect(level, { will: { topic, payload: 'will', qos: 1, retain } })
        await peer.vanish()
        assert.equal((await subscriber.receive()).retain, false)
        const late = await broker.connect(level)
        await late.subscribe([[topic, 0]])
        const messages = await messagesUntilNow(late, late)
        assert.deepEqual(texts(messages), expected)
        assert.ok(messages.every((message) => message.retain))
      })
    }

    test(`[MQTT-3.1.1 3.1.2-8, 3.1.4-2] [MQTT-5.0 3.1.2-8, 3.1.4-3] a connection that is taken over publishes its will (${name})`, async (broker) => {
      const topic = newTopic()
      const clientId = newClientId()
      const subscriber = await broker.connect(level)
      await subscriber.subscribe([[topic, 0]])
      await broker.connect(level, { clientId, will: { topic, payload: 'taken over' } })
      await broker.connect(level, { clientId })
      assert.equal((await subscriber.receive()).payload.toString(), 'taken over')
    })

    test(`[MQTT-3.1.1 3.1.2-8, 4.8.0-1] [MQTT-5.0 3.1.2-8, 4.13.1-1] a client that breaks the protocol leaves its will (${name})`, async (broker) => {
      const topic = newTopic()
      const subscriber = await broker.connect(level)
      await subscriber.subscribe([[topic, 0]])
      const peer = await broker.connect(level, { will: { topic, payload: 'broken' } })
      peer.write(Buffer.from([0x00, 0x00]))
      await peer.closed()
      assert.equal((await subscriber.receive()).payload.toString(), 'broken')
    })

    for (const topic of ['a/#', '+', '']) {
      test(`[MQTT-3.1.1 4.7.1-1, 4.7.3-1] [MQTT-5.0 4.7.0-1, 4.7.3-1] a will to the topic "${topic}" is refused (${name})`, async (broker) => {
        const peer = await broker.open(level)
        peer.write(connectBytes({ level, clientId: peer.clientId, will: { topic, payload: 'x' } }))
        await assertConnectRefused(peer, 0x81, 0x82, 0x90)
      })
    }
  }
})
