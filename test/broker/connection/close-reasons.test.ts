import assert from 'node:assert/strict'
import { test } from 'node:test'
import { departureCause } from '../../../broker/connection/close-reasons.ts'
import { MqttError, type MqttErrorCode } from '../../../broker/edge/index.ts'

test('the log calls the end of a connection as Mosquitto does', () => {
  assert.equal(departureCause('keep-alive', false), 'keep-alive')
  assert.equal(departureCause('closed-by-peer', false), 'closed-connection')
  assert.equal(departureCause('ended', true), 'disconnected')
  assert.equal(departureCause('ended', false), 'administrative')
  const violations: readonly [MqttErrorCode, string][] = [
    ['ERR_MQTT_MALFORMED_PACKET', 'malformed-packet'],
    ['ERR_MQTT_PACKET_TOO_LARGE', 'oversize-packet'],
    ['ERR_MQTT_QOS_NOT_SUPPORTED', 'not-supported'],
    ['ERR_MQTT_PROTOCOL_ERROR', 'protocol-error'],
    ['ERR_MQTT_RECEIVE_MAXIMUM_EXCEEDED', 'protocol-error'],
  ]
  for (const [code, cause] of violations) assert.equal(departureCause(new MqttError(code, 'x'), false), cause)
})
