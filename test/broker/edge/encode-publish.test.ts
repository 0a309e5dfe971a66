import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  encodeMessageProperties,
  type MessageProperties,
  type OutgoingPublish,
  type PublishOptions,
  publishBytes,
  writePublish,
} from '../../../broker/edge/index.ts'
import { bytes, parsePacket } from './helpers.ts'

const allProperties: MessageProperties = {
  payloadFormatIndicator: 1,
  messageExpiryInterval: 60,
  contentType: 'json',
  responseTopic: 'r',
  correlationData: bytes('00 ff'),
  userProperties: [
    ['b', '1'],
    ['a', '2'],
  ],
}
const message: OutgoingPublish = {
  topicBytes: Buffer.from('a/b'),
  payload: Buffer.from('hi'),
  properties: Buffer.alloc(0),
}
const withProperties: OutgoingPublish = { ...message, properties: encodeMessageProperties(allProperties) }
const qos0: PublishOptions = { version: 4, qos: 0, retain: false, dup: false, packetId: 0, sendTopic: true }
const qos0Of5: PublishOptions = { ...qos0, version: 5 }

/** Writes between other bytes, which must stay. */
function write(outgoing: OutgoingPublish, options: PublishOptions): Buffer {
  const size = publishBytes(outgoing, options)
  const target = Buffer.alloc(size + 20, 0xaa)
  assert.equal(writePublish(target, 10, outgoing, options), 10 + size)
  assert.ok(target.subarray(0, 10).every((byte) => byte === 0xaa))
  assert.ok(target.subarray(10 + size).every((byte) => byte === 0xaa))
  return target.subarray(10, 10 + size)
}

test('properties of a message are encoded in the order of their identifiers, without the expiry', () => {
  assert.deepEqual(
    encodeMessageProperties(allProperties),
    bytes("01 01 03 'json' 08 'r' 09 00 02 00 ff 26 'b' '1' 26 'a' '2'"),
  )
  assert.equal(encodeMessageProperties(undefined).length, 0)
  assert.equal(encodeMessageProperties({ messageExpiryInterval: 1 }).length, 0)
  assert.deepEqual(encodeMessageProperties({ payloadFormatIndicator: 0, contentType: '' }), bytes("01 00 03 ''"))
})

for (const [what, packet, hex] of [
  ['QoS 0', write(message, qos0), "30 07 'a/b' 68 69"],
  ['QoS 0 of MQTT 3.1', write(message, { ...qos0, version: 3 }), "30 07 'a/b' 68 69"],
  [
    'QoS 1, retained, repeated',
    write(message, { ...qos0, qos: 1, retain: true, dup: true, packetId: 0x1234 }),
    "3b 09 'a/b' 12 34 68 69",
  ],
  ['QoS 2', write(message, { ...qos0, qos: 2, packetId: 1 }), "34 09 'a/b' 00 01 68 69"],
  [
    'a message with properties to MQTT 3.1.1, which has none',
    write(withProperties, { ...qos0, messageExpirySeconds: 9, subscriptionIdentifiers: [1] }),
    "30 07 'a/b' 68 69",
  ],
  ['QoS 0 of MQTT 5', write(message, qos0Of5), "30 08 'a/b' 00 68 69"],
  [
    'properties',
    write(withProperties, { ...qos0Of5, qos: 1, packetId: 1 }),
    "32 2a 'a/b' 00 01 20 01 01 03 'json' 08 'r' 09 00 02 00 ff 26 'b' '1' 26 'a' '2' 68 69",
  ],
  [
    'a topic alias beside the topic',
    write(message, { ...qos0Of5, topicAlias: 0x0102 }),
    "30 0b 'a/b' 03 23 01 02 68 69",
  ],
  [
    'a topic alias alone',
    write(message, { ...qos0Of5, topicAlias: 1, sendTopic: false }),
    "30 08 '' 03 23 00 01 68 69",
  ],
  [
    'expiry and subscription identifiers',
    write(message, { ...qos0Of5, messageExpirySeconds: 0xffffffff, subscriptionIdentifiers: [1, 128, 268_435_455] }),
    "30 17 'a/b' 0f 02 ff ff ff ff 0b 01 0b 80 01 0b ff ff ff 7f 68 69",
  ],
] as const) {
  test(`writes a PUBLISH: ${what}`, () => {
    assert.equal(packet.toString('hex'), bytes(hex).toString('hex'))
  })
}

test('payloads and topics of every size up to 300, and at the borders of the length, arrive as they are', () => {
  const sizes = [...Array(301).keys(), 16_375, 16_376, 16_377, 2_097_143, 2_097_144, 2_097_145]
  for (const size of sizes) {
    const payload = Buffer.alloc(size, 0x55)
    const topic = 't'.repeat(Math.min(size, 300) || 1)
    for (const options of [qos0, qos0Of5]) {
      const outgoing = { ...message, topicBytes: Buffer.from(topic), payload }
      const parsed = parsePacket(write(outgoing, options), options.version)
      assert.ok(parsed !== undefined && 'topicAlias' in parsed)
      assert.equal(parsed.topic, topic)
      assert.ok(parsed.payload.equals(payload))
    }
  }
})

test('a payload may be any array of bytes, not only a Buffer', () => {
  const payload = Uint8Array.of(1, 2, 3)
  assert.deepEqual(write({ ...message, payload }, qos0), bytes("30 08 'a/b' 01 02 03"))
})

test('what MQTT cannot express has no size', () => {
  // Not allocated: only its length is looked at.
  const payload = { length: 268_435_451 } as Uint8Array
  assert.equal(publishBytes({ ...message, topicBytes: Buffer.from('ab'), payload }, qos0), 268_435_455 + 5)
  assert.equal(publishBytes({ ...message, payload }, qos0), Number.POSITIVE_INFINITY)
})

const text = fc.string({ unit: fc.constantFrom('a', '/', 'ä', '😀', ' ', '_'), maxLength: 40 })
const arbitraryProperties = fc.record(
  {
    payloadFormatIndicator: fc.constantFrom(0, 1),
    contentType: text,
    responseTopic: text.filter((topic) => topic !== ''),
    correlationData: fc.uint8Array({ maxLength: 40 }).map((data) => Buffer.from(data)),
    userProperties: fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 4 }),
  },
  { requiredKeys: [], noNullPrototype: true },
)

test('any message with any options is parsed back to the same fields', () => {
  const options = fc.record({
    version: fc.constantFrom(3, 4, 5),
    qos: fc.constantFrom(0, 1, 2),
    retain: fc.boolean(),
    packetId: fc.integer({ min: 1, max: 65_535 }),
    topicAlias: fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined }),
    messageExpirySeconds: fc.option(fc.nat(0xffffffff), { nil: undefined }),
  })
  const topics = text.filter((topic) => topic !== '')
  fc.assert(
    fc.property(
      topics,
      fc.uint8Array({ maxLength: 300 }),
      arbitraryProperties,
      options,
      (topic, payload, properties, chosen) => {
        const outgoing = { topicBytes: Buffer.from(topic), payload, properties: encodeMessageProperties(properties) }
        const { version, qos, retain, packetId, topicAlias, messageExpirySeconds } = chosen
        const parsed = parsePacket(write(outgoing, { ...chosen, dup: qos > 0, sendTopic: true }), version)
        const expiry = messageExpirySeconds === undefined ? {} : { messageExpiryInterval: messageExpirySeconds }
        const sent = { ...properties, ...expiry }
        assert.deepEqual(parsed, {
          qos,
          retain,
          dup: qos > 0,
          topic,
          packetId: qos === 0 ? 0 : packetId,
          payload: Buffer.from(payload),
          properties: version === 5 && Object.keys(sent).length > 0 ? sent : undefined,
          topicAlias: version === 5 ? topicAlias : undefined,
        })
      },
    ),
    { seed: 4, numRuns: 1000 },
  )
})

test('properties of every size from 0 to 600 bytes are parsed back to the same: the buffer may grow before any value', () => {
  for (let size = 0; size <= 600; size++) {
    const properties: MessageProperties = {
      contentType: 'c'.repeat(size),
      userProperties: [
        ['a', 'b'],
        ['c', 'd'],
      ],
    }
    const parsed = parsePacket(write({ ...message, properties: encodeMessageProperties(properties) }, qos0Of5), 5)
    assert.ok(parsed !== undefined && 'topicAlias' in parsed)
    assert.deepEqual(parsed.properties, properties)
  }
})
