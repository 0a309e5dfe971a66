import { test } from 'node:test'
import { checkClientPacketType } from '../../../broker/edge/index.ts'
import { throwsMqtt, versions } from './helpers.ts'

for (const version of versions) {
  test(`ten types of packets come from clients in version ${version}`, () => {
    for (const type of [1, 3, 4, 5, 6, 7, 8, 10, 12, 14]) checkClientPacketType(type, version)
  })

  test(`types that only servers send are a protocol error in version ${version}`, () => {
    for (const type of [2, 9, 11, 13]) {
      throwsMqtt(() => checkClientPacketType(type, version), 'ERR_MQTT_PROTOCOL_ERROR')
    }
  })

  test(`type 0 is malformed in version ${version}`, () => {
    throwsMqtt(() => checkClientPacketType(0, version), 'ERR_MQTT_MALFORMED_PACKET')
  })
}

test('AUTH does not exist before MQTT 5; there it is a protocol error without an authentication method', () => {
  throwsMqtt(() => checkClientPacketType(15, 3), 'ERR_MQTT_MALFORMED_PACKET')
  throwsMqtt(() => checkClientPacketType(15, 4), 'ERR_MQTT_MALFORMED_PACKET')
  throwsMqtt(() => checkClientPacketType(15, 5), 'ERR_MQTT_PROTOCOL_ERROR')
})
