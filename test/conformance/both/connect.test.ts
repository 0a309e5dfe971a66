import assert from 'node:assert/strict'
import { connectBytes, persistent, publishBytes, subscribeBytes } from '../../helpers/conformance/build.ts'
import { assertConnectRefused, assertDisconnected, assertOneOf } from '../../helpers/conformance/expectations.ts'
import { conformance, newClientId, newTopic, versions } from '../../helpers/conformance/suite.ts'
import { mqttText, packet, pingPacket } from '../../helpers/mqtt-bytes.ts'

conformance('CONNECT and CONNACK of both versions', (test) => {
  for (const { name, level } of versions) {
    const first = {
      PINGREQ: pingPacket,
      PUBLISH: publishBytes(level, { topic: 'a' }),
      SUBSCRIBE: subscribeBytes(level, 1, [['a', 0]]),
    }
    for (const [type, bytes] of Object.entries(first)) {
      test(`[MQTT-3.1.1 3.1.0-1] [MQTT-5.0 3.1.0-1, 3.14.0-1] ${type} before CONNECT ends the connection (${name})`, async (broker) => {
        const peer = await broker.open(level)
        peer.write(bytes)
        await peer.closed()
        assert.deepEqual(peer.takeAll(), [])
      })
    }

    test(`[MQTT-3.1.1 3.1.0-2] [MQTT-5.0 3.1.0-2] a second CONNECT ends the connection (${name})`, async (broker) => {
      const peer = await broker.connect(level)
      peer.write(connectBytes({ level, clientId: peer.clientId }))
      await assertDisconnected(peer, 0x82)
    })

    test(`[MQTT-3.1.1 3.1.2-1] [MQTT-5.0 3.1.2-1] a CONNECT with another protocol name is not processed (${name})`, async (broker) => {
      const peer = await broker.open(level)
      peer.write(connectBytes({ level, protocolName: 'MQTX', clientId: peer.clientId }))
      await assertConnectRefused(peer, 0x81, 0x82, 0x84)
    })

    test(`[MQTT-3.1.1 3.1.2-3, 3.1.4-1] [MQTT-5.0 3.1.2-3, 3.1.4-1] a CONNECT with the reserved flag is refused (${name})`, async (broker) => {
      const peer = await broker.open(level)
      peer.write(connectBytes({ level, clientId: peer.clientId, wrongFlags: 1 }))
      await assertConnectRefused(peer, 0x81, 0x82)
    })

    test(`[MQTT-3.1.1 3.1.3-3, 3.1.4-1] [MQTT-5.0 3.1.3-3, 3.1.4-1] a CONNECT without a client id is refused (${name})`, async (broker) => {
      const peer = await broker.open(level)
      const properties = level === 5 ? [Buffer.from([0])] : []
      peer.write(packet(0x10, mqttText('MQTT'), Buffer.from([level, 2, 0, 0]), ...properties))
      await assertConnectRefused(peer, 0x81, 0x82)
    })

    test(`[MQTT-3.1.1 3.1.4-1] [MQTT-5.0 3.1.4-1] a CONNECT with bytes after its end is refused (${name})`, async (broker) => {
      const peer = await broker.open(level)
      const body = connectBytes({ level, clientId: peer.clientId }).subarray(2)
      peer.write(packet(0x10, body, Buffer.from([0, 1, 0x61])))
      await assertConnectRefused(peer, 0x81, 0x82)
    })

    for (const length of [1, 23]) {
      test(`[MQTT-3.1.1 3.1.3-5, 3.1.4-4] [MQTT-5.0 3.1.3-5, 3.1.4-5] a client id of letters and digits, ${length} long, is accepted (${name})`, async (broker) => {
        const clientId = (level === 4 ? 'aB3' : 'Zy9').repeat(8).slice(0, length)
        await (await broker.connect(level, { clientId })).ping()
      })
    }

    test(`[MQTT-3.1.1 3.1.3-1, 3.1.2-19, 3.1.2-21] [MQTT-5.0 3.1.3-1, 3.1.2-17, 3.1.2-19] a CONNECT with all fields is understood (${name})`, async (broker) => {
      const topic = newTopic()
      const subscriber = await broker.connect(level)
      await subscriber.subscribe([[topic, 0]])
      const peer = await broker.open(level)
      const will = { topic, payload: 'gone' }
      const { reasonCode } = await peer.connect({ will, username: 'user', password: Buffer.from([0, 1, 0xff]) })
      // Anonymous clients are allowed: whether a name that nobody knows is refused is the configuration's matter.
      assertOneOf(reasonCode, [0, level === 5 ? 0x86 : 4, level === 5 ? 0x87 : 5])
      if (reasonCode !== 0) return
      await peer.vanish()
      assert.equal((await subscriber.receive()).payload.toString(), 'gone')
    })

    const payloads: readonly (readonly [string, Partial<Parameters<typeof connectBytes>[0]>])[] = [
      ['[MQTT-3.1.1 3.1.2-18] [MQTT-5.0 3.1.2-16] a user name without its flag', { username: 'u', wrongFlags: 128 }],
      ['[MQTT-3.1.1 3.1.2-19] [MQTT-5.0 3.1.2-17] no user name in spite of its flag', { wrongFlags: 128 }],
      [
        '[MQTT-3.1.1 3.1.2-20] [MQTT-5.0 3.1.2-18] a password without its flag',
        { username: 'u', password: 'p', wrongFlags: 64 },
      ],
      ['[MQTT-3.1.1 3.1.2-21] [MQTT-5.0 3.1.2-19] no password in spite of its flag', { username: 'u', wrongFlags: 64 }],
      ['[MQTT-3.1.1 3.1.2-11, 3.1.2-13] [MQTT-5.0 3.1.2-11] Will QoS 1 without Will Flag', { wrongFlags: 8 }],
      ['[MQTT-3.1.1 3.1.2-11, 3.1.2-13] [MQTT-5.0 3.1.2-11] Will QoS 2 without Will Flag', { wrongFlags: 16 }],
      ['[MQTT-3.1.1 3.1.2-11, 3.1.2-15] [MQTT-5.0 3.1.2-13] Will Retain without Will Flag', { wrongFlags: 32 }],
      ['[MQTT-3.1.1 3.1.2-9] [MQTT-5.0 3.1.2-9] no will in spite of Will Flag', { wrongFlags: 4 }],
      ['[MQTT-3.1.1 3.1.2-11] a will without Will Flag', { will: { topic: 'a', payload: 'b' }, wrongFlags: 4 }],
      ['[MQTT-3.1.1 3.1.2-14] [MQTT-5.0 3.1.2-12] Will QoS 3', { will: { topic: 'a', payload: 'b', qos: 3 } }],
    ]
    for (const [what, fields] of payloads) {
      test(`${what} in CONNECT is refused (${name})`, async (broker) => {
        const peer = await broker.open(level)
        peer.write(connectBytes({ level, clientId: peer.clientId, ...fields }))
        await assertConnectRefused(peer, 0x81, 0x82)
      })
    }

    test(`[MQTT-3.1.1 3.1.4-2] [MQTT-5.0 3.1.4-3] a CONNECT under the id of a connected client disconnects that one (${name})`, async (broker) => {
      const clientId = newClientId()
      const old = await broker.connect(level, { clientId })
      const young = await broker.connect(level, { clientId })
      await assertDisconnected(old, 0x8e)
      await young.ping()
    })

    test(`[MQTT-3.1.1 3.1.4-5] [MQTT-5.0 3.1.4-6] what follows a rejected CONNECT is not processed (${name})`, async (broker) => {
      const topic = newTopic()
      const subscriber = await broker.connect(level)
      const peer = await broker.open(level)
      // The same connection, so that its end tells when the publish has been read or thrown away.
      peer.write(
        connectBytes({ level, clientId: peer.clientId, wrongFlags: 1 }),
        publishBytes(level, { topic, retain: true }),
      )
      await peer.closed()
      await subscriber.subscribe([[topic, 0]])
      await subscriber.ping()
      assert.deepEqual(subscriber.takeAll(), [])
    })

    test(`[MQTT-3.1.1 3.1.2-24] [MQTT-5.0 3.1.2-22, 3.2.2-22] silence for longer than Keep Alive ends the connection and publishes the will (${name})`, async (broker) => {
      const topic = newTopic()
      const subscriber = await broker.connect(level)
      await subscriber.subscribe([[topic, 0]])
      const will = { topic, payload: 'silent' }
      const { peer, connack } = await broker.connectWithAnswer(level, { keepAliveSeconds: 1, will })
      assert.ok(connack.properties.every(([property]) => property !== 'serverKeepAlive'))
      // Mosquitto looks every five seconds only.
      await peer.closed(10_000)
      assert.equal((await subscriber.receive()).payload.toString(), 'silent')
    })

    test(`[MQTT-3.1.1 3.2.0-1] [MQTT-5.0 3.2.0-1, 3.2.0-2] CONNACK comes first and once, also when messages wait (${name})`, async (broker) => {
      const topic = newTopic()
      const publisher = await broker.connect(level)
      const session = { clientId: newClientId(), ...persistent(level) }
      const before = await broker.connect(level, session)
      await before.subscribe([[topic, 1]])
      await before.vanish()
      await publisher.publish({ topic, qos: 1 })
      const after = await broker.open(level, session.clientId)
      after.write(connectBytes({ level, ...session }), subscribeBytes(level, 1, [[topic, 1]]), pingPacket)
      assert.equal((await after.nextOfAnyType()).type, 'connack')
      await after.next('publish')
      await after.next('pingresp')
      assert.ok(after.takeAll().every(({ type }) => type !== 'connack'))
    })
  }
})
