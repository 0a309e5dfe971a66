import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type MqttErrorCode,
  type ProtocolVersion,
  parseSubscribe,
  parseUnsubscribe,
  topicLevels,
} from '../../../broker/edge/index.ts'
import { bytes, mqttString, throwsMqtt, versions } from './helpers.ts'

const malformed = 'ERR_MQTT_MALFORMED_PACKET'
const protocolError = 'ERR_MQTT_PROTOCOL_ERROR'
const invalidFilter = 'ERR_MQTT_TOPIC_FILTER_INVALID'

function head(version: ProtocolVersion): Buffer {
  return bytes(version === 5 ? '00 01 00' : '00 01')
}

function subscribe(filter: string | Uint8Array, options: number, version: ProtocolVersion): Buffer {
  return Buffer.concat([head(version), mqttString(filter), Buffer.from([options])])
}

function unsubscribe(filter: string | Uint8Array, version: ProtocolVersion): Buffer {
  return Buffer.concat([head(version), mqttString(filter)])
}

const refusedFilters: readonly (readonly [filter: string | Uint8Array, code: MqttErrorCode])[] = [
  ['', invalidFilter],
  ['a#', invalidFilter],
  ['#/a', invalidFilter],
  ['a/#/b', invalidFilter],
  ['##', invalidFilter],
  ['a+', invalidFilter],
  ['+a/b', invalidFilter],
  ['a/b+/c', invalidFilter],
  ['++', invalidFilter],
  ['+#', invalidFilter],
  ['$share', invalidFilter],
  ['$share/', invalidFilter],
  ['$share/g', invalidFilter],
  ['$share/g/', invalidFilter],
  ['$share//f', invalidFilter],
  ['$share/+/f', invalidFilter],
  ['$share/g#/f', invalidFilter],
  ['$share/#', invalidFilter],
  ['$share/g/f#', invalidFilter],
  ['$share/g/+a', invalidFilter],
  ['a\0', malformed],
  ['a\u009f', malformed],
  [Buffer.from('c080', 'hex'), malformed],
]
for (const [filter, code] of refusedFilters) {
  test(`the filter ${JSON.stringify(filter.toString())} is refused in SUBSCRIBE and UNSUBSCRIBE of every version`, () => {
    for (const version of versions) {
      throwsMqtt(() => parseSubscribe(2, subscribe(filter, 0, version), version), code)
      throwsMqtt(() => parseUnsubscribe(2, unsubscribe(filter, version), version), code)
    }
  })
}

const filters = ['#', '+', '/', '//', '+/+', 'a/+/#', '/#', '+/', '$SYS/#', '$share/g/f', '$share/g/#', '$share/g//f']
const names = ['__proto__', 'constructor', '$shared', '$share2/g/f', ' ', 'ä/+', 'a/'.repeat(500)]
for (const filter of [...filters, ...names]) {
  test(`the filter ${JSON.stringify(filter.slice(0, 20))} of ${topicLevels(filter)} levels is accepted in every version`, () => {
    for (const version of versions) {
      const { subscriptions } = parseSubscribe(2, subscribe(filter, 2, version), version)
      assert.deepEqual(subscriptions, [
        { topicFilter: filter, qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0 },
      ])
      assert.deepEqual(parseUnsubscribe(2, unsubscribe(filter, version), version).topicFilters, [filter])
    }
  })
}

test('[MQTT-5.0 3.8.3-5] reserved bits of the options are malformed: two in MQTT 5, six before', () => {
  for (const version of versions) {
    for (let bit = version === 5 ? 6 : 2; bit < 8; bit++) {
      throwsMqtt(() => parseSubscribe(2, subscribe('f', 1 << bit, version), version), malformed)
    }
  }
})

test('QoS 3 is a protocol error in every version, Retain Handling 3 in MQTT 5', () => {
  for (const version of versions) {
    throwsMqtt(() => parseSubscribe(2, subscribe('f', 3, version), version), protocolError)
  }
  throwsMqtt(() => parseSubscribe(2, subscribe('f', 0x30, 5), 5), protocolError)
})

test('[MQTT-5.0 3.8.3-4] No Local for a shared subscription is a protocol error', () => {
  throwsMqtt(() => parseSubscribe(2, subscribe('$share/g/f', 4, 5), 5), protocolError)
})

for (const version of versions) {
  const refused: readonly (readonly [what: string, run: () => unknown, code: MqttErrorCode])[] = [
    ['a SUBSCRIBE without filters', () => parseSubscribe(2, head(version), version), protocolError],
    ['an UNSUBSCRIBE without filters', () => parseUnsubscribe(2, head(version), version), protocolError],
    ['a SUBSCRIBE with packet id 0', () => parseSubscribe(2, bytes("00 00 00 'f' 00"), version), protocolError],
    ['an UNSUBSCRIBE with packet id 0', () => parseUnsubscribe(2, bytes("00 00 00 'f'"), version), protocolError],
    ['a SUBSCRIBE with flags 0', () => parseSubscribe(0, subscribe('f', 0, version), version), malformed],
    ['an UNSUBSCRIBE with flags 0', () => parseUnsubscribe(0, unsubscribe('f', version), version), malformed],
    ['a SUBSCRIBE with flags 6', () => parseSubscribe(6, subscribe('f', 0, version), version), malformed],
  ]
  for (const [what, run, code] of refused) {
    test(`${what} is refused in version ${version}`, () => {
      throwsMqtt(run, code)
    })
  }
}

test('DUP in SUBSCRIBE and UNSUBSCRIBE is malformed since MQTT 3.1.1', () => {
  for (const version of [4, 5] as const) {
    throwsMqtt(() => parseSubscribe(10, subscribe('f', 0, version), version), malformed)
    throwsMqtt(() => parseUnsubscribe(10, unsubscribe('f', version), version), malformed)
  }
})

for (const [what, properties, code] of [
  ['subscription identifier 0', '02 0b 00', protocolError],
  ['two subscription identifiers', '04 0b 01 0b 02', protocolError],
  ['a subscription identifier of five bytes', '06 0b 80 80 80 80 01', malformed],
  ['a subscription identifier in more bytes than it needs', '03 0b 81 00', malformed],
  ['a topic alias', '03 23 00 01', malformed],
  ['a reason string', "04 1f 'a'", malformed],
] as const) {
  test(`a SUBSCRIBE of MQTT 5 is refused for ${what}`, () => {
    throwsMqtt(() => parseSubscribe(2, bytes(`00 01 ${properties} 'f' 00`), 5), code)
  })
}

test('an UNSUBSCRIBE of MQTT 5 with a subscription identifier is malformed', () => {
  throwsMqtt(() => parseUnsubscribe(2, bytes("00 01 02 0b 01 'f'"), 5), malformed)
})
