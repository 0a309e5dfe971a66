import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type MqttErrorCode, maxTopicLevels, type ProtocolVersion, parsePublish } from '../../../broker/edge/index.ts'
import { bytes, mqttString, throwsMqtt, versions } from './helpers.ts'

const malformed = 'ERR_MQTT_MALFORMED_PACKET'
const protocolError = 'ERR_MQTT_PROTOCOL_ERROR'
const invalidTopic = 'ERR_MQTT_TOPIC_NAME_INVALID'
const qos1 = 2

/** A body of QoS 1 whose properties, none before MQTT 5, are nothing. */
function withTopic(topic: string | Uint8Array, version: ProtocolVersion): Buffer {
  return Buffer.concat([mqttString(topic), bytes(version === 5 ? '00 01 00' : '00 01'), Buffer.from('payload')])
}

for (const [what, topic, code] of [
  ['[MQTT-5.0 3.3.2-2] the wildcard #', 'a/#', invalidTopic],
  ['[MQTT-5.0 3.3.2-2] the wildcard +', 'a/+/b', invalidTopic],
  ['a wildcard within a level', 'a+', invalidTopic],
  ['a wildcard in a topic that is not ASCII', 'ä/#', invalidTopic],
  ['more than 200 levels', '/'.repeat(maxTopicLevels), invalidTopic],
  ['more than 200 levels that are not ASCII', 'ä/'.repeat(maxTopicLevels), invalidTopic],
  ['[MQTT-5.0 4.7.3-1] nothing in it', '', protocolError],
  ['[MQTT-5.0 1.5.4-2] U+0000', 'a\0b', malformed],
  ['a control character', 'a\u0001b', malformed],
  ['a noncharacter', 'a\uffff', malformed],
  ['[MQTT-5.0 1.5.4-1] half of a surrogate pair', Buffer.from('61eda080', 'hex'), malformed],
] as const) {
  for (const version of versions) {
    test(`a PUBLISH to a topic with ${what} is refused in version ${version}`, () => {
      throwsMqtt(() => parsePublish(qos1, withTopic(topic, version), version), code)
    })
  }
}

test('topics of 200 levels, of names of JavaScript, of $SYS and of spaces are topics for the codec', () => {
  const deep = '/'.repeat(maxTopicLevels - 1)
  for (const topic of [
    deep,
    '__proto__',
    'constructor',
    '$SYS/x',
    '$share/g/f',
    ' ',
    '/',
    '~',
    '\ufeffa',
    'a'.repeat(65_535),
  ]) {
    for (const version of versions) {
      assert.equal(parsePublish(qos1, withTopic(topic, version), version).topic, topic)
      // Again: now perhaps from the topics remembered.
      assert.equal(parsePublish(qos1, withTopic(topic, version), version).topic, topic)
    }
  }
})

test('topics are told apart however many are remembered', () => {
  for (let round = 0; round < 2; round++) {
    for (let index = 0; index < 10_000; index++) {
      const topic = `t/${index}`
      assert.equal(parsePublish(0, Buffer.concat([mqttString(topic), bytes('01')]), 4).topic, topic)
    }
  }
})

test('topics of equal length and hash are told apart', () => {
  // 31 * 'B' + 'C' = 31 * 'A' + 'b'
  for (const topic of ['BC', 'Ab', 'BC', 'Ab']) assert.equal(parsePublish(0, mqttString(topic), 3).topic, topic)
})

for (const version of versions) {
  test(`[MQTT-5.0 3.3.1-4] QoS 3 is malformed in version ${version}`, () => {
    throwsMqtt(() => parsePublish(6, withTopic('a', version), version), malformed)
  })
  test(`[MQTT-5.0 3.3.1-2] DUP with QoS 0 is a protocol error in version ${version}`, () => {
    throwsMqtt(() => parsePublish(8, withTopic('a', version), version), protocolError)
  })
  test(`[MQTT-5.0 2.2.1-3] packet id 0 is a protocol error in version ${version}`, () => {
    throwsMqtt(() => parsePublish(qos1, bytes("'a' 00 00 00"), version), protocolError)
  })
}

const refusedProperties: readonly (readonly [what: string, hex: string, code: MqttErrorCode])[] = [
  ['an unknown property', '01 7d', malformed],
  ['a property of CONNECT', '05 11 00 00 00 01', malformed],
  ['a will delay', '05 18 00 00 00 01', malformed],
  ['a length beyond the packet', '7f 01 00', malformed],
  ['a length in more bytes than it needs', '82 00 01 00', malformed],
  ['a value beyond the properties', '03 02 00 00 00 00', malformed],
  ['a string beyond the properties', "03 03 'abc'", malformed],
  ['a content type with U+0000', '04 03 00 01 00', malformed],
  ['a user property that is not UTF-8', "07 26 'a' 00 01 ff", malformed],
  ['a repeated payload format indicator', '04 01 00 01 00', protocolError],
  ['a repeated topic alias', '06 23 00 01 23 00 01', protocolError],
  ['a payload format indicator of 2', '02 01 02', protocolError],
  ['[MQTT-5.0 3.3.4-6] a subscription identifier', '02 0b 01', protocolError],
  ['[MQTT-5.0 3.3.2-8] topic alias 0', '03 23 00 00', 'ERR_MQTT_TOPIC_ALIAS_INVALID'],
  ['[MQTT-5.0 3.3.2-14] a wildcard in the response topic', "06 08 'a/#'", invalidTopic],
  ['an empty response topic', "03 08 ''", invalidTopic],
]
for (const [what, hex, code] of refusedProperties) {
  test(`a PUBLISH of MQTT 5 is refused for ${what}`, () => {
    throwsMqtt(() => parsePublish(0, bytes(`'a' ${hex}`), 5), code)
  })
}

test('before MQTT 5 what looks like properties is payload', () => {
  const publish = parsePublish(0, bytes("'a' 02 0b 01"), 4)
  assert.equal(publish.properties, undefined)
  assert.deepEqual(publish.payload, bytes('02 0b 01'))
})

test('the payload is not looked at, whatever its format indicator says', () => {
  assert.deepEqual(parsePublish(0, bytes("'a' 02 01 01 ff"), 5).payload, bytes('ff'))
})

test('payload and correlation data are views of the packet', () => {
  const body = bytes("'a' 05 09 00 02 01 02 68 69")
  const { payload, properties } = parsePublish(0, body, 5)
  assert.equal(payload.buffer, body.buffer)
  assert.equal(payload.byteOffset, body.byteOffset + 9)
  assert.equal(properties?.correlationData?.buffer, body.buffer)
})

test('an alias alone is no property of the message', () => {
  const publish = parsePublish(0, bytes("'a' 03 23 00 01"), 5)
  assert.equal(publish.properties, undefined)
  assert.equal(publish.topicAlias, 1)
})

test('user properties named like members of JavaScript objects are pairs like others (engine: __proto__)', () => {
  const { properties } = parsePublish(0, bytes("'a' 11 26 '__proto__' 00 03 61 62 63"), 5)
  assert.deepEqual(properties?.userProperties, [['__proto__', 'abc']])
})
