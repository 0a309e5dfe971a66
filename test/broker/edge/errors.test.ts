import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MqttError, type MqttErrorCode, reasonCode, returnCode, toReturnCode } from '../../../broker/edge/index.ts'

const told: Readonly<Record<MqttErrorCode, number>> = {
  ERR_MQTT_MALFORMED_PACKET: 0x81,
  ERR_MQTT_PROTOCOL_ERROR: 0x82,
  ERR_MQTT_UNSUPPORTED_VERSION: 0x84,
  ERR_MQTT_CLIENT_ID_INVALID: 0x85,
  ERR_MQTT_TOPIC_FILTER_INVALID: 0x8f,
  ERR_MQTT_TOPIC_NAME_INVALID: 0x90,
  ERR_MQTT_TOPIC_ALIAS_INVALID: 0x94,
  ERR_MQTT_RECEIVE_MAXIMUM_EXCEEDED: 0x93,
  ERR_MQTT_PACKET_TOO_LARGE: 0x95,
  ERR_MQTT_RETAIN_NOT_SUPPORTED: 0x9a,
  ERR_MQTT_QOS_NOT_SUPPORTED: 0x9b,
  ERR_MQTT_STRING_TOO_LONG: 0x83,
}

for (const [code, reason] of Object.entries(told)) {
  test(`${code} tells a MQTT 5 peer 0x${reason.toString(16)}`, () => {
    assert.equal(new MqttError(code as MqttErrorCode, 'text').reasonCode, reason)
  })
}

test('[MQTT-5.0 2.4] the reason codes are the 43 values of the standard, 0 under three names', () => {
  const errors = Array.from({ length: 0xa2 - 0x80 + 1 }, (_, index) => 0x80 + index)
  const expected = new Set([0, 1, 2, 4, 0x10, 0x11, 0x18, 0x19, ...errors])
  assert.deepEqual(new Set(Object.values(reasonCode)), expected)
  assert.equal(Object.keys(reasonCode).length, expected.size + 2)
})

test('before MQTT 5 a CONNACK says what it can: five refusals, or nothing', () => {
  assert.equal(toReturnCode(reasonCode.success), 0)
  assert.equal(toReturnCode(reasonCode.unsupportedProtocolVersion), 1)
  assert.equal(toReturnCode(reasonCode.clientIdentifierNotValid), 2)
  assert.equal(toReturnCode(reasonCode.serverBusy), 3)
  assert.equal(toReturnCode(reasonCode.badUserNameOrPassword), 4)
  assert.equal(toReturnCode(reasonCode.notAuthorized), 5)
  assert.equal(toReturnCode(reasonCode.malformedPacket), undefined)
  const known = new Set<number | undefined>([...Object.values(returnCode), undefined])
  for (let code = 0; code < 256; code++) assert.ok(known.has(toReturnCode(code)))
})
