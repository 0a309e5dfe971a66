import assert from 'node:assert/strict'
import { acknowledgementBytes, persistent, publishBytes } from '../../helpers/conformance/build.ts'
import { messagesUntilNow, texts } from '../../helpers/conformance/expectations.ts'
import { conformance, newClientId, newTopic, versions } from '../../helpers/conformance/suite.ts'

conformance('the broker as the receiver of PUBLISH, both versions', (test) => {
  for (const { name, level } of versions) {
    test(`[MQTT-3.1.1 3.3.4-1] [MQTT-5.0 3.3.4-1] QoS 0 gets no answer (${name})`, async (broker) => {
      const peer = await broker.connect(level)
      await peer.publish({ topic: newTopic() })
      await peer.ping()
      assert.deepEqual(peer.takeAll(), [])
    })

    for (const packetId of [1, 0x7fff, 0xffff]) {
      test(`[MQTT-3.1.1 2.3.1-6, 3.3.4-1, 4.3.2-2] [MQTT-5.0 2.2.1-5, 3.3.4-1, 3.4.2-1, 4.3.2-4] QoS 1 gets PUBACK ${packetId} for PUBLISH ${packetId} (${name})`, async (broker) => {
        const peer = await broker.connect(level)
        peer.write(publishBytes(level, { topic: newTopic(), qos: 1, packetId }))
        const answer = await peer.nextOfAnyType()
        assert.deepEqual([answer.type, answer.packetId], ['puback', packetId])
        assert.ok(answer.reasonCode < 0x80)
      })

      test(`[MQTT-3.1.1 2.3.1-6, 3.3.4-1, 4.3.3-2] [MQTT-5.0 2.2.1-5, 3.3.4-1, 3.5.2-1, 3.7.2-1, 4.3.3-8, 4.3.3-11] QoS 2 gets PUBREC ${packetId}, then PUBCOMP ${packetId} (${name})`, async (broker) => {
        const peer = await broker.connect(level)
        peer.write(publishBytes(level, { topic: newTopic(), qos: 2, packetId }))
        const received = await peer.nextOfAnyType()
        assert.deepEqual([received.type, received.packetId], ['pubrec', packetId])
        assert.ok(received.reasonCode < 0x80)
        peer.write(acknowledgementBytes('pubrel', packetId))
        const complete = await peer.nextOfAnyType()
        assert.deepEqual([complete.type, complete.packetId, complete.reasonCode], ['pubcomp', packetId, 0])
      })
    }

    test(`[MQTT-3.1.1 4.3.2-2] [MQTT-5.0 4.3.2-5] after PUBACK the same identifier means a new message, with DUP or not (${name})`, async (broker) => {
      const topic = newTopic()
      const subscriber = await broker.connect(level)
      await subscriber.subscribe([[topic, 0]])
      const publisher = await broker.connect(level)
      for (const [payload, dup] of [
        ['first', false],
        ['again', true],
        ['other', false],
      ] as const)
        await publisher.publish({ topic, qos: 1, packetId: 7, dup, payload })
      assert.deepEqual(texts(await messagesUntilNow(publisher, subscriber)), ['first', 'again', 'other'])
    })

    test(`[MQTT-3.1.1 4.3.3-2] [MQTT-5.0 4.3.3-10] until PUBREL a repeated PUBLISH gets PUBREC and is delivered once (${name})`, async (broker) => {
      const topic = newTopic()
      const subscriber = await broker.connect(level)
      await subscriber.subscribe([[topic, 0]])
      const publisher = await broker.connect(level)
      for (const dup of [false, true, true]) {
        publisher.write(publishBytes(level, { topic, qos: 2, packetId: 9, dup, payload: 'once' }))
        const answer = await publisher.next('pubrec')
        assert.equal(answer.packetId, 9)
        assert.ok(answer.reasonCode < 0x80)
      }
      publisher.write(acknowledgementBytes('pubrel', 9))
      await publisher.next('pubcomp')
      assert.deepEqual(texts(await messagesUntilNow(publisher, subscriber)), ['once'])
    })

    test(`[MQTT-3.1.1 4.3.3-2] [MQTT-5.0 4.3.3-12] after PUBCOMP the same identifier means a new message (${name})`, async (broker) => {
      const topic = newTopic()
      const subscriber = await broker.connect(level)
      await subscriber.subscribe([[topic, 0]])
      const publisher = await broker.connect(level)
      await publisher.publish({ topic, qos: 2, packetId: 3, payload: 'first' })
      await publisher.publish({ topic, qos: 2, packetId: 3, payload: 'second' })
      assert.deepEqual(texts(await messagesUntilNow(publisher, subscriber)), ['first', 'second'])
    })

    test(`[MQTT-3.1.1 4.3.3-2, 4.4.0-1] [MQTT-5.0 4.3.3-10] an open QoS 2 exchange goes on after a reconnect, delivered once (${name})`, async (broker) => {
      const topic = newTopic()
      const subscriber = await broker.connect(level)
      await subscriber.subscribe([[topic, 0]])
      const session = { clientId: newClientId(), ...persistent(level) }
      const before = await broker.connect(level, session)
      before.write(publishBytes(level, { topic, qos: 2, packetId: 5, payload: 'once' }))
      await before.next('pubrec')
      await before.vanish()
      const after = await broker.connect(level, session)
      after.write(publishBytes(level, { topic, qos: 2, packetId: 5, dup: true, payload: 'once' }))
      assert.equal((await after.next('pubrec')).packetId, 5)
      after.write(acknowledgementBytes('pubrel', 5))
      assert.equal((await after.next('pubcomp')).packetId, 5)
      assert.deepEqual(texts(await messagesUntilNow(after, subscriber)), ['once'])
    })

    test(`[MQTT-3.1.1 4.3.3-2] [MQTT-5.0 3.1.2-4] a clean start forgets open QoS 2 exchanges: the identifier means a new message (${name})`, async (broker) => {
      const topic = newTopic()
      const subscriber = await broker.connect(level)
      await subscriber.subscribe([[topic, 0]])
      const session = { clientId: newClientId(), ...persistent(level) }
      const before = await broker.connect(level, session)
      before.write(publishBytes(level, { topic, qos: 2, packetId: 7, payload: 'old' }))
      await before.next('pubrec')
      await before.vanish()
      const after = await broker.connect(level, { ...session, clean: true })
      await after.publish({ topic, qos: 2, packetId: 7, payload: 'new' })
      // Whether 'old' is delivered at PUBREC or at PUBREL is the server's choice [MQTT-5.0 4.3.3, figure 4.3].
      assert.equal(texts(await messagesUntilNow(after, subscriber)).at(-1), 'new')
    })

    test(`[MQTT-3.1.1 4.3.3-2] [MQTT-5.0 4.3.3-11] PUBREL of an identifier that nobody knows gets PUBCOMP (${name})`, async (broker) => {
      const peer = await broker.connect(level)
      peer.write(acknowledgementBytes('pubrel', 4711))
      const { packetId } = await peer.next('pubcomp')
      assert.equal(packetId, 4711)
    })

    test(`[MQTT-3.1.1 4.6.0-6] [MQTT-5.0 4.6.0-2] PUBACKs come in the order of their PUBLISH packets (${name})`, async (broker) => {
      const topic = newTopic()
      const peer = await broker.connect(level)
      const ids = Array.from({ length: 20 }, (_, i) => 100 + ((i * 7) % 20))
      peer.write(...ids.map((packetId) => publishBytes(level, { topic, qos: 1, packetId })))
      const answers: number[] = []
      while (answers.length < ids.length) answers.push((await peer.next('puback')).packetId)
      assert.deepEqual(answers, ids)
    })

    test(`[MQTT-3.1.1 4.6.0-6] [MQTT-5.0 4.6.0-3] PUBRECs come in the order of their PUBLISH packets (${name})`, async (broker) => {
      const topic = newTopic()
      const peer = await broker.connect(level)
      const ids = Array.from({ length: 20 }, (_, i) => 100 + ((i * 7) % 20))
      peer.write(...ids.map((packetId) => publishBytes(level, { topic, qos: 2, packetId })))
      const answers: number[] = []
      while (answers.length < ids.length) answers.push((await peer.next('pubrec')).packetId)
      assert.deepEqual(answers, ids)
    })
  }
})
