import assert from 'node:assert/strict'
import { test } from 'node:test'
import { packetType, parseAcknowledgement } from '../../../broker/edge/index.ts'
import { bytes, throwsMqtt, versions } from './helpers.ts'

const malformed = 'ERR_MQTT_MALFORMED_PACKET'
const protocolError = 'ERR_MQTT_PROTOCOL_ERROR'
const { puback, pubrec, pubrel, pubcomp } = packetType
const types = [puback, pubrec, pubrel, pubcomp]

function flagsOf(type: number): number {
  return type === pubrel ? 2 : 0
}

test('[MQTT-5.0 2.1.3-1] any other flags are malformed since MQTT 3.1.1', () => {
  for (const version of [4, 5] as const) {
    for (const type of types) {
      for (let flags = 0; flags < 16; flags++) {
        if (flags === flagsOf(type)) continue
        throwsMqtt(() => parseAcknowledgement(type, flags, bytes('00 01'), version), malformed)
      }
    }
  }
})

test('in MQTT 3.1 a PUBREL has QoS 1 and may have DUP; flags of the others mean nothing', () => {
  for (let flags = 0; flags < 16; flags++) {
    const isQos1 = (flags & 6) === 2
    if (isQos1) assert.equal(parseAcknowledgement(pubrel, flags, bytes('00 01'), 3).packetId, 1)
    else throwsMqtt(() => parseAcknowledgement(pubrel, flags, bytes('00 01'), 3), malformed)
    assert.equal(parseAcknowledgement(puback, flags, bytes('00 01'), 3).packetId, 1)
  }
})

test('[MQTT-5.0 2.2.1-3] packet id 0 is a protocol error', () => {
  for (const version of versions) {
    for (const type of types) {
      throwsMqtt(() => parseAcknowledgement(type, flagsOf(type), bytes('00 00'), version), protocolError)
    }
  }
})

test('before MQTT 5 nothing follows the packet id', () => {
  for (const version of [3, 4] as const) {
    for (const type of types) {
      throwsMqtt(() => parseAcknowledgement(type, flagsOf(type), bytes('00 01 00'), version), malformed)
    }
  }
})

test('[MQTT-5.0 3.4.2-1] only nine reason codes may be sent in a PUBACK or PUBREC', () => {
  const allowed = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]
  for (const type of [puback, pubrec]) {
    for (let code = 0; code < 256; code++) {
      const run = () => parseAcknowledgement(type, 0, Buffer.from([0, 1, code]), 5)
      if (allowed.includes(code)) assert.deepEqual(run(), { packetId: 1, reasonCode: code })
      else throwsMqtt(run, protocolError, `code ${code}`)
    }
  }
})

test('[MQTT-5.0 3.6.2-1] a PUBREL or PUBCOMP says success or 0x92 and nothing else', () => {
  for (const type of [pubrel, pubcomp]) {
    for (let code = 0; code < 256; code++) {
      const run = () => parseAcknowledgement(type, flagsOf(type), Buffer.from([0, 1, code]), 5)
      if (code === 0 || code === 0x92) assert.deepEqual(run(), { packetId: 1, reasonCode: code })
      else throwsMqtt(run, protocolError, `code ${code}`)
    }
  }
})

for (const [what, properties, code] of [
  ['a repeated reason string', "08 1f 'a' 1f 'b'", protocolError],
  ['a property of PUBLISH', '02 01 01', malformed],
  ['properties beyond the packet', "05 1f 'a'", malformed],
  ['bytes after the properties', "04 1f 'a' 00", malformed],
] as const) {
  test(`an acknowledgement of MQTT 5 is refused for ${what}`, () => {
    for (const type of types) {
      throwsMqtt(() => parseAcknowledgement(type, flagsOf(type), bytes(`00 01 00 ${properties}`), 5), code)
    }
  })
}
