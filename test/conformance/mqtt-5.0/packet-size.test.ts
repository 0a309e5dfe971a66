import assert from 'node:assert/strict'
import { connectBytes, persistent, publishBytes } from '../../helpers/conformance/build.ts'
import { messagesUntilNow, texts } from '../../helpers/conformance/expectations.ts'
import type { Peer } from '../../helpers/conformance/peer.ts'
import { conformance, newClientId, newTopic } from '../../helpers/conformance/suite.ts'

const limited = (size: number) => [['maximumPacketSize', size] as const]

/** Asks for everything that a server answers, also for what it refuses. @returns the sizes of all answers */
async function sizesOfAnswers(peer: Peer): Promise<number[]> {
  const topic = newTopic()
  await peer.subscribe([[topic, 0]])
  await peer.unsubscribe(topic, newTopic())
  peer.write(publishBytes(5, { topic, qos: 1, packetId: 11 }))
  peer.write(publishBytes(5, { topic: `$SYS/broker/${topic}`, qos: 1, packetId: 12 }))
  peer.write(publishBytes(5, { topic: `$SYS/broker/${topic}`, qos: 2, packetId: 13 }))
  peer.write(Buffer.from([0x62, 2, 0x77, 0x77]))
  const answers = [await peer.next('puback'), await peer.next('puback'), await peer.next('pubrec')]
  answers.push(await peer.next('pubcomp'))
  return answers.map(({ size }) => size)
}

conformance('Maximum Packet Size of the client', (test) => {
  test('[MQTT-5.0 3.1.2-24, 3.1.2-25] a message that is too large is dropped as if it had been delivered, and others arrive', async (broker) => {
    const topic = newTopic()
    const peer = await broker.connect(5, { properties: limited(200) })
    await peer.subscribe([[topic, 2]])
    const publisher = await broker.connect(5)
    for (const qos of [0, 1, 2]) {
      const large = Buffer.alloc(300)
      assert.ok((await publisher.publish({ topic, qos, payload: large })) < 0x80)
      await publisher.publish({ topic, qos, payload: `small ${qos}` })
    }
    assert.deepEqual(texts(await messagesUntilNow(publisher, peer)), ['small 0', 'small 1', 'small 2'])
  })

  test('[MQTT-5.0 3.1.2-24] a message of exactly the size is delivered, one of a byte more is not', async (broker) => {
    const topic = newTopic()
    const head = 2 + 2 + topic.length + 1
    const peer = await broker.connect(5, { properties: limited(120) })
    await peer.subscribe([[topic, 0]])
    const publisher = await broker.connect(5)
    await publisher.publish({ topic, payload: 'x'.repeat(120 - head + 1) })
    await publisher.publish({ topic, payload: 'y'.repeat(120 - head) })
    const messages = await messagesUntilNow(publisher, peer)
    assert.deepEqual(
      messages.map(({ size, payload }) => [size, payload.toString().slice(0, 1)]),
      [[120, 'y']],
    )
  })

  test('[MQTT-5.0 3.1.2-24, 3.1.2-25] retained and queued messages that are too large are dropped, and do not hold up those after them', async (broker) => {
    const topic = newTopic()
    const session = { clientId: newClientId(), clean: false } as const
    const expiry = ['sessionExpiryInterval', 60] as const
    const before = await broker.connect(5, { ...session, properties: [expiry] })
    await before.subscribe([[`${topic}/queued`, 1]])
    await before.disconnect()
    const publisher = await broker.connect(5)
    for (const payload of ['x'.repeat(300), 'small'])
      await publisher.publish({ topic: `${topic}/queued`, qos: 1, payload })
    await publisher.publish({ topic: `${topic}/retained/large`, qos: 1, retain: true, payload: 'x'.repeat(300) })
    await publisher.publish({ topic: `${topic}/retained/small`, qos: 1, retain: true, payload: 'small' })
    const after = await broker.connect(5, { ...session, properties: [expiry, ...limited(150)] })
    assert.equal((await after.receive()).payload.toString(), 'small')
    await after.subscribe([[`${topic}/retained/+`, 0]])
    assert.deepEqual(texts(await messagesUntilNow(publisher, after)), ['small'])
  })

  test('[MQTT-5.0 3.1.2-25] messages that are too large leave the places of Receive Maximum free', async (broker) => {
    const topic = newTopic()
    const peer = await broker.connect(5, { properties: [...limited(150), ['receiveMaximum', 2]] })
    await peer.subscribe([[topic, 1]])
    const publisher = await broker.connect(5)
    const payloads = ['x'.repeat(300), 'x'.repeat(300), 'x'.repeat(300), 'a', 'b']
    await publisher.publishAll(payloads.map((payload) => ({ topic, qos: 1, payload })))
    assert.deepEqual(texts([await peer.receive(), await peer.receive()]), ['a', 'b'])
  })

  test('[MQTT-5.0 3.2.2-19, 3.2.2-20, 3.1.2-24] CONNACK is not larger than the client allows', async (broker) => {
    for (const size of [12, 20, 40]) {
      const peer = await broker.open(5)
      peer.write(connectBytes({ level: 5, clientId: peer.clientId, properties: limited(size) }))
      const answer = await peer.nextOrEnd('connack')
      if (answer !== undefined) assert.ok(answer.size <= size, `${answer.size} of ${size}`)
    }
  })

  test('[MQTT-5.0 3.2.2-19, 3.2.2-20, 3.14.2-3, 3.14.2-4] a CONNACK that refuses is not larger than the client allows, either', async (broker) => {
    const peer = await broker.open(5)
    const properties = [...limited(12), ['authenticationMethod', 'NOBODY-KNOWS-IT'] as const]
    peer.write(connectBytes({ level: 5, clientId: peer.clientId, properties }))
    await peer.closed()
    for (const { size } of peer.takeAll()) assert.ok(size <= 12)
  })

  test('[MQTT-5.0 3.4.2-2, 3.4.2-3, 3.5.2-2, 3.5.2-3, 3.7.2-2, 3.7.2-3, 3.9.2-1, 3.9.2-2, 3.11.2-1, 3.11.2-2] no answer is larger than the client allows', async (broker) => {
    const peer = await broker.connect(5, { ...persistent(5), properties: limited(24) })
    for (const size of await sizesOfAnswers(peer)) assert.ok(size <= 24)
  })

  test('[MQTT-5.0 3.6.2-2, 3.6.2-3] PUBREL is not larger than the client allows', async (broker) => {
    const topic = newTopic()
    const peer = await broker.connect(5, { properties: limited(80) })
    await peer.subscribe([[topic, 2]])
    await peer.publish({ topic, qos: 2 })
    const { packetId } = await peer.next('publish')
    peer.write(Buffer.from([0x50, 2, packetId >> 8, packetId & 0xff]))
    assert.ok((await peer.next('pubrel')).size <= 80)
  })

  test('[MQTT-5.0 3.14.2-3, 3.14.2-4] DISCONNECT is not larger than the client allows', async (broker) => {
    const peer = await broker.connect(5, { properties: limited(24) })
    peer.write(Buffer.from([0x00, 0x00]))
    await peer.closed()
    for (const { type, size } of peer.takeAll()) assert.ok(type === 'disconnect' && size <= 24)
  })

  test('[MQTT-5.0 3.1.2-29] Request Problem Information 0: answers have neither Reason String nor User Properties', async (broker) => {
    const peer = await broker.connect(5, { properties: [['requestProblemInformation', 0]] })
    // Without properties these have at most: first byte, length, identifier, reason code, Property Length.
    for (const size of await sizesOfAnswers(peer)) assert.ok(size <= 6)
    const topic = newTopic()
    await peer.subscribe([[topic, 0]])
    await peer.publish({ topic, properties: [['userProperty', ['a', 'b']]] })
    assert.deepEqual((await peer.receive()).properties, [['userProperty', ['a', 'b']]])
  })
})
