import assert from 'node:assert/strict'
import { persistent } from '../../helpers/conformance/build.ts'
import { messagesUntilNow, texts } from '../../helpers/conformance/expectations.ts'
import { conformance, newClientId, newTopic, versions } from '../../helpers/conformance/suite.ts'

conformance('sessions of both versions', (test) => {
  for (const { name, level } of versions) {
    test(`[MQTT-3.1.1 3.1.2-4, 3.1.2-5, 3.2.2-2, 4.1.0-1, 4.5.0-1] [MQTT-5.0 3.1.2-5, 3.1.2-23, 3.2.2-3, 4.5.0-1] a session keeps subscriptions and messages for a client that is away (${name})`, async (broker) => {
      const topic = newTopic()
      const session = { clientId: newClientId(), ...persistent(level) }
      const before = await broker.connect(level, session)
      await before.subscribe([
        [`${topic}/1`, 1],
        [`${topic}/+/2`, 2],
      ])
      await before.disconnect()
      const publisher = await broker.connect(level)
      await publisher.publish({ topic: `${topic}/1`, qos: 1, payload: 'one' })
      await publisher.publish({ topic: `${topic}/x/2`, qos: 2, payload: 'two' })
      const { peer: after, connack } = await broker.connectWithAnswer(level, session)
      assert.equal(connack.sessionPresent, true)
      const messages = [await after.receive(), await after.receive()]
      assert.deepEqual(texts(messages).toSorted(), ['one', 'two'])
      assert.deepEqual(messages.map(({ qos }) => qos).toSorted(), [1, 2])
      await publisher.publish({ topic: `${topic}/1`, qos: 1, payload: 'live' })
      assert.equal((await after.receive()).payload.toString(), 'live')
    })

    test(`[MQTT-3.1.1 3.2.2-2] [MQTT-5.0 3.2.2-3] a session without subscriptions is present, too (${name})`, async (broker) => {
      const session = { clientId: newClientId(), ...persistent(level) }
      await (await broker.connect(level, session)).disconnect()
      assert.equal((await broker.connectWithAnswer(level, session)).connack.sessionPresent, true)
    })

    test(`[MQTT-3.1.1 3.1.2-4, 3.2.2-3] [MQTT-5.0 3.1.2-6, 3.2.2-3] a client id without session gets a new one, by Session Present 0 (${name})`, async (broker) => {
      const session = { clientId: newClientId(), ...persistent(level) }
      assert.equal((await broker.connectWithAnswer(level, session)).connack.sessionPresent, false)
    })

    test(`[MQTT-3.1.1 3.1.2-6, 3.1.4-3, 3.2.2-1] [MQTT-5.0 3.1.2-4, 3.1.4-4, 3.2.2-2] a clean start discards subscriptions and messages (${name})`, async (broker) => {
      const topic = newTopic()
      const session = { clientId: newClientId(), ...persistent(level) }
      const before = await broker.connect(level, session)
      await before.subscribe([[topic, 1]])
      await before.disconnect()
      const publisher = await broker.connect(level)
      await publisher.publish({ topic, qos: 1 })
      const { peer: clean, connack } = await broker.connectWithAnswer(level, { ...session, clean: true })
      assert.equal(connack.sessionPresent, false)
      await publisher.publish({ topic, qos: 1 })
      assert.deepEqual(await messagesUntilNow(publisher, clean, 1), [])
    })

    test(`[MQTT-3.1.1 3.1.2-6] [MQTT-5.0 4.1.0-2] a session that ends with its connection is not resumed (${name})`, async (broker) => {
      const topic = newTopic()
      const clientId = newClientId()
      const before = await broker.connect(level, { clientId })
      await before.subscribe([[topic, 1]])
      await before.disconnect()
      const publisher = await broker.connect(level)
      await publisher.publish({ topic, qos: 1 })
      const { peer: after, connack } = await broker.connectWithAnswer(level, { clientId, ...persistent(level) })
      assert.equal(connack.sessionPresent, false)
      await publisher.publish({ topic, qos: 1 })
      assert.deepEqual(await messagesUntilNow(publisher, after, 1), [])
    })

    test(`[MQTT-3.1.1 3.1.2-4, 4.1.0-2] [MQTT-5.0 3.1.2-5, 4.1.0-1] a session goes on when its client takes its own connection over (${name})`, async (broker) => {
      const topic = newTopic()
      const session = { clientId: newClientId(), ...persistent(level) }
      const before = await broker.connect(level, session)
      await before.subscribe([[topic, 1]])
      const { peer: after, connack } = await broker.connectWithAnswer(level, session)
      assert.equal(connack.sessionPresent, true)
      await (await broker.connect(level)).publish({ topic, qos: 1, payload: 'on' })
      assert.equal((await after.receive()).payload.toString(), 'on')
    })

    test(`[MQTT-3.1.1 3.1.3-2] [MQTT-5.0 3.1.3-2] sessions belong to client ids (${name})`, async (broker) => {
      const topic = newTopic()
      const [one, other] = [newClientId(), newClientId()]
      const before = await broker.connect(level, { clientId: one, ...persistent(level) })
      await before.subscribe([[topic, 1]])
      await before.disconnect()
      const stranger = await broker.connectWithAnswer(level, { clientId: other, ...persistent(level) })
      assert.equal(stranger.connack.sessionPresent, false)
      const publisher = await broker.connect(level)
      await publisher.publish({ topic, qos: 1 })
      assert.deepEqual(await messagesUntilNow(publisher, stranger.peer), [])
    })

    test(`[MQTT-3.1.1 3.1.2-7] [MQTT-5.0 3.3.1-5] a retained message outlives the session of its publisher (${name})`, async (broker) => {
      const topic = newTopic()
      const publisher = await broker.connect(level)
      await publisher.publish({ topic, qos: 1, retain: true, payload: 'kept' })
      await publisher.disconnect()
      await broker.connect(level, { clientId: publisher.clientId })
      const subscriber = await broker.connect(level)
      await subscriber.subscribe([[topic, 0]])
      assert.equal((await subscriber.receive()).payload.toString(), 'kept')
    })

    test(`[MQTT-3.1.1 3.2.2-1] [MQTT-5.0 3.2.2-2] Session Present is 0 for a first clean start (${name})`, async (broker) => {
      assert.equal((await broker.connectWithAnswer(level)).connack.sessionPresent, false)
    })
  }
})
