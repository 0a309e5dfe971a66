import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkPingreq, parseDisconnect } from '../../../broker/edge/index.ts'
import { bytes, throwsMqtt } from './helpers.ts'

const malformed = 'ERR_MQTT_MALFORMED_PACKET'
const protocolError = 'ERR_MQTT_PROTOCOL_ERROR'

test('[MQTT-5.0 3.14.1-1] flags of DISCONNECT and PINGREQ are malformed since MQTT 3.1.1', () => {
  for (const version of [4, 5] as const) {
    for (let flags = 1; flags < 16; flags++) {
      throwsMqtt(() => parseDisconnect(flags, bytes(''), version), malformed)
      throwsMqtt(() => checkPingreq(flags, bytes(''), version), malformed)
    }
  }
})

test('PINGREQ in all versions and DISCONNECT before MQTT 5 have no body', () => {
  for (const version of [3, 4] as const) throwsMqtt(() => parseDisconnect(0, bytes('00'), version), malformed)
  for (const version of [3, 4, 5] as const) throwsMqtt(() => checkPingreq(0, bytes('00'), version), malformed)
})

test('[MQTT-5.0 3.14.2-1] only the reason codes that are for clients may be sent', () => {
  const allowed = [0, 4, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99]
  for (let code = 0; code < 256; code++) {
    const run = () => parseDisconnect(0, Buffer.from([code]), 5)
    if (allowed.includes(code)) assert.equal(run().reasonCode, code)
    else throwsMqtt(run, protocolError, `code ${code}`)
  }
})

for (const [what, properties, code] of [
  ['a repeated session expiry interval', '0a 11 00 00 00 01 11 00 00 00 01', protocolError],
  ['a server reference, which only servers have', "04 1c 'a'", protocolError],
  ['a property of CONNECT', '03 21 00 01', malformed],
  ['bytes after the properties', '00 00', malformed],
] as const) {
  test(`a DISCONNECT is refused for ${what}`, () => {
    throwsMqtt(() => parseDisconnect(0, bytes(`00 ${properties}`), 5), code)
  })
}
