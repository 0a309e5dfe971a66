import assert from 'node:assert/strict'
import { connectBytes } from '../../helpers/conformance/build.ts'
import { assertConnectRefused, messagesUntilNow } from '../../helpers/conformance/expectations.ts'
import type { Property } from '../../helpers/conformance/properties.ts'
import { conformance, newClientId, newTopic } from '../../helpers/conformance/suite.ts'

const delayed = (topic: string, payload: string, seconds: number) => ({
  topic,
  payload,
  properties: [['willDelayInterval', seconds]] as const,
})
const sessionOf = (seconds: number) => ({ properties: [['sessionExpiryInterval', seconds]] as const })

conformance('wills of MQTT 5', (test) => {
  test('[MQTT-5.0 3.1.2-8, 3.1.3-9] a will is not sent when its client is back within the delay', async (broker) => {
    const topic = newTopic()
    const clientId = newClientId()
    const subscriber = await broker.connect(5)
    await subscriber.subscribe([[topic, 0]])
    const peer = await broker.connect(5, { clientId, will: delayed(topic, 'late', 30), ...sessionOf(60) })
    await peer.vanish()
    const again = await broker.connect(5, { clientId, clean: false, ...sessionOf(60) })
    assert.deepEqual(await messagesUntilNow(again, subscriber), [])
  })

  test('[MQTT-5.0 3.1.2-8] a will is sent after its delay, when the session lasts longer', async (broker) => {
    const topic = newTopic()
    const subscriber = await broker.connect(5)
    await subscriber.subscribe([[topic, 0]])
    const peer = await broker.connect(5, { will: delayed(topic, 'delayed', 2), ...sessionOf(60) })
    await peer.vanish()
    const publisher = await broker.connect(5)
    assert.deepEqual(await messagesUntilNow(publisher, subscriber), [], 'not at once')
    const message = await subscriber.receive()
    // Will Delay Interval is no property of a PUBLISH: the reader of these tests would not take it.
    assert.deepEqual([message.payload.toString(), message.properties.length], ['delayed', 0])
  })

  test('[MQTT-5.0 3.1.2-8] a will is sent when its session ends, whatever its delay', async (broker) => {
    const topic = newTopic()
    const subscriber = await broker.connect(5)
    await subscriber.subscribe([[topic, 0]])
    const peer = await broker.connect(5, { will: delayed(topic, 'at the end', 60), ...sessionOf(0) })
    await peer.vanish()
    assert.equal((await subscriber.receive()).payload.toString(), 'at the end')
  })

  test('[MQTT-5.0 3.1.2-8, 3.1.2-4] a clean start ends the session, and so sends the will that waits', async (broker) => {
    const topic = newTopic()
    const clientId = newClientId()
    const subscriber = await broker.connect(5)
    await subscriber.subscribe([[topic, 0]])
    const peer = await broker.connect(5, { clientId, will: delayed(topic, 'ended', 60), ...sessionOf(60) })
    await peer.vanish()
    await broker.connect(5, { clientId, clean: true })
    assert.equal((await subscriber.receive()).payload.toString(), 'ended')
  })

  test('[MQTT-5.0 3.1.3-10, 3.3.2-4, 3.3.2-15, 3.3.2-16, 3.3.2-17, 3.3.2-18, 3.3.2-20] a will is published with its properties, User Properties in their order', async (broker) => {
    const topic = newTopic()
    const subscriber = await broker.connect(5)
    await subscriber.subscribe([[topic, 1]])
    const properties: Property[] = [
      ['payloadFormatIndicator', 1],
      ['contentType', 'text/plain'],
      ['responseTopic', 'answers/here'],
      ['correlationData', Buffer.from([0, 1, 0xff])],
      ['userProperty', ['z', '1']],
      ['userProperty', ['a', '2']],
      ['userProperty', ['z', '3']],
    ]
    const peer = await broker.connect(5, { will: { topic, payload: 'will', qos: 1, properties } })
    await peer.vanish()
    const message = await subscriber.receive()
    const byName = (list: readonly Property[]) => list.filter(([name]) => name !== 'userProperty').toSorted()
    const pairs = (list: readonly Property[]) => list.filter(([name]) => name === 'userProperty')
    assert.deepEqual(pairs(message.properties), pairs(properties))
    assert.deepEqual(byName(message.properties), byName(properties))
  })

  for (const reasonCode of [0x04, 0x80, 0x98]) {
    test(`[MQTT-5.0 3.1.2-8, 3.1.2-10, 3.14.4-3] DISCONNECT ${reasonCode} publishes the will, DISCONNECT 0 does not`, async (broker) => {
      const topic = newTopic()
      const subscriber = await broker.connect(5)
      await subscriber.subscribe([[topic, 0]])
      await (await broker.connect(5, { will: { topic, payload: 'normal' } })).disconnect(0)
      await (await broker.connect(5, { will: { topic, payload: 'other' } })).disconnect(reasonCode)
      assert.equal((await subscriber.receive()).payload.toString(), 'other')
    })
  }

  const wrong: readonly (readonly [string, readonly Property[]])[] = [
    ['[MQTT-5.0 3.3.2-14] a Response Topic with a wildcard', [['responseTopic', 'a/#']]],
    ['[MQTT-5.0 3.3.2-13] a Response Topic that is ill-formed', [['responseTopic', Buffer.from([0xc3])]]],
    ['[MQTT-5.0 3.3.2-19] a Content Type that is ill-formed', [['contentType', Buffer.from([0xc3])]]],
    ['[MQTT-5.0 3.1.4-1] Payload Format Indicator 2', [['payloadFormatIndicator', 2]]],
    ['[MQTT-5.0 3.1.4-1] a Topic Alias', [['topicAlias', 1]]],
    [
      '[MQTT-5.0 3.1.4-1] Will Delay Interval twice',
      [
        ['willDelayInterval', 1],
        ['willDelayInterval', 1],
      ],
    ],
  ]
  for (const [what, properties] of wrong) {
    test(`${what} in a will is refused`, async (broker) => {
      const peer = await broker.open(5)
      const will = { topic: newTopic(), payload: 'x', properties }
      peer.write(connectBytes({ level: 5, clientId: peer.clientId, will }))
      await assertConnectRefused(peer, 0x81, 0x82, 0x90, 0x99)
    })
  }
})
