import assert from 'node:assert/strict'
import { messagesUntilNow, texts } from '../../helpers/conformance/expectations.ts'
import type { Peer } from '../../helpers/conformance/peer.ts'
import type { ProtocolLevel } from '../../helpers/conformance/received.ts'
import { type BrokerUnderTest, conformance, newTopic, versions } from '../../helpers/conformance/suite.ts'

/** What a new subscriber gets at once. */
async function retainedOn(broker: BrokerUnderTest, level: ProtocolLevel, filter: string, publisher: Peer) {
  const subscriber = await broker.connect(level)
  await subscriber.subscribe([[filter, 2]])
  return messagesUntilNow(publisher, subscriber)
}

conformance('retained messages of both versions', (test) => {
  for (const { name, level } of versions) {
    test(`[MQTT-3.1.1 3.3.1-6, 3.3.1-8] [MQTT-5.0 3.3.1-9] a new subscription gets the last retained message of each topic that matches, with RETAIN 1 (${name})`, async (broker) => {
      const topic = newTopic()
      const publisher = await broker.connect(level)
      for (const [level, payload] of [
        ['a', 'old'],
        ['a', 'new'],
        ['b', 'other'],
        ['b/c', 'deeper'],
      ] as const)
        await publisher.publish({ topic: `${topic}/${level}`, qos: 1, retain: true, payload })
      const messages = await retainedOn(broker, level, `${topic}/+`, publisher)
      assert.deepEqual(texts(messages).toSorted(), ['new', 'other'])
      assert.ok(messages.every(({ retain }) => retain))
    })

    for (const qos of [0, 1, 2]) {
      test(`[MQTT-3.1.1 3.3.1-5, 3.8.4-6] [MQTT-5.0 3.3.1-5, 3.8.4-8] a message retained at QoS ${qos} is sent at that QoS (${name})`, async (broker) => {
        const topic = newTopic()
        const publisher = await broker.connect(level)
        await publisher.publish({ topic, qos, retain: true, payload: 'kept' })
        const messages = await retainedOn(broker, level, topic, publisher)
        assert.deepEqual(
          messages.map((message) => message.qos),
          [qos],
        )
      })
    }

    test(`[MQTT-3.1.1 3.8.4-6] [MQTT-5.0 3.8.4-8] a retained message goes out at the granted QoS, also for a filter with wildcards (${name})`, async (broker) => {
      const topic = newTopic()
      const publisher = await broker.connect(level)
      await publisher.publish({ topic: `${topic}/x`, qos: 2, retain: true, payload: 'kept' })
      const subscriber = await broker.connect(level)
      await subscriber.subscribe([[`${topic}/#`, 0]])
      assert.equal((await subscriber.receive()).qos, 0)
    })

    test(`[MQTT-3.1.1 3.3.1-7] [MQTT-5.0 3.3.1-5] a retained message of QoS 0 replaces the one before (${name})`, async (broker) => {
      const topic = newTopic()
      const publisher = await broker.connect(level)
      await publisher.publish({ topic, qos: 1, retain: true, payload: 'old' })
      await publisher.publish({ topic, qos: 0, retain: true, payload: 'new' })
      await publisher.ping()
      assert.deepEqual(texts(await retainedOn(broker, level, topic, publisher)), ['new'])
    })

    test(`[MQTT-3.1.1 3.3.1-9] [MQTT-5.0 3.3.1-12] an established subscription gets retained messages with RETAIN 0 (${name})`, async (broker) => {
      const topic = newTopic()
      const subscriber = await broker.connect(level)
      await subscriber.subscribe([[topic, 0]])
      await (await broker.connect(level)).publish({ topic, qos: 1, retain: true, payload: 'kept' })
      assert.equal((await subscriber.receive()).retain, false)
    })

    test(`[MQTT-3.1.1 3.3.1-10, 3.3.1-11] [MQTT-5.0 3.3.1-6, 3.3.1-7] an empty retained message is delivered, removes the retained one and is not kept (${name})`, async (broker) => {
      const topic = newTopic()
      const publisher = await broker.connect(level)
      await publisher.publish({ topic, qos: 1, retain: true, payload: 'kept' })
      const subscriber = await broker.connect(level)
      await subscriber.subscribe([[topic, 1]])
      assert.equal((await subscriber.receive()).payload.toString(), 'kept')
      await publisher.publish({ topic, qos: 1, retain: true })
      const { payload, retain } = await subscriber.receive()
      assert.deepEqual([payload.length, retain], [0, false])
      assert.deepEqual(await retainedOn(broker, level, topic, publisher), [])
    })

    test(`[MQTT-3.1.1 3.3.1-12] [MQTT-5.0 3.3.1-8] RETAIN 0 stores nothing and leaves what is retained (${name})`, async (broker) => {
      const topic = newTopic()
      const publisher = await broker.connect(level)
      await publisher.publish({ topic: `${topic}/kept`, qos: 1, retain: true, payload: 'kept' })
      await publisher.publish({ topic: `${topic}/kept`, qos: 1, payload: 'passing' })
      await publisher.publish({ topic: `${topic}/kept`, qos: 1 })
      await publisher.publish({ topic: `${topic}/none`, qos: 1, payload: 'passing' })
      assert.deepEqual(texts(await retainedOn(broker, level, `${topic}/+`, publisher)), ['kept'])
    })
  }
})
