import assert from 'node:assert/strict'
import { authBytes, connectBytes, publishBytes } from '../../helpers/conformance/build.ts'
import { assertConnectRefused, assertDisconnected, assertOneOf } from '../../helpers/conformance/expectations.ts'
import { type Property, valuesOf } from '../../helpers/conformance/properties.ts'
import { conformance, newTopic } from '../../helpers/conformance/suite.ts'
import { mqttText, packet, variableByteInteger } from '../../helpers/mqtt-bytes.ts'

conformance('CONNECT and CONNACK of MQTT 5', (test) => {
  test('[MQTT-5.0 3.1.2-2, 4.13.2-1] a protocol version that nobody knows ends the connection, perhaps after CONNACK', async (broker) => {
    const peer = await broker.open(5)
    peer.write(connectBytes({ level: 6, clientId: peer.clientId }))
    await peer.closed()
    const [answer] = peer.takeAll()
    // Before the version is known, the form of MQTT 3 (0x01) is what other versions understand.
    if (answer !== undefined) assertOneOf(answer.reasonCode, [0x01, 0x84])
  })

  test('[MQTT-5.0 3.1.3-6, 3.1.3-7, 3.2.2-16] an empty client id gets an Assigned Client Identifier of its own, which names its session', async (broker) => {
    const fields = { clientId: '', clean: false, properties: [['sessionExpiryInterval', 60]] } as const
    const one = await broker.connectWithAnswer(5, fields)
    const other = await broker.connectWithAnswer(5, fields)
    const [id] = valuesOf(one.connack.properties, 'assignedClientIdentifier')
    const [otherId] = valuesOf(other.connack.properties, 'assignedClientIdentifier')
    assert.ok(typeof id === 'string' && id.length > 0)
    assert.notEqual(id, otherId)
    await one.peer.disconnect()
    const again = await broker.connectWithAnswer(5, { ...fields, clientId: id })
    assert.equal(again.connack.sessionPresent, true)
    assert.deepEqual(valuesOf(again.connack.properties, 'assignedClientIdentifier'), [])
  })

  test('[MQTT-5.0 3.2.2-1, 3.2.2-8, 3.1.4-5, 3.2.2-9] an accepted CONNECT gets CONNACK 0x00 that takes nothing away', async (broker) => {
    const { connack } = await broker.connectWithAnswer(5)
    assert.equal(connack.reasonCode, 0)
    // All QoS, retained messages and all kinds of subscriptions are there unless CONNACK says otherwise.
    for (const name of ['maximumQos', 'retainAvailable', 'wildcardSubscriptionAvailable'] as const)
      assert.ok(valuesOf(connack.properties, name).every((value) => value !== 0))
    for (const name of ['subscriptionIdentifierAvailable', 'sharedSubscriptionAvailable'] as const)
      assert.ok(valuesOf(connack.properties, name).every((value) => value !== 0))
    const [receiveMaximum = 65_535] = valuesOf(connack.properties, 'receiveMaximum')
    assert.ok(receiveMaximum !== 0)
  })

  test('[MQTT-5.0 2.2.2-1] packets without properties have a Property Length of 0', async (broker) => {
    const topic = newTopic()
    const peer = await broker.connect(5)
    // What lacks the length, or has bytes too many, is a fault to the reader of these tests.
    await peer.subscribe([[topic, 0]])
    await peer.publish({ topic, payload: 'x' })
    const { properties, size } = await peer.receive()
    assert.deepEqual([properties.length, size], [0, 1 + 1 + 2 + topic.length + 1 + 1])
    await peer.unsubscribe(topic)
  })

  test('[MQTT-5.0 1.5.5-1] lengths that need two or three bytes are sent with as many, and no more', async (broker) => {
    const topic = newTopic()
    const peer = await broker.connect(5)
    await peer.subscribe([[topic, 0]])
    const head = 2 + topic.length + 1
    for (const remainingLength of [126, 127, 128, 129, 16_383, 16_384]) {
      await peer.publish({ topic, payload: Buffer.alloc(remainingLength - head) })
      const { size } = await peer.receive()
      assert.equal(size, 1 + variableByteInteger(remainingLength).length + remainingLength)
    }
  })

  test('[MQTT-5.0 3.1.2-28] without Request Response Information CONNACK has no Response Information', async (broker) => {
    for (const properties of [[], [['requestResponseInformation', 0]]] as const) {
      const { connack } = await broker.connectWithAnswer(5, { properties })
      assert.deepEqual(valuesOf(connack.properties, 'responseInformation'), [])
    }
  })

  test('[MQTT-5.0 4.12.0-1, 4.12.0-4, 3.1.4-2, 3.2.2-6, 3.2.2-7, 4.13.2-1] an Authentication Method that nobody knows ends the connection, perhaps after CONNACK 0x8C or 0x87', async (broker) => {
    const peer = await broker.open(5)
    const properties = [['authenticationMethod', 'NOBODY-KNOWS-IT']] as const
    peer.write(connectBytes({ level: 5, clientId: peer.clientId, properties }))
    await assertConnectRefused(peer, 0x8c, 0x87)
  })

  test('[MQTT-5.0 3.1.4-6, 3.2.2-6, 3.2.2-7] after a CONNACK from 0x80 nothing that followed is processed', async (broker) => {
    const topic = newTopic()
    const peer = await broker.open(5)
    const properties = [['authenticationMethod', 'NOBODY-KNOWS-IT']] as const
    peer.write(
      connectBytes({ level: 5, clientId: peer.clientId, properties }),
      publishBytes(5, { topic, retain: true, payload: 'no' }),
    )
    await assertConnectRefused(peer)
    const subscriber = await broker.connect(5)
    await subscriber.subscribe([[topic, 0]])
    await subscriber.ping()
    assert.deepEqual(subscriber.takeAll(), [])
  })

  test('[MQTT-5.0 4.12.0-6] without an Authentication Method there is neither AUTH nor a method in CONNACK', async (broker) => {
    const { peer, connack } = await broker.connectWithAnswer(5)
    assert.deepEqual(valuesOf(connack.properties, 'authenticationMethod'), [])
    await peer.ping()
    assert.deepEqual(peer.takeAll(), [])
  })

  test('[MQTT-5.0 4.12.0-7, 4.12.1-1, 4.12.1-2] AUTH of a client that named no method ends the connection', async (broker) => {
    for (const reasonCode of [0x18, 0x19]) {
      const peer = await broker.connect(5)
      peer.write(authBytes(reasonCode, [['authenticationMethod', 'ANY']]))
      await assertDisconnected(peer, 0x82, 0x8c)
    }
  })

  test('[MQTT-5.0 3.15.1-1] AUTH with a flag ends the connection', async (broker) => {
    const peer = await broker.connect(5)
    const bytes = authBytes(0x19, [['authenticationMethod', 'ANY']])
    bytes[0] = 0xf1
    peer.write(bytes)
    await assertDisconnected(peer, 0x81, 0x82)
  })

  const wrong: readonly (readonly [string, readonly Property[]])[] = [
    ['Receive Maximum 0', [['receiveMaximum', 0]]],
    ['Maximum Packet Size 0', [['maximumPacketSize', 0]]],
    ['Request Problem Information 2', [['requestProblemInformation', 2]]],
    ['Request Response Information 2', [['requestResponseInformation', 2]]],
    ['Authentication Data without a method', [['authenticationData', 'x']]],
    ['a property of PUBLISH', [['topicAlias', 1]]],
    ['a property of CONNACK', [['serverKeepAlive', 1]]],
    [
      'Session Expiry Interval twice',
      [
        ['sessionExpiryInterval', 1],
        ['sessionExpiryInterval', 1],
      ],
    ],
    [
      'Receive Maximum twice',
      [
        ['receiveMaximum', 5],
        ['receiveMaximum', 6],
      ],
    ],
    ['a User Property with ill-formed UTF-8', [['userProperty', ['a', Buffer.from([0xff])]]]],
  ]
  for (const [what, properties] of wrong) {
    test(`[MQTT-5.0 3.1.4-1, 1.5.7-1] ${what} in CONNECT is refused`, async (broker) => {
      const peer = await broker.open(5)
      peer.write(connectBytes({ level: 5, clientId: peer.clientId, properties }))
      await assertConnectRefused(peer, 0x81, 0x82)
    })
  }

  test('[MQTT-5.0 3.1.4-1] a property that nobody knows, or one that is cut off, is refused', async (broker) => {
    for (const block of [
      Buffer.from([2, 0x7f, 0]),
      Buffer.from([3, 0x11, 0, 0]),
      Buffer.from([200, 1]),
      Buffer.from([0x80]),
    ]) {
      const peer = await broker.open(5)
      peer.write(packet(0x10, mqttText('MQTT'), Buffer.from([5, 2, 0, 0]), block, mqttText(peer.clientId)))
      // A length that says more than there is may also leave the server without a client id.
      await assertConnectRefused(peer, 0x81, 0x82, 0x85)
    }
  })
})
