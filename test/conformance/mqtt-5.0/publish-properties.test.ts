import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { persistent, publishBytes } from '../../helpers/conformance/build.ts'
import { assertDisconnected, messagesUntilNow, texts } from '../../helpers/conformance/expectations.ts'
import { type Property, valuesOf } from '../../helpers/conformance/properties.ts'
import { conformance, newClientId, newTopic } from '../../helpers/conformance/suite.ts'

const all: readonly Property[] = [
  ['payloadFormatIndicator', 1],
  ['contentType', 'application/json; charset=utf-8'],
  ['responseTopic', 'answers/\u{1f600}'],
  ['correlationData', Buffer.from([0, 0xff, 1, 0xfe])],
  ['userProperty', ['b', 'first']],
  ['userProperty', ['a', 'second']],
  ['userProperty', ['b', 'third']],
  ['userProperty', ['', '']],
  ['userProperty', ['__proto__', 'constructor']],
  ['userProperty', ['a', 'second']],
]
const pairs = (list: readonly Property[]) => list.filter(([name]) => name === 'userProperty')
const others = (list: readonly Property[]) => list.filter(([name]) => name !== 'userProperty').toSorted()

conformance('properties of PUBLISH', (test) => {
  for (const way of ['live', 'retained', 'queued'] as const) {
    test(`[MQTT-5.0 3.3.2-4, 3.3.2-15, 3.3.2-16, 3.3.2-17, 3.3.2-18, 3.3.2-20] all of them arrive as they were, ${way}`, async (broker) => {
      const topic = newTopic()
      const session = { clientId: newClientId(), ...persistent(5) }
      let subscriber = await broker.connect(5, session)
      if (way !== 'retained') await subscriber.subscribe([[topic, 1]])
      if (way === 'queued') await subscriber.disconnect()
      const publisher = await broker.connect(5)
      const retain = way === 'retained'
      await publisher.publish({ topic, qos: 1, payload: '{}', retain, properties: all })
      if (way === 'queued') subscriber = await broker.connect(5, session)
      if (way === 'retained') await subscriber.subscribe([[topic, 1]])
      const { properties } = await subscriber.receive()
      assert.deepEqual(pairs(properties), pairs(all))
      assert.deepEqual(others(properties), others(all))
    })
  }

  test('[MQTT-5.0 3.3.2-4] Payload Format Indicator 0 arrives as 0 or is left out, which means the same', async (broker) => {
    const topic = newTopic()
    const peer = await broker.connect(5)
    await peer.subscribe([[topic, 0]])
    await peer.publish({ topic, payload: Buffer.from([0xff]), properties: [['payloadFormatIndicator', 0]] })
    const [value = 0] = valuesOf((await peer.receive()).properties, 'payloadFormatIndicator')
    assert.equal(value, 0)
  })

  test('[MQTT-5.0 3.3.2-6] Message Expiry Interval arrives less the time that the message waited', async (broker) => {
    const topic = newTopic()
    const session = { clientId: newClientId(), ...persistent(5) }
    const before = await broker.connect(5, session)
    await before.subscribe([[topic, 1]])
    const publisher = await broker.connect(5)
    const message = { topic, qos: 1, payload: 'x', properties: [['messageExpiryInterval', 100]] } as const
    await publisher.publish(message)
    const [live] = valuesOf((await before.receive()).properties, 'messageExpiryInterval')
    assert.ok(typeof live === 'number' && live <= 100 && live >= 95, `${live} of 100 at once`)
    await before.ping()
    await before.disconnect()
    await publisher.publish(message)
    await publisher.publish({ ...message, topic: `${topic}/retained`, retain: true })
    await sleep(2_100)
    const after = await broker.connect(5, session)
    const [queued] = valuesOf((await after.receive()).properties, 'messageExpiryInterval')
    assert.ok(typeof queued === 'number' && queued <= 98 && queued >= 80, `${queued} of 100 from the queue`)
    await after.subscribe([[`${topic}/retained`, 0]])
    const [retained] = valuesOf((await after.receive()).properties, 'messageExpiryInterval')
    assert.ok(typeof retained === 'number' && retained <= 98 && retained >= 80, `${retained} of 100 retained`)
  })

  test('[MQTT-5.0 3.3.2-5] a message that expired is delivered neither from the queue nor as a retained one', async (broker) => {
    const topic = newTopic()
    const session = { clientId: newClientId(), ...persistent(5) }
    const before = await broker.connect(5, session)
    await before.subscribe([[`${topic}/+`, 1]])
    await before.disconnect()
    const publisher = await broker.connect(5)
    const expiring = { qos: 1, properties: [['messageExpiryInterval', 1]] } as const
    await publisher.publish({ ...expiring, topic: `${topic}/queued`, payload: 'expired' })
    await publisher.publish({ ...expiring, topic: `${topic}/retained`, payload: 'expired', retain: true })
    await publisher.publish({ topic: `${topic}/queued`, qos: 1, payload: 'kept' })
    await sleep(2_500)
    const after = await broker.connect(5, session)
    assert.deepEqual(texts(await messagesUntilNow(publisher, after, 1)), ['kept'])
    const late = await broker.connect(5)
    await late.subscribe([[`${topic}/+`, 0]])
    assert.deepEqual(await messagesUntilNow(publisher, late), [])
  })

  test('[MQTT-5.0 4.3.3-7] a message of QoS 2 that was sent once does not expire', async (broker) => {
    const topic = newTopic()
    const session = { clientId: newClientId(), ...persistent(5) }
    const before = await broker.connect(5, session)
    await before.subscribe([[topic, 2]])
    const publisher = await broker.connect(5)
    await publisher.publish({ topic, qos: 2, payload: 'sent', properties: [['messageExpiryInterval', 1]] })
    const { packetId } = await before.next('publish')
    await before.vanish()
    await sleep(2_500)
    const again = await (await broker.connect(5, session)).receive()
    assert.deepEqual([again.packetId, again.dup, again.payload.toString()], [packetId, true, 'sent'])
  })

  test('[MQTT-5.0 4.3.3-13] an exchange of QoS 2 is completed though its message has expired', async (broker) => {
    const publisher = await broker.connect(5)
    const properties = [['messageExpiryInterval', 1]] as const
    publisher.write(publishBytes(5, { topic: newTopic(), qos: 2, packetId: 8, properties }))
    await publisher.next('pubrec')
    await sleep(2_000)
    publisher.write(publishBytes(5, { topic: newTopic(), qos: 2, packetId: 9, properties }))
    await publisher.next('pubrec')
    for (const packetId of [8, 9]) {
      publisher.write(Buffer.from([0x62, 2, 0, packetId]))
      const complete = await publisher.next('pubcomp')
      assert.deepEqual([complete.packetId, complete.reasonCode], [packetId, 0])
    }
  })

  const wrong: readonly (readonly [string, readonly Property[], readonly number[]])[] = [
    ['[MQTT-5.0 3.3.2-14] a Response Topic with a wildcard', [['responseTopic', 'a/+']], [0x81, 0x82, 0x90]],
    [
      '[MQTT-5.0 3.3.2-13] a Response Topic that is ill-formed',
      [['responseTopic', Buffer.from([0xed, 0xa0, 0x80])]],
      [0x81, 0x82],
    ],
    ['[MQTT-5.0 3.3.2-19] a Content Type that is ill-formed', [['contentType', Buffer.from([0xc3])]], [0x81, 0x82]],
    ['[MQTT-5.0 3.3.2-19, 1.5.4-2] a Content Type with U+0000', [['contentType', 'a\0']], [0x81, 0x82]],
    [
      '[MQTT-5.0 1.5.7-1] a User Property with an ill-formed name',
      [['userProperty', [Buffer.from([0x80]), 'x']]],
      [0x81, 0x82],
    ],
    ['[MQTT-5.0 1.5.7-1] a User Property with U+0000 in its value', [['userProperty', ['x', 'a\0']]], [0x81, 0x82]],
    ['[MQTT-5.0 3.3.4-6] a Subscription Identifier', [['subscriptionIdentifier', 1]], [0x82]],
    ['[MQTT-5.0 4.13.1-1] Payload Format Indicator 2', [['payloadFormatIndicator', 2]], [0x81, 0x82]],
    ['[MQTT-5.0 4.13.1-1] a property of CONNECT', [['receiveMaximum', 1]], [0x81, 0x82]],
    [
      '[MQTT-5.0 4.13.1-1] Message Expiry Interval twice',
      [
        ['messageExpiryInterval', 1],
        ['messageExpiryInterval', 1],
      ],
      [0x81, 0x82],
    ],
  ]
  for (const [what, properties, codes] of wrong) {
    test(`${what} in PUBLISH ends the connection`, async (broker) => {
      const peer = await broker.connect(5)
      peer.write(publishBytes(5, { topic: newTopic(), qos: 1, packetId: 1, payload: 'x', properties }))
      await assertDisconnected(peer, ...codes)
    })
  }
})
