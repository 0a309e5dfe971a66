import assert from 'node:assert/strict'
import { publishBytes, subscribeBytes, unsubscribeBytes } from '../../helpers/conformance/build.ts'
import { assertDisconnected, messagesUntilNow, texts } from '../../helpers/conformance/expectations.ts'
import { conformance, newTopic, versions } from '../../helpers/conformance/suite.ts'

conformance('topic names and filters of both versions', (test) => {
  for (const { name, level } of versions) {
    const badFilters: readonly (readonly [string, string])[] = [
      ['[MQTT-3.1.1 4.7.1-2] [MQTT-5.0 4.7.1-1] the filter a/#/b', 'a/#/b'],
      ['[MQTT-3.1.1 4.7.1-2] [MQTT-5.0 4.7.1-1] the filter a#', 'a#'],
      ['[MQTT-3.1.1 4.7.1-2] [MQTT-5.0 4.7.1-1] the filter a/b#', 'a/b#'],
      ['[MQTT-3.1.1 4.7.1-3] [MQTT-5.0 4.7.1-2] the filter a+', 'a+'],
      ['[MQTT-3.1.1 4.7.1-3] [MQTT-5.0 4.7.1-2] the filter a/+b/c', 'a/+b/c'],
      ['[MQTT-3.1.1 4.7.3-1] [MQTT-5.0 4.7.3-1] an empty filter', ''],
    ]
    for (const [what, filter] of badFilters) {
      // An invalid filter is a malformed packet; a server may also refuse it alone [MQTT-5.0 3.9.3].
      test(`${what} is not granted (${name})`, async (broker) => {
        const peer = await broker.connect(level)
        peer.write(subscribeBytes(level, 1, [[filter, 0]]))
        const answer = await peer.nextOrEnd('suback', 'disconnect')
        if (answer?.type === 'suback') assert.ok((answer.reasonCodes[0] ?? 0) >= 0x80)
        else await peer.closed()
      })
    }

    test(`[MQTT-3.1.1 4.7.3-1] [MQTT-5.0 4.7.3-1] UNSUBSCRIBE of an empty filter ends the connection (${name})`, async (broker) => {
      const peer = await broker.connect(level)
      peer.write(unsubscribeBytes(level, 1, ['']))
      await assertDisconnected(peer, 0x81, 0x82, 0x8f)
    })

    for (const topic of ['a/+', 'a/#', '#', '+', 'a/b+', 'a#/b']) {
      test(`[MQTT-3.1.1 3.3.2-2, 4.7.1-1] [MQTT-5.0 3.3.2-2, 4.7.0-1] a PUBLISH to ${topic} ends the connection (${name})`, async (broker) => {
        const peer = await broker.connect(level)
        peer.write(publishBytes(level, { topic, qos: 1, packetId: 1 }))
        await assertDisconnected(peer, 0x81, 0x82, 0x90)
      })
    }

    test(`[MQTT-3.1.1 4.7.3-1] [MQTT-5.0 4.7.3-1] a PUBLISH to an empty topic ends the connection (${name})`, async (broker) => {
      const peer = await broker.connect(level)
      peer.write(publishBytes(level, { topic: '', qos: 1, packetId: 1 }))
      await assertDisconnected(peer, 0x81, 0x82, 0x90)
    })

    for (const last of ['65,535 bytes', 'one level']) {
      test(`[MQTT-3.1.1 4.7.3-3] [MQTT-5.0 4.7.3-3] a topic of 65,535 bytes is delivered (${last}) (${name})`, async (broker) => {
        const start = newTopic()
        const topic = `${start}/${'ä'.repeat(40_000)}`
        const bytes = Buffer.from(topic).subarray(0, 65_535 - (Buffer.from(start).length % 2))
        const peer = await broker.connect(level)
        const exact = last === 'one level' ? topicOf(bytes) : topicOf(bytes).replace(/.$/, 'z')
        await peer.subscribe([[exact, 0]])
        await peer.publish({ topic: exact, qos: 1 })
        assert.equal((await peer.receive()).topicName, exact)
      })
    }

    const matches: readonly (readonly [filter: string, topic: string, matches: boolean])[] = [
      ['sport/tennis/player1/#', 'sport/tennis/player1', true],
      ['sport/tennis/player1/#', 'sport/tennis/player1/ranking', true],
      ['sport/#', 'sport', true],
      ['sport/+', 'sport', false],
      ['sport/+', 'sport/', true],
      ['sport/+/x', 'sport/a/b/x', false],
      ['+/sport', '/sport', true],
      ['sport', 'SPORT', false],
      ['sport', '/sport', false],
      ['sport', 'sport/', false],
      ['a b/c', 'a b/c', true],
      ['toString/+', 'toString/constructor', true],
      ['__proto__', '__proto__', true],
    ]
    test(`[MQTT-3.1.1 3.8.3-2, 4.7.1-2, 4.7.1-3] [MQTT-5.0 4.7.1-1, 4.7.1-2] wildcards match as the standard says (${name})`, async (broker) => {
      // Each pair below a level of its own, so that one connection does for all.
      const start = newTopic()
      const peer = await broker.connect(level)
      await peer.subscribe(matches.map(([filter], i) => [`${start}/${i}/${filter}`, 0]))
      await peer.publishAll(matches.map(([, topic], i) => ({ topic: `${start}/${i}/${topic}` })))
      const names = (await messagesUntilNow(peer, peer)).map(({ topicName }) => topicName)
      const expected = matches.flatMap(([, topic, does], i) => (does ? [`${start}/${i}/${topic}`] : []))
      assert.deepEqual(names, expected)
    })

    test(`[MQTT-3.1.1 4.7.2-1] [MQTT-5.0 4.7.2-1] # and +/... do not match topics that begin with $ (${name})`, async (broker) => {
      const subscriber = await broker.connect(level)
      const topic = newTopic()
      await subscriber.subscribe([
        ['#', 0],
        ['+/#', 0],
        [`+/${topic}`, 0],
      ])
      const publisher = await broker.connect(level)
      await publisher.publish({ topic: `$conformance/${topic}`, qos: 1 })
      await publisher.publish({ topic: `$SYS/${topic}`, qos: 1 })
      const messages = await messagesUntilNow(publisher, subscriber)
      assert.deepEqual(
        messages.filter(({ topicName }) => topicName.startsWith('$')).map(({ topicName }) => topicName),
        [],
      )
    })

    test(`[MQTT-3.1.1 4.7.3-4] [MQTT-5.0 4.7.3-4] topics that only normalisation makes equal are different (${name})`, async (broker) => {
      const topic = newTopic()
      // a with ring: one character, or two; and a ligature, whose compatibility form is "fi".
      const spellings = ['\u00e5', 'a\u030a', '\ufb01', 'fi', '\u212b']
      for (const spelling of spellings) {
        const peer = await broker.connect(level)
        await peer.subscribe([[`${topic}/${spelling}`, 0]])
        await peer.publishAll(spellings.map((other) => ({ topic: `${topic}/${other}`, payload: other })))
        assert.deepEqual(texts(await messagesUntilNow(peer, peer)), [spelling])
      }
    })

    test(`[MQTT-3.1.1 4.7.3-4] [MQTT-5.0 4.7.3-4] characters that are unusual arrive as they were sent (${name})`, async (broker) => {
      const topic = `${newTopic()}/\u{1f600}/\ufeff/ /\ufffd/\u200b`
      const peer = await broker.connect(level)
      await peer.subscribe([[topic, 0]])
      await peer.publish({ topic, qos: 1 })
      assert.equal((await peer.receive()).topicName, topic)
    })
  }
})

/** Bytes that were cut may end in half a character. */
function topicOf(bytes: Buffer): string {
  const text = bytes.toString().replace(/\ufffd+$/, '')
  return text + 'z'.repeat(65_535 - Buffer.byteLength(text))
}
