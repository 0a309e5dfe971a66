import assert from 'node:assert/strict'
import { acknowledgementBytes, persistent } from '../../helpers/conformance/build.ts'
import { messagesUntilNow, texts } from '../../helpers/conformance/expectations.ts'
import { valuesOf } from '../../helpers/conformance/properties.ts'
import { conformance, newClientId, newTopic } from '../../helpers/conformance/suite.ts'

const numbered = (count: number) => Array.from({ length: count }, (_, i) => `${i}`)

conformance('shared subscriptions', (test) => {
  test('[MQTT-5.0 4.8.2-1, 4.8.2-2] each message goes to one member of each group, and to the subscribers outside', async (broker) => {
    const topic = newTopic()
    const members = [await broker.connect(5), await broker.connect(5), await broker.connect(5)]
    for (const member of members) assert.deepEqual(await member.subscribe([[`$share/one/${topic}/#`, 1]]), [1])
    const other = await broker.connect(5)
    await other.subscribe([[`$share/other group/${topic}/+`, 1]])
    const outside = await broker.connect(5)
    await outside.subscribe([[`${topic}/+`, 1]])
    const publisher = await broker.connect(5)
    await publisher.publishAll(numbered(12).map((payload) => ({ topic: `${topic}/x`, qos: 1, payload })))
    const shared = await Promise.all(members.map((member) => messagesUntilNow(publisher, member, 1)))
    assert.deepEqual(texts(shared.flat()).toSorted(), numbered(12).toSorted())
    assert.deepEqual(texts(await messagesUntilNow(publisher, other, 1)), numbered(12))
    assert.deepEqual(texts(await messagesUntilNow(publisher, outside, 1)), numbered(12))
  })

  for (const filter of ['$share/', '$share//a', '$share/g', '$share/g/', '$share/g+/a', '$share/g#/a', '$share/+/a']) {
    test(`[MQTT-5.0 4.8.2-1, 4.8.2-2] ${filter} is not granted`, async (broker) => {
      const peer = await broker.connect(5)
      peer.write(Buffer.from([0x82, filter.length + 6, 0, 1, 0, 0, filter.length]), Buffer.from(`${filter}\0`))
      const answer = await peer.nextOrEnd('suback', 'disconnect')
      if (answer?.type === 'suback') assert.ok((answer.reasonCodes[0] ?? 0) >= 0x80)
      else await peer.closed()
    })
  }

  test('[MQTT-5.0 4.8.2-3] a member gets messages at the QoS granted to it', async (broker) => {
    const topic = newTopic()
    const [zero, one] = [await broker.connect(5), await broker.connect(5)]
    await zero.subscribe([[`$share/g/${topic}`, 0]])
    await one.subscribe([[`$share/g/${topic}`, 1]])
    const publisher = await broker.connect(5)
    await publisher.publishAll(numbered(8).map((payload) => ({ topic, qos: 2, payload })))
    const atZero = await messagesUntilNow(publisher, zero, 1)
    const atOne = await messagesUntilNow(publisher, one, 1)
    assert.equal(atZero.length + atOne.length, 8)
    assert.ok(atZero.every(({ qos }) => qos === 0) && atOne.every(({ qos }) => qos === 1))
  })

  test('[MQTT-5.0 3.8.4-3, 3.10.4-1] a member leaves its group by UNSUBSCRIBE of the same filter', async (broker) => {
    const topic = newTopic()
    const [leaving, staying] = [await broker.connect(5), await broker.connect(5)]
    for (const member of [leaving, staying]) await member.subscribe([[`$share/g/${topic}`, 0]])
    assert.deepEqual(await leaving.unsubscribe(topic, `$share/g/${topic}`), [0x11, 0x00])
    const publisher = await broker.connect(5)
    for (const payload of numbered(4)) await publisher.publish({ topic, payload })
    assert.deepEqual(texts(await messagesUntilNow(publisher, staying)), numbered(4))
    assert.deepEqual(await messagesUntilNow(publisher, leaving), [])
  })

  test('[MQTT-5.0 4.8.2] a shared subscription gets no retained messages when it is made', async (broker) => {
    const topic = newTopic()
    const peer = await broker.connect(5)
    await peer.publish({ topic, qos: 1, retain: true, payload: 'kept' })
    await peer.subscribe([[`$share/g/${topic}`, 1]])
    assert.deepEqual(await messagesUntilNow(peer, peer), [])
  })

  test('[MQTT-5.0 3.3.4-3] a shared subscription has its own Subscription Identifier', async (broker) => {
    const topic = newTopic()
    const peer = await broker.connect(5)
    await peer.subscribe([[`$share/g/${topic}`, 1]], [['subscriptionIdentifier', 5]])
    await peer.publish({ topic, qos: 1 })
    assert.deepEqual(valuesOf((await peer.receive()).properties, 'subscriptionIdentifier'), [5])
  })

  test('[MQTT-5.0 4.8.2-4] QoS 2 that had begun to a member is completed when that member is back', async (broker) => {
    const topic = newTopic()
    const session = { clientId: newClientId(), ...persistent(5) }
    const member = await broker.connect(5, session)
    await member.subscribe([[`$share/g/${topic}`, 2]])
    const publisher = await broker.connect(5)
    await publisher.publish({ topic, qos: 2, payload: 'begun' })
    const { packetId } = await member.next('publish')
    const other = await broker.connect(5)
    await other.subscribe([[`$share/g/${topic}`, 2]])
    await member.vanish()
    assert.deepEqual(await messagesUntilNow(publisher, other, 1), [])
    const again = await (await broker.connect(5, session)).receive()
    assert.deepEqual([again.packetId, again.dup, again.payload.toString()], [packetId, true, 'begun'])
  })

  test('[MQTT-5.0 4.8.2-5] QoS 2 that had begun to a member goes to nobody else when the session of that member ends', async (broker) => {
    const topic = newTopic()
    const member = await broker.connect(5)
    await member.subscribe([[`$share/g/${topic}`, 2]])
    const publisher = await broker.connect(5)
    await publisher.publish({ topic, qos: 2, payload: 'begun' })
    await member.next('publish')
    const other = await broker.connect(5)
    await other.subscribe([[`$share/g/${topic}`, 2]])
    await member.vanish()
    // The end of a connection is noticed when its id can be used again without taking anything over.
    await broker.connect(5, { clientId: member.clientId })
    assert.deepEqual(await messagesUntilNow(publisher, other, 1), [])
  })

  for (const [qos, answer] of [
    [1, 'puback'],
    [2, 'pubrec'],
  ] as const) {
    test(`[MQTT-5.0 4.8.2-6] a message that a member answered with ${answer} 0x80 goes to nobody else`, async (broker) => {
      const topic = newTopic()
      const member = await broker.connect(5)
      await member.subscribe([[`$share/g/${topic}`, qos]])
      const publisher = await broker.connect(5)
      await publisher.publish({ topic, qos, payload: 'unwanted' })
      const { packetId } = await member.next('publish')
      const other = await broker.connect(5)
      await other.subscribe([[`$share/g/${topic}`, qos]])
      member.write(acknowledgementBytes(answer, packetId, 0x80))
      await member.ping()
      await member.disconnect()
      assert.deepEqual(await messagesUntilNow(publisher, other, 1), [])
    })
  }
})
