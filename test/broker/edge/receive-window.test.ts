import { test } from 'node:test'
import { ReceiveWindow } from '../../../broker/edge/receive-window.ts'
import { throwsMqtt } from './helpers.ts'

test('as many packet ids as the maximum are in flight, and one more is an error', () => {
  const window = new ReceiveWindow(3)
  for (const packetId of [1, 2, 65_535]) window.take(packetId)
  throwsMqtt(() => window.take(3), 'ERR_MQTT_RECEIVE_MAXIMUM_EXCEEDED')
})

test('a publish that is sent again counts once, also when the window is full', () => {
  const window = new ReceiveWindow(2)
  for (const packetId of [1, 1, 1, 2, 2, 1]) window.take(packetId)
  throwsMqtt(() => window.take(3), 'ERR_MQTT_RECEIVE_MAXIMUM_EXCEEDED')
})

test('an acknowledgement makes room for one, and one of an unknown id for none', () => {
  const window = new ReceiveWindow(1)
  window.take(1)
  window.release(2)
  throwsMqtt(() => window.take(2), 'ERR_MQTT_RECEIVE_MAXIMUM_EXCEEDED')
  window.release(1)
  window.release(1)
  window.take(2)
  throwsMqtt(() => window.take(3), 'ERR_MQTT_RECEIVE_MAXIMUM_EXCEEDED')
})

test('all packet ids that there are fit into the largest window', () => {
  const window = new ReceiveWindow(65_535)
  for (let packetId = 1; packetId <= 65_535; packetId++) window.take(packetId)
  window.take(1)
})
