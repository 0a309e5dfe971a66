import assert from 'node:assert/strict'
import { acknowledgementBytes, persistent, publishBytes } from '../../helpers/conformance/build.ts'
import { assertDisconnected, texts } from '../../helpers/conformance/expectations.ts'
import { valuesOf } from '../../helpers/conformance/properties.ts'
import { conformance, newClientId, newTopic } from '../../helpers/conformance/suite.ts'

const numbered = (count: number) => Array.from({ length: count }, (_, i) => `${i}`)

conformance('Receive Maximum, both ways', (test) => {
  for (const qos of [1, 2] as const) {
    test(`[MQTT-5.0 3.3.4-9, 4.9.0-1, 4.9.0-2] no more messages of QoS ${qos} are in flight than the client allows, and each acknowledgement lets one more through`, async (broker) => {
      const topic = newTopic()
      const peer = await broker.connect(5, { properties: [['receiveMaximum', 3]] })
      await peer.subscribe([[topic, qos]])
      const publisher = await broker.connect(5)
      await publisher.publishAll(numbered(8).map((payload) => ({ topic, qos, payload })))
      const open = [await peer.next('publish'), await peer.next('publish'), await peer.next('publish')]
      const got = [...open]
      for (let i = 3; i < 8; i++) {
        await peer.ping()
        assert.deepEqual(peer.takeAll(), [], `a message more than 3 while ${texts(open)} are open`)
        const first = open.shift()
        assert.ok(first !== undefined)
        await peer.acknowledge(first)
        const message = await peer.next('publish')
        open.push(message)
        got.push(message)
      }
      assert.deepEqual(texts(got), numbered(8))
    })
  }

  test('[MQTT-5.0 4.9.0-2, 3.3.4-9] PUBREC does not free a place, PUBCOMP does', async (broker) => {
    const topic = newTopic()
    const peer = await broker.connect(5, { properties: [['receiveMaximum', 1]] })
    await peer.subscribe([[topic, 2]])
    const publisher = await broker.connect(5)
    for (const payload of ['1', '2']) await publisher.publish({ topic, qos: 2, payload })
    const { packetId } = await peer.next('publish')
    peer.write(acknowledgementBytes('pubrec', packetId))
    await peer.next('pubrel')
    await peer.ping()
    assert.deepEqual(peer.takeAll(), [])
    peer.write(acknowledgementBytes('pubcomp', packetId))
    assert.equal((await peer.next('publish')).payload.toString(), '2')
  })

  test('[MQTT-5.0 3.3.4-9, 4.9.0-2] a PUBREC from 0x80 frees its place', async (broker) => {
    const topic = newTopic()
    const peer = await broker.connect(5, { properties: [['receiveMaximum', 1]] })
    await peer.subscribe([[topic, 2]])
    const publisher = await broker.connect(5)
    for (const payload of ['1', '2']) await publisher.publish({ topic, qos: 2, payload })
    const { packetId } = await peer.next('publish')
    peer.write(acknowledgementBytes('pubrec', packetId, 0x83))
    assert.equal((await peer.next('publish')).payload.toString(), '2')
    await peer.ping()
    assert.deepEqual(peer.takeAll(), [], 'there is no PUBREL for it')
  })

  test('[MQTT-5.0 3.3.4-10, 4.9.0-3] with all places taken, everything but PUBLISH still goes both ways', async (broker) => {
    const topic = newTopic()
    const peer = await broker.connect(5, { properties: [['receiveMaximum', 1]] })
    await peer.subscribe([[topic, 2]])
    const publisher = await broker.connect(5)
    for (const payload of ['1', '2']) await publisher.publish({ topic, qos: 1, payload })
    const open = await peer.next('publish')
    // Whether QoS 0 is held back, too, is the server's choice [MQTT-5.0 4.9].
    await peer.subscribe([[newTopic(), 0]])
    await peer.unsubscribe(newTopic())
    assert.ok((await peer.publish({ topic: newTopic(), qos: 1 })) < 0x80)
    assert.ok((await peer.publish({ topic: newTopic(), qos: 2 })) < 0x80)
    await peer.ping()
    await peer.acknowledge(open)
    assert.equal((await peer.receive()).payload.toString(), '2')
  })

  test('[MQTT-5.0 3.3.4-9] a resumed session is resent within Receive Maximum of the new connection', async (broker) => {
    const topic = newTopic()
    const session = { clientId: newClientId(), clean: false }
    const expiry = ['sessionExpiryInterval', 60] as const
    const before = await broker.connect(5, { ...session, properties: [expiry] })
    await before.subscribe([[topic, 1]])
    const publisher = await broker.connect(5)
    await publisher.publishAll(numbered(4).map((payload) => ({ topic, qos: 1, payload })))
    for (let i = 0; i < 4; i++) await before.next('publish')
    await before.vanish()
    const after = await broker.connect(5, { ...session, properties: [expiry, ['receiveMaximum', 2]] })
    const got = []
    for (let i = 0; i < 4; i += 2) {
      const pair = [await after.next('publish'), await after.next('publish')]
      await after.ping()
      assert.deepEqual(after.takeAll(), [])
      for (const message of pair) await after.acknowledge(message)
      got.push(...pair)
    }
    assert.deepEqual(texts(got), numbered(4))
  })

  test('[MQTT-5.0 3.3.4-9] a client that allows more than the server would send by default gets all in order', async (broker) => {
    const topic = newTopic()
    const peer = await broker.connect(5, { properties: [['receiveMaximum', 65_535]] })
    await peer.subscribe([[topic, 1]])
    const publisher = await broker.connect(5)
    await publisher.publishAll(numbered(60).map((payload) => ({ topic, qos: 1, payload })))
    const got = []
    while (got.length < 60) got.push(await peer.receive())
    assert.deepEqual(texts(got), numbered(60))
  })

  test('[MQTT-5.0 3.3.4-7] more open QoS 2 messages than Receive Maximum of the server end the connection with 0x93', async (broker) => {
    const { peer, connack } = await broker.connectWithAnswer(5)
    const [maximum = 65_535] = valuesOf(connack.properties, 'receiveMaximum')
    assert.ok(typeof maximum === 'number')
    const topic = newTopic()
    const ids = Array.from({ length: maximum }, (_, i) => i + 1)
    peer.write(...ids.map((packetId) => publishBytes(5, { topic, qos: 2, packetId })))
    for (const packetId of ids) assert.equal((await peer.next('pubrec')).packetId, packetId)
    peer.write(publishBytes(5, { topic, qos: 2, packetId: maximum + 1 }))
    await assertDisconnected(peer, 0x93)
  })

  test('[MQTT-5.0 4.9.0-3] as many open QoS 2 messages as Receive Maximum allows do not stop the rest', async (broker) => {
    const { peer, connack } = await broker.connectWithAnswer(5, persistent(5))
    const [maximum = 65_535] = valuesOf(connack.properties, 'receiveMaximum')
    assert.ok(typeof maximum === 'number')
    const topic = newTopic()
    const ids = Array.from({ length: maximum }, (_, i) => i + 1)
    peer.write(...ids.map((packetId) => publishBytes(5, { topic, qos: 2, packetId })))
    for (const _ of ids) await peer.next('pubrec')
    await peer.subscribe([[topic, 0]])
    await peer.publish({ topic, payload: 'QoS 0' })
    assert.equal((await peer.receive()).payload.toString(), 'QoS 0')
    peer.write(...ids.map((packetId) => acknowledgementBytes('pubrel', packetId)))
    for (const _ of ids) assert.equal((await peer.next('pubcomp')).reasonCode, 0)
  })
})
