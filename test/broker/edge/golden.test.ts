import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Framer, MqttError, type ProtocolVersion, packetType } from '../../../broker/edge/index.ts'
import { goldenPackets } from './golden-packets.ts'
import { bytes, packet, parsePacket, throwsMqtt } from './helpers.ts'

for (const { name, version, hex, fields } of goldenPackets) {
  test(`parses ${name}`, () => {
    assert.deepEqual(parsePacket(bytes(hex), version), fields)
  })
}

for (const { name, version, hex, cuts = {} } of goldenPackets) {
  test(`${name}, cut off anywhere, is no packet yet`, () => {
    const whole = bytes(hex)
    for (let length = 0; length < whole.length; length++) {
      const framer = new Framer(0)
      framer.push(whole.subarray(0, length))
      assert.equal(framer.next(), undefined, `${length} bytes`)
      assert.equal(framer.bufferedBytes, length)
    }
  })

  test(`${name}, with a Remaining Length that is too small, is refused, or was whole without its last parts`, () => {
    const whole = bytes(hex)
    for (let length = 0; length < whole.length - 2; length++) {
      const cut = packet(whole[0] as number, whole.subarray(2, 2 + length))
      const outcome = cuts[length] ?? 'ERR_MQTT_MALFORMED_PACKET'
      if (outcome === 'whole') parsePacket(cut, version)
      else throwsMqtt(() => parsePacket(cut, version), outcome, `${length} bytes`)
    }
  })

  if (!name.startsWith('a PUBLISH')) {
    test(`${name}, with bytes after its end, is refused`, () => {
      const whole = bytes(hex)
      for (const byte of [0x00, 0x01, 0x26, 0xff]) {
        const long = packet(whole[0] as number, Buffer.concat([whole.subarray(2), Buffer.from([byte])]))
        if (isWholeWith(long, byte, version)) parsePacket(long, version)
        else assert.throws(() => parsePacket(long, version), MqttError, `${byte}`)
      }
    })
  }
}

/** Where an optional part of MQTT 5 may follow, a zero is one: the Reason Code, or the length of no properties. */
function isWholeWith(long: Buffer, byte: number, version: ProtocolVersion): boolean {
  if (version !== 5 || byte !== 0) return false
  const type = (long[0] as number) >> 4
  const bodyBytes = long.length - 2
  if (type >= packetType.puback && type <= packetType.pubcomp) return bodyBytes <= 4
  return type === packetType.disconnect && bodyBytes <= 2
}
