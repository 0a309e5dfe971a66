import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MqttError, type MqttErrorCode, parseConnect } from '../../../broker/edge/index.ts'
import { bytes, mqttString, throwsMqtt } from './helpers.ts'

const malformed = 'ERR_MQTT_MALFORMED_PACKET'
const protocolError = 'ERR_MQTT_PROTOCOL_ERROR'

const refused: readonly (readonly [what: string, body: string, code: MqttErrorCode])[] = [
  ['[MQTT-5.0 3.1.2-3] the reserved connect flag in MQTT 5', "'MQTT' 05 03 00 3c 00 'c'", malformed],
  ['[MQTT-3.1.1 3.1.2-3] the reserved connect flag in MQTT 3.1.1', "'MQTT' 04 03 00 3c 'c'", malformed],
  ['[MQTT-3.1.1 3.1.2-13] a will QoS without will in MQTT 3.1.1', "'MQTT' 04 0a 00 3c 'c'", malformed],
  ['[MQTT-5.0 3.1.2-11] a will QoS without will in MQTT 5', "'MQTT' 05 12 00 3c 00 'c'", malformed],
  ['[MQTT-5.0 3.1.2-13] a retained will without will', "'MQTT' 05 22 00 3c 00 'c'", malformed],
  ['[MQTT-5.0 3.1.2-12] a will of QoS 3 in MQTT 5', "'MQTT' 05 1e 00 3c 00 'c' 00 'w' 'p'", malformed],
  ['[MQTT-3.1.1 3.1.2-14] a will of QoS 3 in MQTT 3.1.1', "'MQTT' 04 1e 00 3c 'c' 'w' 'p'", malformed],
  ['a will of QoS 3 in MQTT 3.1', "'MQIsdp' 03 1e 00 3c 'c' 'w' 'p'", malformed],
  ['[MQTT-3.1.1 3.1.2-22] a password without username in MQTT 3.1.1', "'MQTT' 04 42 00 3c 'c' 'p'", malformed],
  ['a password without username in MQTT 3.1', "'MQIsdp' 03 42 00 3c 'c' 'p'", malformed],
  ['credentials that the flags do not announce', "'MQTT' 04 02 00 3c 'c' 'u' 'p'", malformed],
  ['a missing username in MQTT 3.1.1', "'MQTT' 04 82 00 3c 'c'", malformed],
  ['a missing password in MQTT 3.1.1', "'MQTT' 04 c2 00 3c 'c' 'u'", malformed],
  ['a missing will in MQTT 3.1', "'MQIsdp' 03 06 00 3c 'c'", malformed],
  ['a client id with U+0000', "'MQTT' 04 02 00 3c 00 01 00", malformed],
  ['a client id that is not UTF-8', "'MQTT' 04 02 00 3c 00 01 ff", malformed],
  ['a username that is not UTF-8', "'MQTT' 04 82 00 3c 'c' 00 02 c3 28", malformed],
  ['a will topic with U+0000', "'MQTT' 04 06 00 3c 'c' 00 02 61 00 'p'", malformed],
  ['properties beyond the end of the packet', "'MQTT' 05 02 00 3c 04 22 00 01", malformed],
  ['a property that ends beyond the properties', "'MQTT' 05 02 00 3c 02 22 00 01 'c'", malformed],
  ['[MQTT-5.0 2.2.2.2] an unknown property', "'MQTT' 05 02 00 3c 02 2b 00 'c'", malformed],
  ['a property identifier that takes two bytes', "'MQTT' 05 02 00 3c 03 a6 01 00 'c'", malformed],
  ['a property above all identifiers', "'MQTT' 05 02 00 3c 02 7f 00 'c'", malformed],
  ['a property of PUBLISH', "'MQTT' 05 02 00 3c 02 01 01 'c'", malformed],
  ['a property of CONNACK', "'MQTT' 05 02 00 3c 02 24 01 'c'", malformed],
  ['a will delay among the properties of CONNECT', "'MQTT' 05 02 00 3c 05 18 00 00 00 01 'c'", malformed],
  ['a property of CONNECT among those of the will', "'MQTT' 05 06 00 3c 00 'c' 03 22 00 01 'w' 'p'", malformed],
  ['a topic alias in a will', "'MQTT' 05 06 00 3c 00 'c' 03 23 00 01 'w' 'p'", malformed],
  ['a property length in four bytes where one does', "'MQTT' 05 02 00 3c 80 80 80 00 'c'", malformed],
  ['a property length of five bytes', "'MQTT' 05 02 00 3c 80 80 80 80 01 'c'", malformed],
  ['a repeated session expiry interval', "'MQTT' 05 02 00 3c 0a 11 00 00 00 01 11 00 00 00 01 'c'", protocolError],
  ['a repeated receive maximum', "'MQTT' 05 02 00 3c 06 21 00 01 21 00 01 'c'", protocolError],
  ['a receive maximum of 0', "'MQTT' 05 02 00 3c 03 21 00 00 'c'", protocolError],
  ['a maximum packet size of 0', "'MQTT' 05 02 00 3c 05 27 00 00 00 00 'c'", protocolError],
  ['a request for problem information of 2', "'MQTT' 05 02 00 3c 02 17 02 'c'", protocolError],
  ['a request for response information of 2', "'MQTT' 05 02 00 3c 02 19 02 'c'", protocolError],
  ['a payload format indicator of 2 in a will', "'MQTT' 05 06 00 3c 00 'c' 02 01 02 'w' 'p'", protocolError],
  ['authentication data without method', "'MQTT' 05 02 00 3c 04 16 00 01 00 'c'", protocolError],
  ['a wildcard in a will topic in MQTT 3.1', "'MQIsdp' 03 06 00 3c 'c' 'a/#' 'p'", 'ERR_MQTT_TOPIC_NAME_INVALID'],
  ['a wildcard in a will topic in MQTT 3.1.1', "'MQTT' 04 06 00 3c 'c' '+' 'p'", 'ERR_MQTT_TOPIC_NAME_INVALID'],
  ['a wildcard in a will topic in MQTT 5', "'MQTT' 05 06 00 3c 00 'c' 00 'a+' 'p'", 'ERR_MQTT_TOPIC_NAME_INVALID'],
  ['an empty will topic', "'MQTT' 05 06 00 3c 00 'c' 00 '' 'p'", 'ERR_MQTT_TOPIC_NAME_INVALID'],
  [
    'a wildcard in the response topic of a will',
    "'MQTT' 05 06 00 3c 00 'c' 04 08 '#' 'w' 'p'",
    'ERR_MQTT_TOPIC_NAME_INVALID',
  ],
  ['an empty client id in MQTT 3.1', "'MQIsdp' 03 02 00 3c ''", 'ERR_MQTT_CLIENT_ID_INVALID'],
  [
    '[MQTT-3.1.1 3.1.3-8] an empty client id for a session to keep',
    "'MQTT' 04 00 00 3c ''",
    'ERR_MQTT_CLIENT_ID_INVALID',
  ],
]

for (const [what, body, code] of refused) {
  test(`a CONNECT is refused for ${what}`, () => {
    throwsMqtt(() => parseConnect(0, bytes(body)), code)
  })
}

test('[MQTT-5.0 2.1.3-1] a CONNECT with flags in its fixed header is malformed, but in MQTT 3.1, which has no use for them', () => {
  for (const flags of [1, 2, 4, 8, 15]) {
    throwsMqtt(() => parseConnect(flags, bytes("'MQTT' 05 02 00 3c 00 'c'")), malformed)
    throwsMqtt(() => parseConnect(flags, bytes("'MQTT' 04 02 00 3c 'c'")), malformed)
    assert.equal(parseConnect(flags, bytes("'MQIsdp' 03 02 00 3c 'c'")).clientId, 'c')
  }
})

for (const [what, body, protocolVersion] of [
  ['MQTT of level 3', "'MQTT' 03", 3],
  ['MQTT of level 6', "'MQTT' 06", 6],
  ['MQTT of level 0', "'MQTT' 00", 0],
  ['a Mosquitto bridge of level 5', "'MQTT' 85", 5],
  ['MQIsdp of level 4', "'MQIsdp' 04", 4],
  ['a name in small letters', "'mqtt' 04", undefined],
  ['a name that begins like MQTT', "'MQTT5' 05", undefined],
  ['an empty name', "'' 05", undefined],
] as const) {
  test(`a CONNECT to ${what} asks for an unsupported version, and the error says which`, () => {
    const error = throwsMqtt(() => parseConnect(0, bytes(`${body} 02 00 3c 00 'c'`)), 'ERR_MQTT_UNSUPPORTED_VERSION')
    assert.equal(error.details.protocolVersion, protocolVersion)
    assert.equal(error.reasonCode, 0x84)
  })
}

test('an error says for which version a CONNACK would have to be', () => {
  for (const [body, protocolVersion] of [
    ["'MQIsdp' 03 02 00 3c ''", 3],
    ["'MQTT' 04 03 00 3c 'c'", 4],
    ["'MQTT' 05 02 00 3c 03 21 00 00 'c'", 5],
    ["'MQTT' 05", 5],
    ["'MQTT'", undefined],
    ['00', undefined],
  ] as const) {
    assert.throws(
      () => parseConnect(0, bytes(body)),
      (error) => {
        return error instanceof MqttError && error.details.protocolVersion === protocolVersion
      },
    )
  }
})

test('client ids that are names of JavaScript are ordinary ids (engine row 1)', () => {
  for (const clientId of ['__proto__', 'constructor', 'hasOwnProperty']) {
    const body = Buffer.concat([bytes("'MQTT' 04 02 00 3c"), mqttString(clientId)])
    assert.equal(parseConnect(0, body).clientId, clientId)
  }
})

test('what a CONNECT holds is a copy: the chunk it came in may be overwritten', () => {
  const body = bytes("'MQTT' 04 c6 00 3c 'c' 'w' 'gone' 'u' 'pass'")
  const connect = parseConnect(0, body)
  body.fill(0)
  assert.equal(connect.will?.payload.toString(), 'gone')
  assert.equal(connect.password?.toString(), 'pass')
})

test('a bridge of Mosquitto says so with the top bit of the level, in the versions that have no No Local', () => {
  for (const [text, version] of [
    ["'MQTT' 84 02 00 00 'c'", 4],
    ["'MQIsdp' 83 02 00 00 'c'", 3],
  ] as const) {
    const { protocolVersion, isBridge } = parseConnect(0, bytes(text))
    assert.deepEqual([protocolVersion, isBridge], [version, true])
  }
  assert.equal(parseConnect(0, bytes("'MQTT' 04 02 00 00 'c'")).isBridge, false)
})
