import assert from 'node:assert/strict'
import { acknowledgementBytes, persistent, publishBytes } from '../../helpers/conformance/build.ts'
import { messagesUntilNow, texts } from '../../helpers/conformance/expectations.ts'
import { conformance, newClientId, newTopic, versions } from '../../helpers/conformance/suite.ts'

conformance('the broker as the sender of PUBLISH, both versions', (test) => {
  for (const { name, level } of versions) {
    test(`[MQTT-3.1.1 2.3.1-5, 3.3.1-2, 4.3.1-1] [MQTT-5.0 2.2.1-2, 3.3.1-2, 4.3.1-1] QoS 0 goes out without identifier and without DUP (${name})`, async (broker) => {
      const topic = newTopic()
      const peer = await broker.connect(level)
      await peer.subscribe([[topic, 0]])
      await peer.publish({ topic, payload: 'payload' })
      const { qos, dup, packetId, payload } = await peer.receive()
      // An identifier before the payload would be read as part of it.
      assert.deepEqual([qos, dup, packetId, payload.toString()], [0, false, 0, 'payload'])
    })

    for (const qos of [1, 2] as const) {
      test(`[MQTT-3.1.1 2.3.1-1, 2.3.1-4, 4.3.2-1, 4.3.3-1] [MQTT-5.0 2.2.1-4, 4.3.2-1, 4.3.2-2, 4.3.3-1, 4.3.3-2] messages in flight at QoS ${qos} have identifiers of their own, and no DUP (${name})`, async (broker) => {
        const topic = newTopic()
        const subscriber = await broker.connect(level)
        await subscriber.subscribe([[topic, qos]])
        const publisher = await broker.connect(level)
        await publisher.publishAll(Array.from({ length: 10 }, () => ({ topic, qos })))
        const ids = new Set<number>()
        for (let i = 0; i < 10; i++) {
          const message = await subscriber.next('publish')
          assert.equal(message.qos, qos)
          assert.equal(message.dup, false)
          ids.add(message.packetId)
        }
        assert.equal(ids.size, 10)
      })

      test(`[MQTT-3.1.1 3.3.1-1, 4.3.2-1, 4.3.3-1, 4.4.0-1, 4.6.0-6] [MQTT-5.0 3.3.1-1, 4.3.2-3, 4.3.3-3, 4.4.0-1] unacknowledged messages of QoS ${qos} come again after a reconnect, with DUP, in order, under their identifiers (${name})`, async (broker) => {
        const topic = newTopic()
        const session = { clientId: newClientId(), ...persistent(level) }
        const before = await broker.connect(level, session)
        await before.subscribe([[topic, qos]])
        const publisher = await broker.connect(level)
        await publisher.publishAll(['1', '2', '3', '4'].map((payload) => ({ topic, qos, payload })))
        const first = await before.receive()
        assert.equal(first.payload.toString(), '1')
        const open = [await before.next('publish'), await before.next('publish'), await before.next('publish')]
        await before.vanish()
        const after = await broker.connect(level, session)
        const again = [await after.next('publish'), await after.next('publish'), await after.next('publish')]
        assert.deepEqual(texts(again), ['2', '3', '4'])
        assert.deepEqual(
          again.map(({ packetId }) => packetId),
          open.map(({ packetId }) => packetId),
        )
        assert.ok(again.every(({ dup }) => dup))
        for (const message of again) await after.acknowledge(message)
        assert.deepEqual(await messagesUntilNow(publisher, after), [])
      })

      test(`[MQTT-3.1.1 4.4.0-1] [MQTT-5.0 4.4.0-1] what was acknowledged at QoS ${qos} does not come again (${name})`, async (broker) => {
        const topic = newTopic()
        const session = { clientId: newClientId(), ...persistent(level) }
        const before = await broker.connect(level, session)
        await before.subscribe([[topic, qos]])
        const publisher = await broker.connect(level)
        await publisher.publish({ topic, qos })
        await before.receive()
        await before.ping()
        await before.vanish()
        const after = await broker.connect(level, session)
        assert.deepEqual(await messagesUntilNow(publisher, after, 1), [])
      })
    }

    test(`[MQTT-3.1.1 2.3.1-6, 4.3.3-1] [MQTT-5.0 2.2.1-5, 3.6.2-1, 4.3.3-4] PUBREC gets a PUBREL of the same identifier (${name})`, async (broker) => {
      const topic = newTopic()
      const peer = await broker.connect(level)
      await peer.subscribe([[topic, 2]])
      await peer.publish({ topic, qos: 2 })
      const { packetId } = await peer.next('publish')
      peer.write(acknowledgementBytes('pubrec', packetId))
      const release = await peer.next('pubrel')
      assert.deepEqual([release.packetId, release.reasonCode], [packetId, 0])
    })

    test(`[MQTT-3.1.1 4.3.3-1, 4.4.0-1] [MQTT-5.0 4.3.3-5, 4.3.3-6, 4.4.0-1] after a reconnect PUBREL comes again until PUBCOMP, and PUBLISH does not (${name})`, async (broker) => {
      const topic = newTopic()
      const session = { clientId: newClientId(), ...persistent(level) }
      const before = await broker.connect(level, session)
      await before.subscribe([[topic, 2]])
      const publisher = await broker.connect(level)
      await publisher.publish({ topic, qos: 2 })
      const { packetId } = await before.next('publish')
      before.write(acknowledgementBytes('pubrec', packetId))
      await before.next('pubrel')
      await before.vanish()
      const after = await broker.connect(level, session)
      assert.equal((await after.next('pubrel')).packetId, packetId)
      after.write(acknowledgementBytes('pubcomp', packetId))
      assert.deepEqual(await messagesUntilNow(publisher, after, 1), [])
      await after.vanish()
      const last = await broker.connect(level, session)
      await last.ping()
      assert.deepEqual(last.takeAll(), [])
    })

    test(`[MQTT-3.1.1 3.3.1-3] [MQTT-5.0 3.3.1-3] DUP of the publisher is not passed on (${name})`, async (broker) => {
      const topic = newTopic()
      const subscriber = await broker.connect(level)
      await subscriber.subscribe([[topic, 1]])
      const publisher = await broker.connect(level)
      publisher.write(publishBytes(level, { topic, qos: 1, packetId: 1, dup: true }))
      assert.equal((await subscriber.receive()).dup, false)
    })

    test(`[MQTT-3.1.1 4.3.2-1] [MQTT-5.0 4.3.2-3] a PUBACK for another identifier does not acknowledge (${name})`, async (broker) => {
      const topic = newTopic()
      const session = { clientId: newClientId(), ...persistent(level) }
      const before = await broker.connect(level, session)
      await before.subscribe([[topic, 1]])
      await (await broker.connect(level)).publish({ topic, qos: 1 })
      const { packetId } = await before.next('publish')
      before.write(acknowledgementBytes('puback', packetId === 99 ? 98 : 99))
      // The broker may end the connection for it, or not.
      await before.vanish()
      const again = await (await broker.connect(level, session)).next('publish')
      assert.equal(again.packetId, packetId)
    })
  }
})
