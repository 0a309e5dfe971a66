import assert from 'node:assert/strict'
import { persistent } from '../../helpers/conformance/build.ts'
import { texts } from '../../helpers/conformance/expectations.ts'
import type { Received } from '../../helpers/conformance/received.ts'
import { conformance, newClientId, newTopic, versions } from '../../helpers/conformance/suite.ts'

const numbered = (count: number) => Array.from({ length: count }, (_, i) => `${i}`)

conformance('order of messages, both versions', (test) => {
  for (const { name, level } of versions) {
    for (const qos of [0, 1, 2] as const) {
      test(`[MQTT-3.1.1 4.6.0-5, 4.6.0-6] [MQTT-5.0 4.6.0-5, 4.6.0-6] messages of QoS ${qos} reach a subscriber in the order of their publisher (${name})`, async (broker) => {
        const topic = newTopic()
        const subscriber = await broker.connect(level)
        await subscriber.subscribe([[topic, qos]])
        const publisher = await broker.connect(level)
        const wanted = numbered(60)
        await publisher.publishAll(wanted.map((payload) => ({ topic, qos, payload })))
        const got: Received[] = []
        while (got.length < wanted.length) got.push(await subscriber.receive())
        assert.deepEqual(texts(got), wanted)
      })
    }

    for (const qos of [1, 2] as const) {
      test(`[MQTT-3.1.1 4.6.0-6] [MQTT-5.0 4.6.0-5] messages of QoS ${qos} for a client that is away keep their order, also with those that follow (${name})`, async (broker) => {
        const topic = newTopic()
        const session = { clientId: newClientId(), ...persistent(level) }
        const before = await broker.connect(level, session)
        await before.subscribe([[topic, qos]])
        await before.disconnect()
        const publisher = await broker.connect(level)
        const wanted = numbered(40)
        await publisher.publishAll(wanted.slice(0, 30).map((payload) => ({ topic, qos, payload })))
        const publishing = publisher.publishAll(wanted.slice(30).map((payload) => ({ topic, qos, payload })))
        const after = await broker.connect(level, session)
        const got: Received[] = []
        while (got.length < wanted.length) got.push(await after.receive())
        await publishing
        assert.deepEqual(texts(got), wanted)
      })
    }
  }
})
