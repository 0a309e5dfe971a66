import assert from 'node:assert/strict'
import { persistent, unsubscribeBytes } from '../../helpers/conformance/build.ts'
import { assertDisconnected, messagesUntilNow, texts } from '../../helpers/conformance/expectations.ts'
import { conformance, newClientId, newTopic, versions } from '../../helpers/conformance/suite.ts'

conformance('UNSUBSCRIBE of both versions', (test) => {
  for (const { name, level } of versions) {
    test(`[MQTT-3.1.1 2.3.1-7, 3.10.4-4, 3.10.4-5] [MQTT-5.0 2.2.1-6, 3.10.4-4, 3.10.4-5] UNSUBSCRIBE gets UNSUBACK of its identifier, also when nothing was subscribed (${name})`, async (broker) => {
      const peer = await broker.connect(level)
      for (const packetId of [1, 0x8000, 0xffff]) {
        peer.write(unsubscribeBytes(level, packetId, [newTopic()]))
        const { type, packetId: answered } = await peer.nextOfAnyType()
        assert.deepEqual([type, answered], ['unsuback', packetId])
      }
    })

    test(`[MQTT-3.1.1 3.10.4-2] [MQTT-5.0 3.10.4-2] after UNSUBACK no new messages come (${name})`, async (broker) => {
      const topic = newTopic()
      const peer = await broker.connect(level)
      await peer.subscribe([[topic, 1]])
      await peer.publish({ topic, qos: 1, payload: 'before' })
      assert.equal((await peer.receive()).payload.toString(), 'before')
      await peer.unsubscribe(topic)
      await peer.publish({ topic, qos: 1, payload: 'after' })
      assert.deepEqual(await messagesUntilNow(peer, peer), [])
    })

    test(`[MQTT-3.1.1 3.10.4-1] [MQTT-5.0 3.10.4-1] a filter that covers others deletes only itself (${name})`, async (broker) => {
      const topic = newTopic()
      const peer = await broker.connect(level)
      await peer.subscribe([
        [`${topic}/a`, 0],
        [`${topic}/+`, 0],
      ])
      await peer.unsubscribe(`${topic}/+`)
      await peer.unsubscribe(`${topic}/#`)
      await peer.unsubscribe(`${topic}/A`)
      await peer.publish({ topic: `${topic}/a`, payload: 'a' })
      await peer.publish({ topic: `${topic}/b`, payload: 'b' })
      assert.deepEqual(texts(await messagesUntilNow(peer, peer)), ['a'])
    })

    test(`[MQTT-3.1.1 3.10.4-6] [MQTT-5.0 3.10.4-6] several filters are all deleted, with one UNSUBACK (${name})`, async (broker) => {
      const topic = newTopic()
      const peer = await broker.connect(level)
      await peer.subscribe([
        [`${topic}/a`, 0],
        [`${topic}/b`, 0],
        [`${topic}/c`, 0],
      ])
      await peer.unsubscribe(`${topic}/a`, `${topic}/none`, `${topic}/c`)
      for (const last of ['a', 'b', 'c']) await peer.publish({ topic: `${topic}/${last}`, payload: last })
      assert.deepEqual(texts(await messagesUntilNow(peer, peer)), ['b'])
      assert.deepEqual(peer.takeAll(), [])
    })

    for (const qos of [1, 2]) {
      test(`[MQTT-3.1.1 3.10.4-3] [MQTT-5.0 3.10.4-3] a delivery of QoS ${qos} that has begun is completed after UNSUBSCRIBE, over a reconnect, too (${name})`, async (broker) => {
        const topic = newTopic()
        const session = { clientId: newClientId(), ...persistent(level) }
        const before = await broker.connect(level, session)
        await before.subscribe([[topic, qos]])
        const publisher = await broker.connect(level)
        await publisher.publish({ topic, qos, payload: 'begun' })
        const begun = await before.next('publish')
        await before.unsubscribe(topic)
        await before.vanish()
        const after = await broker.connect(level, session)
        const again = await after.receive()
        assert.deepEqual([again.packetId, again.payload.toString()], [begun.packetId, 'begun'])
      })
    }

    test(`[MQTT-3.1.1 3.10.3-2] [MQTT-5.0 3.10.3-2] UNSUBSCRIBE without a filter ends the connection (${name})`, async (broker) => {
      const peer = await broker.connect(level)
      peer.write(unsubscribeBytes(level, 1, []))
      await assertDisconnected(peer, 0x81, 0x82)
    })
  }
})
