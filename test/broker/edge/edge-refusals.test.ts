import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EdgeLimits } from '../../../broker/edge/edge-handler.ts'
import type { MqttErrorCode, ProtocolVersion } from '../../../broker/edge/index.ts'
import {
  acknowledgementBytes,
  authBytes,
  type ConnectFields,
  connectBytes,
  disconnectBytes,
  publishBytes,
  subscribeBytes,
} from '../../helpers/conformance/build.ts'
import { connectOf, EdgeBench, hex } from './edge-support.ts'
import { bytes, versions } from './helpers.ts'

interface Violation {
  readonly name: string
  readonly bytes: Buffer
  readonly code: MqttErrorCode
  /** Reason Code that MQTT 5 is told. */
  readonly told: number
  readonly versions?: readonly ProtocolVersion[]
  readonly limits?: Partial<EdgeLimits>
}

const malformed = { code: 'ERR_MQTT_MALFORMED_PACKET', told: 0x81 } as const
const protocolError = { code: 'ERR_MQTT_PROTOCOL_ERROR', told: 0x82 } as const
const five = [5] as const
const alias = (topic: string, value: number) => publishBytes(5, { topic, properties: [['topicAlias', value]] })

const violations: readonly Violation[] = [
  { name: 'a type that does not exist', bytes: bytes('00 00'), ...malformed },
  { name: 'a Remaining Length of five bytes', bytes: bytes('30 ff ff ff ff 01'), ...malformed },
  { name: 'QoS 3', bytes: bytes("36 03 'a'"), ...malformed },
  { name: 'a topic that is not UTF-8', bytes: bytes('30 03 00 01 ff'), ...malformed },
  { name: 'a PINGREQ with a body', bytes: bytes('c0 01 00'), ...malformed },
  { name: 'flags of a SUBSCRIBE', bytes: bytes("80 06 00 01 'a' 00"), ...malformed },
  { name: 'a packet that only servers send', bytes: bytes('20 02 00 00'), ...protocolError },
  { name: 'AUTH without an authentication method', bytes: authBytes(0x18, []), versions: five, ...protocolError },
  { name: 'AUTH before there was one', bytes: bytes('f0 00'), versions: [3, 4], ...malformed },
  { name: 'packet id 0', bytes: acknowledgementBytes('puback', 0), ...protocolError },
  { name: 'a SUBSCRIBE without filters', bytes: subscribeBytes(5, 1, []), versions: five, ...protocolError },
  { name: 'a DISCONNECT with a code of servers', bytes: disconnectBytes(0x8b), versions: five, ...protocolError },
  {
    name: 'a topic with a wildcard',
    bytes: publishBytes(5, { topic: 'a/#' }),
    code: 'ERR_MQTT_TOPIC_NAME_INVALID',
    told: 0x90,
  },
  {
    name: 'a filter that is none',
    bytes: subscribeBytes(5, 1, [['a#', 0]]),
    versions: five,
    code: 'ERR_MQTT_TOPIC_FILTER_INVALID',
    told: 0x8f,
  },
  {
    name: 'an alias that stands for nothing',
    bytes: alias('', 1),
    versions: five,
    limits: { topicAliasMaximum: 1 },
    ...protocolError,
  },
  { name: 'alias 0', bytes: alias('a', 0), versions: five, code: 'ERR_MQTT_TOPIC_ALIAS_INVALID', told: 0x94 },
  {
    name: 'an alias above the maximum',
    bytes: alias('a', 2),
    versions: five,
    limits: { topicAliasMaximum: 1 },
    code: 'ERR_MQTT_TOPIC_ALIAS_INVALID',
    told: 0x94,
  },
  {
    name: 'a packet above the limit, as soon as its length is known',
    bytes: bytes('30 65'),
    limits: { maximumPacketSize: 100 },
    code: 'ERR_MQTT_PACKET_TOO_LARGE',
    told: 0x95,
  },
  {
    name: 'a second QoS 2 publish where one is allowed',
    bytes: Buffer.concat([1, 2].map((packetId) => publishBytes(5, { topic: 'a', qos: 2, packetId }))),
    versions: five,
    limits: { receiveMaximum: 1 },
    code: 'ERR_MQTT_RECEIVE_MAXIMUM_EXCEEDED',
    told: 0x93,
  },
  {
    name: 'a retained publish where none are taken',
    bytes: publishBytes(5, { topic: 'a', retain: true }),
    versions: five,
    limits: { retainAvailable: false },
    code: 'ERR_MQTT_RETAIN_NOT_SUPPORTED',
    told: 0x9a,
  },
  {
    name: 'a publish with a higher QoS than is offered',
    bytes: publishBytes(5, { topic: 'a', qos: 2, packetId: 1 }),
    versions: five,
    limits: { maximumQos: 1 },
    code: 'ERR_MQTT_QOS_NOT_SUPPORTED',
    told: 0x9b,
  },
]

for (const violation of violations) {
  for (const version of violation.versions ?? versions) {
    test(`version ${version}: ${violation.name} ends the connection, and MQTT 5 is told ${violation.told.toString(16)}`, () => {
      const bench = new EdgeBench(violation.limits).connect(version)
      bench.transport.receive(violation.bytes, publishBytes(version === 5 ? 5 : 4, { topic: 'after' }))
      assert.equal(bench.closeReason, violation.code)
      assert.equal(bench.written(), version === 5 ? `e001${violation.told.toString(16)}` : '')
      assert.equal(bench.transport.log.at(-1), 'end', 'what was written comes before the end')
      assert.equal(bench.calls.at(-1)?.[0], 'onClosed')
    })
  }
}

test('a control packet above 4 MiB is refused where a PUBLISH is not', () => {
  const bench = new EdgeBench().connect(5)
  const large = Buffer.alloc(4 * 1024 * 1024)
  bench.transport.receive(publishBytes(5, { topic: 'a', payload: large }))
  assert.deepEqual(bench.takeNames(), ['onPublish'])
  bench.transport.receive(subscribeBytes(5, 1, [[large.subarray(0, 65_535), 0]]).subarray(0, 1), bytes('81 80 80 02'))
  bench.transport.receive(large.subarray(0, 1))
  assert.equal(bench.closeReason, undefined, 'it is collected first')
  bench.transport.receive(large)
  assert.equal(bench.closeReason, 'ERR_MQTT_PACKET_TOO_LARGE')
  assert.equal(bench.written(), hex('e0 01 95'))
})

test('of somebody who has not said who he is no packet above 4 MiB is collected', () => {
  const bench = new EdgeBench()
  bench.transport.receive(bytes('10 81 80 80 02'))
  assert.equal(bench.closeReason, 'ERR_MQTT_PACKET_TOO_LARGE')
  assert.equal(bench.written(), '')
})

for (const first of ['00', '20', '30', '47 45 54', 'e0', 'f0 ff']) {
  test(`what begins with ${first} is closed before the rest of it comes: it will be no CONNECT`, () => {
    const bench = new EdgeBench()
    bench.transport.receive(bytes(first))
    assert.deepEqual([bench.closeReason, bench.written()], ['ERR_MQTT_PROTOCOL_ERROR', ''])
    assert.equal(bench.transport.isEnded, true)
  })
}

test('the first bytes of a CONNECT are waited on, and so is the first byte at all', () => {
  const bench = new EdgeBench()
  const connect = connectOf(4)
  for (const at of connect.keys()) {
    assert.deepEqual(bench.calls, [])
    bench.transport.receive(connect.subarray(at, at + 1))
  }
  assert.deepEqual(bench.takeNames(), ['onConnect'])
})

const connects: readonly [name: string, bytes: Buffer, code: MqttErrorCode, written: string][] = [
  [
    'level 6 gets the answer that all versions know',
    bytes("10 0d 'MQTT' 06 02 00 00 'c'"),
    'ERR_MQTT_UNSUPPORTED_VERSION',
    '20 02 00 01',
  ],
  ['level 3 of the new name too', bytes("10 0d 'MQTT' 03 02 00 00 'c'"), 'ERR_MQTT_UNSUPPORTED_VERSION', '20 02 00 01'],
  [
    "a bridge's 0x85 is refused as MQTT 5",
    bytes("10 0e 'MQTT' 85 02 00 00 00 'c'"),
    'ERR_MQTT_UNSUPPORTED_VERSION',
    '20 03 00 84 00',
  ],
  ['another protocol gets no answer', bytes("10 0d 'HTTP' 04 02 00 00 'c'"), 'ERR_MQTT_UNSUPPORTED_VERSION', ''],
  [
    '3.1: an empty client id is rejected',
    bytes("10 0e 'MQIsdp' 03 02 00 00 ''"),
    'ERR_MQTT_CLIENT_ID_INVALID',
    '20 02 00 02',
  ],
  [
    '3.1.1: an empty client id that wants a session is rejected',
    bytes("10 0c 'MQTT' 04 00 00 00 ''"),
    'ERR_MQTT_CLIENT_ID_INVALID',
    '20 02 00 02',
  ],
  ['3.1.1: a reserved flag gets no answer', bytes("10 0d 'MQTT' 04 03 00 00 'c'"), 'ERR_MQTT_MALFORMED_PACKET', ''],
  [
    '5: a reserved flag is malformed',
    bytes("10 0e 'MQTT' 05 03 00 00 00 'c'"),
    'ERR_MQTT_MALFORMED_PACKET',
    '20 03 00 81 00',
  ],
  [
    '5: Receive Maximum 0 is a protocol error',
    bytes("10 11 'MQTT' 05 02 00 00 03 21 00 00 'c'"),
    'ERR_MQTT_PROTOCOL_ERROR',
    '20 03 00 82 00',
  ],
  [
    '5: a will topic with a wildcard',
    bytes("10 14 'MQTT' 05 06 00 00 00 'c' 00 '#' ''").fill(0x13, 1, 2),
    'ERR_MQTT_TOPIC_NAME_INVALID',
    '20 03 00 90 00',
  ],
  [
    '5: a Remaining Length that is longer than it must be',
    bytes("10 8e 00 'MQTT' 05 02 00 00 00 'c'"),
    'ERR_MQTT_MALFORMED_PACKET',
    '20 03 00 81 00',
  ],
]

for (const [name, connect, code, written] of connects) {
  test(`CONNECT, ${name}`, () => {
    const bench = new EdgeBench()
    bench.transport.receive(connect)
    assert.deepEqual([bench.closeReason, bench.written()], [code, hex(written)])
    assert.deepEqual(bench.takeNames(), ['onClosed'], 'the handler hears of no CONNECT')
  })
}

const will = (more: { readonly qos?: number; readonly retain?: boolean }) => ({ topic: 'w', payload: 'gone', ...more })

const notOffered: readonly [string, Partial<EdgeLimits>, ConnectFields, MqttErrorCode, string][] = [
  ['MQTT 3.1.1', { protocolVersions: [5] }, { level: 4 }, 'ERR_MQTT_UNSUPPORTED_VERSION', '20 02 00 01'],
  ['MQTT 5', { protocolVersions: [3, 4] }, { level: 5 }, 'ERR_MQTT_UNSUPPORTED_VERSION', '20 03 00 84 00'],
  [
    'a retained will',
    { retainAvailable: false },
    { level: 5, will: will({ retain: true }) },
    'ERR_MQTT_RETAIN_NOT_SUPPORTED',
    '20 03 00 9a 00',
  ],
  [
    'a will with QoS 1',
    { maximumQos: 0 },
    { level: 5, will: will({ qos: 1 }) },
    'ERR_MQTT_QOS_NOT_SUPPORTED',
    '20 03 00 9b 00',
  ],
  ['a will with QoS 2, 3.1.1', { maximumQos: 1 }, { will: will({ qos: 2 }) }, 'ERR_MQTT_QOS_NOT_SUPPORTED', ''],
]

for (const [what, limits, fields, code, written] of notOffered) {
  test(`CONNECT, ${what} where that is not offered is refused`, () => {
    const bench = new EdgeBench(limits)
    bench.transport.receive(connectBytes({ clientId: 'c', ...fields }))
    assert.deepEqual([bench.closeReason, bench.written()], [code, hex(written)])
    assert.deepEqual(bench.takeNames(), ['onClosed'], 'the handler hears of no CONNECT')
  })
}

/** What the versions before 5 say for a Reason Code; undefined: nothing. */
const refusals: readonly [code: number, returnCode: number | undefined][] = [
  [0x84, 1],
  [0x85, 2],
  [0x88, 3],
  [0x97, 3],
  [0x86, 4],
  [0x87, 5],
  [0x83, undefined],
  [0x95, undefined],
]

for (const version of versions) {
  test(`version ${version}: a refusal says what the version has a word for, and closes`, () => {
    for (const [code, returnCode] of refusals) {
      const bench = new EdgeBench()
      bench.transport.receive(connectOf(version), publishBytes(version === 5 ? 5 : 4, { topic: 'a' }))
      bench.edge.refuse(code)
      const before5 = returnCode === undefined ? '' : `200200${hex(`0${returnCode}`)}`
      assert.equal(bench.written(), version === 5 ? `200300${code.toString(16)}00` : before5)
      assert.deepEqual(bench.takeNames(), ['onConnect', 'onClosed'])
      assert.equal(bench.transport.log.at(-1), 'end')
      bench.edge.accept({ sessionPresent: false, code: 0 })
      assert.equal(bench.written(), '')
    }
  })

  test(`version ${version}: a reason to disconnect is written before the end with MQTT 5, behind what was written before`, () => {
    const bench = new EdgeBench().connect(version)
    bench.edge.sendSuback(1, [0])
    bench.edge.disconnect(0x8e)
    const suback = version === 5 ? '90 04 00 01 00 00' : '90 03 00 01 00'
    assert.equal(bench.transport.takeWritten().toString('hex'), hex(version === 5 ? `${suback} e0 01 8e` : suback))
    assert.equal(bench.transport.log.at(-1), 'end')
    assert.equal(bench.closeReason, 'ended')
  })

  test(`version ${version}: a reason to disconnect is not written before the CONNACK, where no DISCONNECT may be`, () => {
    // [MQTT-5.0 3.14.0-1]
    const bench = new EdgeBench()
    bench.transport.receive(connectOf(version))
    bench.edge.disconnect(0x8e)
    assert.deepEqual([bench.written(), bench.closeReason], ['', 'ended'])
  })
}
