import assert from 'node:assert/strict'
import {
  acknowledgementBytes,
  publishBytes,
  subscribeBytes,
  twoBytes,
  unsubscribeBytes,
} from '../../helpers/conformance/build.ts'
import { assertDisconnected } from '../../helpers/conformance/expectations.ts'
import { conformance, newTopic, versions } from '../../helpers/conformance/suite.ts'
import { mqttText, packet } from '../../helpers/mqtt-bytes.ts'

/** The same packet with other flags in its first byte. */
const withFlags = (bytes: Uint8Array, flags: number) =>
  Buffer.from([((bytes[0] ?? 0) & 0xf0) | flags, ...bytes.slice(1)])

conformance('packets that are wrong, both versions', (test) => {
  for (const { name, level } of versions) {
    const properties = level === 5 ? [Buffer.from([0])] : []
    const subscribe = subscribeBytes(level, 1, [['a', 0]])
    const unsubscribe = unsubscribeBytes(level, 1, ['a'])
    const cases: readonly (readonly [string, Uint8Array])[] = [
      ['[MQTT-3.1.1 2.2.2-1, 2.2.2-2] [MQTT-5.0 2.1.3-1] PINGREQ with a flag', Buffer.from([0xc1, 0])],
      [
        '[MQTT-3.1.1 2.2.2-1, 2.2.2-2] [MQTT-5.0 2.1.3-1] PUBACK with a flag',
        withFlags(acknowledgementBytes('puback', 1), 2),
      ],
      [
        '[MQTT-3.1.1 2.2.2-1, 2.2.2-2] [MQTT-5.0 2.1.3-1] PUBREC with a flag',
        withFlags(acknowledgementBytes('pubrec', 1), 1),
      ],
      [
        '[MQTT-3.1.1 2.2.2-1, 2.2.2-2] [MQTT-5.0 2.1.3-1] PUBCOMP with a flag',
        withFlags(acknowledgementBytes('pubcomp', 1), 8),
      ],
      [
        '[MQTT-3.1.1 3.6.1-1] [MQTT-5.0 3.6.1-1] PUBREL without its flag',
        withFlags(acknowledgementBytes('pubrel', 1), 0),
      ],
      [
        '[MQTT-3.1.1 3.6.1-1] [MQTT-5.0 3.6.1-1] PUBREL with all flags',
        withFlags(acknowledgementBytes('pubrel', 1), 15),
      ],
      ['[MQTT-3.1.1 3.8.1-1] [MQTT-5.0 3.8.1-1] SUBSCRIBE without its flag', withFlags(subscribe, 0)],
      ['[MQTT-3.1.1 3.8.1-1] [MQTT-5.0 3.8.1-1] SUBSCRIBE with a flag too many', withFlags(subscribe, 3)],
      ['[MQTT-3.1.1 3.10.1-1] [MQTT-5.0 3.10.1-1] UNSUBSCRIBE without its flag', withFlags(unsubscribe, 0)],
      ['[MQTT-3.1.1 3.10.1-1] [MQTT-5.0 3.10.1-1] UNSUBSCRIBE with a flag too many', withFlags(unsubscribe, 10)],
      ['[MQTT-3.1.1 3.14.1-1] [MQTT-5.0 3.14.1-1] DISCONNECT with a flag', Buffer.from([0xe4, 0])],
      ['[MQTT-3.1.1 3.3.1-4] [MQTT-5.0 3.3.1-4] PUBLISH of QoS 3', publishBytes(level, { topic: 'a', qos: 3 })],
      [
        '[MQTT-3.1.1 3.3.1-2] [MQTT-5.0 3.3.1-2] PUBLISH of QoS 0 with DUP',
        publishBytes(level, { topic: 'a', dup: true }),
      ],
      [
        '[MQTT-3.1.1 2.3.1-1] [MQTT-5.0 2.2.1-3] PUBLISH of QoS 1 with the identifier 0',
        publishBytes(level, { topic: 'a', qos: 1, packetId: 0 }),
      ],
      [
        '[MQTT-3.1.1 2.3.1-1] [MQTT-5.0 2.2.1-3] PUBLISH of QoS 2 with the identifier 0',
        publishBytes(level, { topic: 'a', qos: 2, packetId: 0 }),
      ],
      ['[MQTT-3.1.1 2.3.1-1] [MQTT-5.0 2.2.1-3] SUBSCRIBE with the identifier 0', subscribeBytes(level, 0, [['a', 0]])],
      ['[MQTT-3.1.1 2.3.1-1] [MQTT-5.0 2.2.1-3] UNSUBSCRIBE with the identifier 0', unsubscribeBytes(level, 0, ['a'])],
      ['[MQTT-3.1.1 4.8.0-1] [MQTT-5.0 4.13.1-1] a packet of type 0', Buffer.from([0, 0])],
      ['[MQTT-3.1.1 4.8.0-1] [MQTT-5.0 4.13.1-1] CONNACK from a client', Buffer.from([0x20, 2, 0, 0])],
      [
        '[MQTT-3.1.1 4.8.0-1] [MQTT-5.0 4.13.1-1] SUBACK from a client',
        packet(0x90, twoBytes(1), ...properties, Buffer.from([0])),
      ],
      ['[MQTT-3.1.1 4.8.0-1] [MQTT-5.0 4.13.1-1] UNSUBACK from a client', packet(0xb0, twoBytes(1), ...properties)],
      ['[MQTT-3.1.1 4.8.0-1] [MQTT-5.0 4.13.1-1] PINGRESP from a client', Buffer.from([0xd0, 0])],
      [
        '[MQTT-3.1.1 4.8.0-1] [MQTT-5.0 4.13.1-1] a Remaining Length of five bytes',
        Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80, 0x01]),
      ],
      [
        '[MQTT-3.1.1 4.8.0-1] [MQTT-5.0 4.13.1-1] PUBLISH that ends in its topic',
        packet(0x30, Buffer.from([0, 5, 0x61])),
      ],
      [
        '[MQTT-3.1.1 4.8.0-1] [MQTT-5.0 4.13.1-1] PUBLISH of QoS 1 that ends before its identifier',
        packet(0x32, mqttText('a')),
      ],
      ['[MQTT-3.1.1 4.8.0-1] [MQTT-5.0 4.13.1-1] PUBACK of one byte', packet(0x40, Buffer.from([1]))],
      [
        '[MQTT-3.1.1 4.8.0-1] [MQTT-5.0 4.13.1-1] SUBSCRIBE that ends in its filter',
        packet(0x82, twoBytes(1), ...properties, Buffer.from([0, 9, 0x61])),
      ],
      [
        '[MQTT-3.1.1 3.10.3-1] [MQTT-5.0 4.13.1-1] UNSUBSCRIBE that ends in its filter',
        packet(0xa2, twoBytes(1), ...properties, Buffer.from([0, 9, 0x61])),
      ],
      [
        '[MQTT-3.1.1 3.8.3-3] [MQTT-5.0 3.8.3-2] SUBSCRIBE with a filter that lacks its options',
        packet(0x82, twoBytes(1), ...properties, mqttText('a')),
      ],
    ]
    for (const [what, bytes] of cases) {
      test(`${what} ends the connection (${name})`, async (broker) => {
        const peer = await broker.connect(level)
        peer.write(bytes)
        await assertDisconnected(peer, 0x81, 0x82)
      })
    }

    test(`[MQTT-3.1.1 3.12.4-1] [MQTT-5.0 3.12.4-1] PINGREQ gets PINGRESP, each (${name})`, async (broker) => {
      const peer = await broker.connect(level)
      const ping = Buffer.from([0xc0, 0])
      peer.write(ping, ping, ping)
      for (let i = 0; i < 3; i++) assert.equal((await peer.nextOfAnyType()).type, 'pingresp')
    })

    test(`[MQTT-3.1.1 7.1.1-1] [MQTT-5.0 4.2.0-1] over TCP a packet may come byte by byte, and many at once (${name})`, async (broker) => {
      const topic = newTopic()
      const peer = await broker.connect(level)
      for (const byte of subscribeBytes(level, 1, [[topic, 0]])) {
        peer.write(Buffer.from([byte]))
        await new Promise(setImmediate)
      }
      await peer.next('suback')
      peer.write(...Array.from({ length: 50 }, (_, i) => publishBytes(level, { topic, payload: `${i}` })))
      for (let i = 0; i < 50; i++) assert.equal((await peer.receive()).payload.toString(), `${i}`)
    })

    test(`[MQTT-3.1.1 7.0.0-2] a client needs nothing beyond the standard (${name})`, async (broker) => {
      const topic = newTopic()
      const peer = await broker.connect(level)
      assert.deepEqual(await peer.subscribe([[topic, 2]]), [2])
      for (const qos of [0, 1, 2]) {
        await peer.publish({ topic, qos, payload: 'plain' })
        assert.equal((await peer.receive()).payload.toString(), 'plain')
      }
      await peer.unsubscribe(topic)
      await peer.disconnect()
    })
  }
})
