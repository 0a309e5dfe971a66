import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeClose } from '../../../broker/connection/close-reasons.ts'
import { MqttError } from '../../../broker/edge/index.ts'

test('each way to end reads as it does in the log of Mosquitto, or says who ended it', () => {
  assert.equal(describeClose('keep-alive', false), 'has exceeded timeout, disconnecting')
  assert.equal(describeClose('closed-by-peer', false), 'closed its connection')
  assert.equal(describeClose('ended', true), 'disconnected')
  assert.equal(describeClose('ended', false), 'was disconnected by the broker')
})

test('what a client did wrong is said with its code', () => {
  const malformed = describeClose(new MqttError('ERR_MQTT_MALFORMED_PACKET', 'QoS 3'), false)
  assert.match(malformed, /malformed packet.*QoS 3/)
  const other = describeClose(new MqttError('ERR_MQTT_PACKET_TOO_LARGE', 'a packet of 7 bytes'), false)
  assert.match(other, /ERR_MQTT_PACKET_TOO_LARGE.*7 bytes/)
})
