import assert from 'node:assert/strict'
import { connectBytes, publishBytes, subscribeBytes, unsubscribeBytes } from '../../helpers/conformance/build.ts'
import { assertConnectRefused, assertDisconnected, messagesUntilNow } from '../../helpers/conformance/expectations.ts'
import { conformance, newTopic, versions } from '../../helpers/conformance/suite.ts'

const illFormed = {
  'a lone continuation byte': Buffer.from([0x61, 0x80]),
  'half a character': Buffer.from([0x61, 0xc3]),
  'an overlong slash': Buffer.from([0x61, 0xc0, 0xaf]),
  'a surrogate': Buffer.from([0x61, 0xed, 0xa0, 0x80]),
  'a code point above U+10FFFF': Buffer.from([0x61, 0xf4, 0x90, 0x80, 0x80]),
}
const withNull = Buffer.from('a\0b')

conformance('strings of both versions', (test) => {
  for (const { name, level } of versions) {
    for (const [what, text] of Object.entries(illFormed)) {
      test(`[MQTT-3.1.1 1.5.3-1, 3.3.2-1] [MQTT-5.0 1.5.4-1, 3.3.2-1] a PUBLISH to a topic with ${what} ends the connection (${name})`, async (broker) => {
        const peer = await broker.connect(level)
        peer.write(publishBytes(level, { topic: text, qos: 1, packetId: 1 }))
        await assertDisconnected(peer, 0x81, 0x82, 0x90)
      })
    }

    const inConnect: readonly (readonly [string, (text: Buffer) => Uint8Array])[] = [
      [
        '[MQTT-3.1.1 1.5.3-1, 1.5.3-2, 3.1.3-4] [MQTT-5.0 1.5.4-1, 1.5.4-2, 3.1.3-4] a client id',
        (clientId) => connectBytes({ level, clientId }),
      ],
      [
        '[MQTT-3.1.1 1.5.3-1, 1.5.3-2, 3.1.3-10] [MQTT-5.0 1.5.4-1, 1.5.4-2, 3.1.3-11] a will topic',
        (topic) => connectBytes({ level, clientId: `w${level}`, will: { topic, payload: '' } }),
      ],
      [
        '[MQTT-3.1.1 1.5.3-1, 1.5.3-2, 3.1.3-11] [MQTT-5.0 1.5.4-1, 1.5.4-2, 3.1.3-12] a user name',
        (username) => connectBytes({ level, clientId: `u${level}`, username }),
      ],
    ]
    for (const [field, bytes] of inConnect) {
      test(`${field} that is ill-formed or has U+0000 is refused (${name})`, async (broker) => {
        for (const text of [illFormed['a surrogate'], illFormed['half a character'], withNull]) {
          const peer = await broker.open(level)
          peer.write(bytes(text))
          await assertConnectRefused(peer, 0x81, 0x82, 0x85, 0x90)
        }
      })
    }

    const later: readonly (readonly [string, (text: Buffer) => Uint8Array])[] = [
      [
        '[MQTT-3.1.1 1.5.3-2, 4.7.3-2] [MQTT-5.0 1.5.4-2, 4.7.3-2] a Topic Name',
        (topic) => publishBytes(level, { topic, qos: 1, packetId: 1 }),
      ],
      [
        '[MQTT-3.1.1 1.5.3-1, 3.8.3-1, 4.7.3-2] [MQTT-5.0 1.5.4-1, 3.8.3-1, 4.7.3-2] a Topic Filter in SUBSCRIBE',
        (filter) => subscribeBytes(level, 1, [[filter, 0]]),
      ],
      [
        '[MQTT-3.1.1 1.5.3-1, 3.10.3-1, 4.7.3-2] [MQTT-5.0 1.5.4-1, 3.10.3-1, 4.7.3-2] a Topic Filter in UNSUBSCRIBE',
        (filter) => unsubscribeBytes(level, 1, [filter]),
      ],
    ]
    for (const [field, bytes] of later) {
      test(`${field} that is ill-formed or has U+0000 ends the connection (${name})`, async (broker) => {
        for (const text of [illFormed['a surrogate'], illFormed['half a character'], withNull]) {
          const peer = await broker.connect(level)
          peer.write(bytes(text))
          await assertDisconnected(peer, 0x81, 0x82, 0x8f, 0x90)
        }
      })
    }

    test(`[MQTT-3.1.1 1.5.3-3] [MQTT-5.0 1.5.4-3] U+FEFF is a character like others, also at the beginning (${name})`, async (broker) => {
      const topic = newTopic()
      const peer = await broker.connect(level)
      await peer.subscribe([[`\ufeff${topic}`, 0]])
      await peer.publish({ topic, payload: 'without' })
      await peer.publish({ topic: `\ufeff${topic}`, payload: 'with' })
      const messages = await messagesUntilNow(peer, peer)
      assert.deepEqual(
        messages.map(({ topicName, payload }) => [topicName, payload.toString()]),
        [[`\ufeff${topic}`, 'with']],
      )
    })
  }
})
