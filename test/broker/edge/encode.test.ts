import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type ConnectPacket,
  encodeAcknowledgement,
  encodeConnack,
  encodeConnect,
  encodeDisconnect,
  encodeSuback,
  encodeUnsuback,
  maxAcknowledgementBytes,
  packetType,
  parseConnect,
  pingresp,
  writeAcknowledgement,
} from '../../../broker/edge/index.ts'
import { bytes, throwsMqtt, versions } from './helpers.ts'

const accepted = { sessionPresent: false, code: 0 } as const
const plainConnect = { clientId: 'c', cleanStart: true, username: undefined, password: undefined } as const

const golden: readonly (readonly [what: string, packet: Buffer, hex: string])[] = [
  ['CONNACK of MQTT 3.1', encodeConnack(3, accepted), '20 02 00 00'],
  [
    'CONNACK of MQTT 3.1, where the session present bit does not exist',
    encodeConnack(3, { sessionPresent: true, code: 0 }),
    '20 02 00 00',
  ],
  ['CONNACK of MQTT 3.1.1 with session', encodeConnack(4, { sessionPresent: true, code: 0 }), '20 02 01 00'],
  ['[MQTT-3.1.1 3.2.2-4] CONNACK that refuses', encodeConnack(4, { sessionPresent: true, code: 5 }), '20 02 00 05'],
  [
    '[MQTT-5.0 3.2.2-6] CONNACK of MQTT 5 that refuses',
    encodeConnack(5, { sessionPresent: true, code: 0x87 }),
    '20 03 00 87 00',
  ],
  ['CONNACK of MQTT 5 with session', encodeConnack(5, { sessionPresent: true, code: 0 }), '20 03 01 00 00'],
  [
    "CONNACK of MQTT 5 like Mosquitto's by default",
    encodeConnack(5, { ...accepted, receiveMaximum: 20, topicAliasMaximum: 10 }),
    '20 09 00 00 06 22 00 0a 21 00 14',
  ],
  [
    'CONNACK of MQTT 5 with every property',
    encodeConnack(5, {
      ...accepted,
      serverKeepAliveSeconds: 60,
      topicAliasMaximum: 10,
      assignedClientId: 'auto',
      retainAvailable: false,
      maximumPacketSize: 0x01020304,
      receiveMaximum: 20,
      maximumQos: 1,
      sessionExpiryIntervalSeconds: 0xffffffff,
      responseInformation: 'r',
    }),
    `20 25 00 00 22 13 00 3c 22 00 0a 12 'auto' 25 00 27 01 02 03 04 21 00 14 24 01
       11 ff ff ff ff 1a 'r'`,
  ],
  ['SUBACK of MQTT 3.1.1', encodeSuback(10, [0, 2, 0x80], 4), '90 05 00 0a 00 02 80'],
  ['SUBACK of MQTT 5', encodeSuback(0xfffe, [1, 0x8f], 5), '90 05 ff fe 00 01 8f'],
  ['UNSUBACK of MQTT 3.1', encodeUnsuback(10, [0, 0x11], 3), 'b0 02 00 0a'],
  ['UNSUBACK of MQTT 5', encodeUnsuback(10, [0, 0x11], 5), 'b0 05 00 0a 00 00 11'],
  ['DISCONNECT', encodeDisconnect(0x8e), 'e0 01 8e'],
  ['DISCONNECT of no error', encodeDisconnect(0), 'e0 01 00'],
  ['PINGRESP', pingresp, 'd0 00'],
  ['CONNECT of MQTT 3.1', encodeConnect({ ...plainConnect, version: 3 }), "10 0f 'MQIsdp' 03 02 00 00 'c'"],
  [
    'CONNECT of MQTT 3.1.1 with credentials',
    encodeConnect({ ...plainConnect, version: 4, cleanStart: false, username: 'u', password: bytes('ff') }),
    "10 13 'MQTT' 04 c0 00 00 'c' 'u' 00 01 ff",
  ],
  ['CONNECT of MQTT 5', encodeConnect({ ...plainConnect, version: 5 }), "10 0e 'MQTT' 05 02 00 00 00 'c'"],
  [
    'CONNECT of MQTT 5 with properties',
    encodeConnect({
      ...plainConnect,
      version: 5,
      username: 'u',
      authenticationMethod: 'm',
      authenticationData: bytes('01 02'),
    }),
    "10 1a 'MQTT' 05 82 00 00 09 15 'm' 16 00 02 01 02 'c' 'u'",
  ],
]

for (const [what, packet, hex] of golden) {
  test(`encodes ${what}`, () => {
    assert.equal(packet.toString('hex'), bytes(hex).toString('hex'))
  })
}

test('acknowledgements take four bytes, with MQTT 5 and a code five', () => {
  const { puback, pubrec, pubrel, pubcomp } = packetType
  for (const [type, first] of [
    [puback, 0x40],
    [pubrec, 0x50],
    [pubrel, 0x62],
    [pubcomp, 0x70],
  ] as const) {
    for (const version of versions) {
      assert.deepEqual(encodeAcknowledgement(type, 0x1234, 0, version), Buffer.from([first, 2, 0x12, 0x34]))
    }
    assert.deepEqual(encodeAcknowledgement(type, 0x1234, 0x92, 5), Buffer.from([first, 3, 0x12, 0x34, 0x92]))
    assert.deepEqual(encodeAcknowledgement(type, 0x1234, 0x92, 4), Buffer.from([first, 2, 0x12, 0x34]))
  }
})

test('an acknowledgement is written where it shall be, and nothing around it', () => {
  const target = Buffer.alloc(3 + maxAcknowledgementBytes + 1, 0xaa)
  assert.equal(writeAcknowledgement(target, 3, packetType.puback, 1, 0x10, 5), 8)
  assert.deepEqual(target, bytes('aa aa aa 40 03 00 01 10 aa'))
  assert.equal(writeAcknowledgement(target, 0, packetType.pubrel, 0xffff, 0, 5), 4)
  assert.deepEqual(target, bytes('62 02 ff ff 03 00 01 10 aa'))
})

test('an encoded CONNECT is parsed to the same fields', () => {
  for (const version of versions) {
    const connect = parseConnectPacket(
      encodeConnect({ version, clientId: 'ä', cleanStart: false, username: 'u', password: bytes('00 ff') }),
    )
    const { protocolVersion, clientId, cleanStart, keepAliveSeconds, username, password, will } = connect
    assert.deepEqual(
      { protocolVersion, clientId, cleanStart, keepAliveSeconds, username, password, will },
      {
        protocolVersion: version,
        clientId: 'ä',
        cleanStart: false,
        keepAliveSeconds: 0,
        username: 'u',
        password: bytes('00 ff'),
        will: undefined,
      },
    )
  }
})

function parseConnectPacket(packet: Buffer): ConnectPacket {
  return parseConnect((packet[0] as number) & 15, packet.subarray(2))
}

test('lengths of more than one byte are encoded: a SUBACK of 20,000 codes, a CONNACK with a property of 200 bytes', () => {
  const suback = encodeSuback(1, new Array(20_000).fill(0x80), 4)
  assert.deepEqual(suback.subarray(0, 6), bytes('90 a2 9c 01 00 01'))
  assert.equal(suback.length, 4 + 2 + 20_000)
  const connack = encodeConnack(5, { ...accepted, responseInformation: 'é'.repeat(100) })
  assert.deepEqual(connack.subarray(0, 12), bytes('20 cf 01 00 00 cb 01 1a 00 c8 c3 a9'))
})

test('a string of 65,535 bytes fits, one more does not', () => {
  const longest = 'a'.repeat(65_535)
  const connack = (responseInformation: string) => encodeConnack(5, { ...accepted, responseInformation })
  assert.equal(connack(longest).length, 1 + 3 + 2 + 3 + 3 + 65_535)
  throwsMqtt(() => connack(`${longest}a`), 'ERR_MQTT_STRING_TOO_LONG')
  const connect = { ...plainConnect, version: 4, username: 'u' } as const
  throwsMqtt(() => encodeConnect({ ...connect, password: Buffer.alloc(65_536) }), 'ERR_MQTT_STRING_TOO_LONG')
})
