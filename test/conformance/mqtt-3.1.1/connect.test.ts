import assert from 'node:assert/strict'
import { connectBytes, persistent, publishBytes } from '../../helpers/conformance/build.ts'
import { assertConnectRefused } from '../../helpers/conformance/expectations.ts'
import { conformance, newClientId, newTopic } from '../../helpers/conformance/suite.ts'

conformance('CONNECT and CONNACK of MQTT 3.1.1', (test) => {
  test('[MQTT-3.1.1 3.1.2-2, 3.2.2-4, 3.2.2-5] a protocol level that nobody knows gets CONNACK 0x01, then the end', async (broker) => {
    for (const level of [6, 0, 127]) {
      const peer = await broker.open(4)
      peer.write(connectBytes({ level, clientId: peer.clientId }))
      const { reasonCode, sessionPresent } = await peer.next('connack')
      assert.deepEqual([reasonCode, sessionPresent], [1, false])
      await peer.closed()
    }
  })

  test('[MQTT-3.1.1 3.1.3-8, 3.1.3-9, 3.2.2-4, 3.2.2-5] an empty client id with CleanSession 0 gets CONNACK 0x02, then the end', async (broker) => {
    const peer = await broker.open(4)
    peer.write(connectBytes({ clientId: '', clean: false }))
    const { reasonCode, sessionPresent } = await peer.next('connack')
    assert.deepEqual([reasonCode, sessionPresent], [2, false])
    await peer.closed()
    assert.deepEqual(peer.takeAll(), [])
  })

  test('[MQTT-3.1.1 3.1.4-5] after CONNACK 0x02 nothing that followed is processed', async (broker) => {
    const topic = newTopic()
    const peer = await broker.open(4)
    const publish = publishBytes(4, { topic, retain: true, payload: 'no' })
    peer.write(connectBytes({ clientId: '', clean: false }), publish)
    assert.equal((await peer.next('connack')).reasonCode, 2)
    await peer.closed()
    const subscriber = await broker.connect(4)
    await subscriber.subscribe([[topic, 0]])
    await subscriber.ping()
    assert.deepEqual(subscriber.takeAll(), [])
  })

  test('[MQTT-3.1.1 3.1.3-6] two clients with empty client ids are two clients', async (broker) => {
    const topic = newTopic()
    const one = await broker.connect(4, { clientId: '' })
    const other = await broker.connect(4, { clientId: '' })
    await one.subscribe([[topic, 0]])
    await other.publish({ topic, payload: 'both are connected' })
    assert.equal((await one.receive()).payload.toString(), 'both are connected')
  })

  test('[MQTT-3.1.1 3.1.2-22] a password without a user name is refused', async (broker) => {
    const peer = await broker.open(4)
    peer.write(connectBytes({ clientId: peer.clientId, password: 'p' }))
    await assertConnectRefused(peer)
  })

  test('[MQTT-3.1.1 3.2.2-6] a CONNECT that no return code fits ends the connection without CONNACK', async (broker) => {
    const peer = await broker.open(4)
    // A will topic that no topic can be: none of the codes says that.
    peer.write(connectBytes({ clientId: peer.clientId, will: { topic: 'a/#', payload: '' } }))
    await peer.closed()
    assert.deepEqual(peer.takeAll(), [])
  })

  test('[MQTT-3.1.1 2.2.2-2, 4.8.0-1] a packet of type 15 ends the connection', async (broker) => {
    const peer = await broker.connect(4)
    peer.write(Buffer.from([0xf0, 0]))
    await peer.closed()
    assert.deepEqual(peer.takeAll(), [])
  })

  test('[MQTT-3.1.1 3.3.5-2] a PUBLISH that is not allowed is acknowledged as usual, or ends the connection', async (broker) => {
    // Nobody but the broker publishes below $SYS.
    for (const qos of [1, 2]) {
      const topic = `$SYS/broker/${newTopic()}`
      const subscriber = await broker.connect(4)
      await subscriber.subscribe([[topic, 0]])
      const peer = await broker.connect(4)
      peer.write(publishBytes(4, { topic, qos, packetId: 1 }))
      const answer = await peer.nextOrEnd('puback', 'pubrec')
      if (answer !== undefined) assert.equal(answer.type, qos === 1 ? 'puback' : 'pubrec')
      await subscriber.ping()
      assert.deepEqual(subscriber.takeAll(), [])
    }
  })

  test('[MQTT-3.1.1 3.14.4-3, 4.1.0-1] a session outlives DISCONNECT, without its will', async (broker) => {
    const topic = newTopic()
    const session = { clientId: newClientId(), ...persistent(4) }
    const before = await broker.connect(4, { ...session, will: { topic, payload: 'no', retain: true } })
    await before.subscribe([[topic, 1]])
    await before.disconnect()
    await (await broker.connect(4)).publish({ topic, qos: 1, payload: 'yes' })
    const { peer: after, connack } = await broker.connectWithAnswer(4, session)
    assert.equal(connack.sessionPresent, true)
    assert.equal((await after.receive()).payload.toString(), 'yes')
    await after.ping()
    assert.deepEqual(after.takeAll(), [])
  })
})
