import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EdgeLimits } from '../../../broker/edge/edge-handler.ts'
import { acknowledgementBytes, publishBytes } from '../../helpers/conformance/build.ts'
import type { Property } from '../../helpers/conformance/properties.ts'
import { connectOf, EdgeBench, hex, messageTo, puback, pubcomp, pubrec, pubrel, topicsOf } from './edge-support.ts'
import { versions } from './helpers.ts'

function connected(properties: readonly Property[], limits: Partial<EdgeLimits> = {}): EdgeBench {
  return new EdgeBench(limits).connect(5, { properties })
}

/** Sends messages with QoS 0. @returns whether the client takes them */
const send = (bench: EdgeBench, ...messages: readonly ReturnType<typeof messageTo>[]) =>
  messages.map((message) => bench.edge.sendPublish(message, 0, false, false, 0))

for (const version of versions) {
  const noProperties = version === 5 ? ' 00' : ''
  const length = (bytes: number) => hex(`0${(version === 5 ? bytes + 1 : bytes).toString(16)}`)

  test(`version ${version}: a PUBLISH says QoS, RETAIN, DUP and packet id as it is told to`, () => {
    const bench = new EdgeBench().connect(version)
    bench.edge.sendPublish(messageTo('t', 'x'), 0, false, false, 0)
    bench.edge.sendPublish(messageTo('t', 'x'), 1, true, false, 258)
    bench.edge.sendPublish(messageTo('t', 'x'), 2, false, true, 65_535)
    const parts = [
      `30 ${length(4)} 't'${noProperties} 78`,
      `33 ${length(6)} 't' 01 02${noProperties} 78`,
      `3c ${length(6)} 't' ff ff${noProperties} 78`,
    ]
    assert.equal(bench.written(), hex(parts.join(' ')))
  })

  test(`version ${version}: acknowledgements have a code in MQTT 5 only, and there only when it is not 0`, () => {
    const bench = new EdgeBench().connect(version)
    bench.edge.sendAcknowledgement(puback, 1, 0)
    bench.edge.sendAcknowledgement(puback, 1, 0x10)
    bench.edge.sendAcknowledgement(pubrec, 2, 0x87)
    bench.edge.sendAcknowledgement(pubcomp, 3, 0)
    bench.edge.sendPubrel(4, true)
    bench.edge.sendPubrel(4, false)
    const withCode = (first: string, id: string, code: string) =>
      version === 5 ? `${first} 03 00 ${id} ${code}` : `${first} 02 00 ${id}`
    const acks = ['40 02 00 01', withCode('40', '01', '10'), withCode('50', '02', '87')]
    assert.equal(bench.written(), hex([...acks, '70 02 00 03 62 02 00 04', withCode('62', '04', '92')].join(' ')))
  })

  test(`version ${version}: SUBACK has a code per filter, UNSUBACK in MQTT 5`, () => {
    const bench = new EdgeBench().connect(version)
    bench.edge.sendSuback(1, [0, 2, 0x80])
    bench.edge.sendUnsuback(2, [0, 0x11])
    assert.equal(
      bench.written(),
      hex(version === 5 ? '90 06 00 01 00 00 02 80 b0 05 00 02 00 00 11' : '90 05 00 01 00 02 80 b0 02 00 02'),
    )
  })
}

test('nothing is sent to a client that was not accepted', () => {
  const bench = new EdgeBench()
  bench.transport.receive(connectOf(5))
  bench.edge.sendPublish(messageTo('t'), 0, false, false, 0)
  bench.edge.sendAcknowledgement(puback, 1, 0)
  bench.edge.sendSuback(1, [0])
  bench.edge.sendUnsuback(1, [0])
  assert.equal(bench.written(), '')
})

test('topics have an alias from their second message on, as many as both sides allow, in the order of the first', () => {
  const bench = connected([['topicAliasMaximum', 2]], { topicAliasMaximumOut: 3 })
  send(bench, ...['a', 'b', 'c', 'a', 'b', 'c'].map((topic) => messageTo(topic)))
  const told = "30 07 'a' 03 23 00 01 30 07 'b' 03 23 00 02 30 04 'c' 00"
  assert.equal(bench.written(), hex(`${told} 30 06 '' 03 23 00 01 30 06 '' 03 23 00 02 30 04 'c' 00`))
})

test('a client that allows no alias, a broker that gives none, and older versions have none', () => {
  const benches = [
    connected([], { topicAliasMaximumOut: 3 }),
    connected([['topicAliasMaximum', 2]]),
    new EdgeBench({ topicAliasMaximumOut: 3 }).connect(4),
  ]
  for (const bench of benches) {
    send(bench, messageTo('a'), messageTo('a'))
    assert.doesNotMatch(bench.written(), /23/)
  }
})

test('a packet above the Maximum Packet Size of the client is not sent, one of that size is', () => {
  // [MQTT-5.0 3.1.2-24]
  const bench = connected([['maximumPacketSize', 20]])
  assert.deepEqual(send(bench, messageTo('t', Buffer.alloc(14)), messageTo('t', Buffer.alloc(15))), [true, false])
  assert.equal(bench.written().length / 2, 20)
})

test('the alias of a packet that was too large is not spoken for', () => {
  const bench = connected(
    [
      ['maximumPacketSize', 20],
      ['topicAliasMaximum', 5],
    ],
    { topicAliasMaximumOut: 5 },
  )
  const sent = send(
    bench,
    messageTo('t', Buffer.alloc(15)),
    messageTo('u', 'x'),
    messageTo('t', 'x'),
    messageTo('t', 'y'),
  )
  assert.deepEqual(sent, [false, true, true, true])
  const first = "30 08 'u' 03 23 00 01 78"
  assert.equal(bench.written(), hex(`${first} 30 08 't' 03 23 00 02 78 30 07 '' 03 23 00 02 79`))
  // One that is known stays known, however large the packet would be.
  assert.deepEqual(send(bench, messageTo('u', Buffer.alloc(30)), messageTo('u', 'z')), [false, true])
  assert.equal(bench.written(), hex("30 07 '' 03 23 00 01 7a"))
})

test('a message that MQTT cannot express for this client is too large, not an error', () => {
  // Came in the largest packet of MQTT 3.1.1; only its length is looked at.
  const payload = { length: 268_435_455 - 3 } as Buffer
  const bench = connected([])
  assert.equal(bench.edge.sendPublish({ ...messageTo('t'), payload }, 0, false, false, 0), false)
  assert.equal(bench.edge.sendPublish({ ...messageTo('t'), payload }, 1, false, false, 1), false)
  const older = new EdgeBench().connect(4)
  assert.equal(older.edge.sendPublish({ ...messageTo('t'), payload }, 1, false, false, 1), false)
  assert.equal(bench.written() + older.written(), '')
})

test('Subscription Identifiers are sent in the order given', () => {
  const bench = connected([])
  bench.edge.sendPublish(messageTo('t'), 0, false, false, 0, [1, 300])
  assert.equal(bench.written(), hex("30 09 't' 05 0b 01 0b ac 02"))
})

test('the Message Expiry Interval counts down while a message waits, in whole seconds, and never below 0', (t) => {
  // [MQTT-5.0 3.3.2-6]
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
  const bench = connected([])
  const message = messageTo('t', '', 1_010_000)
  const expiry = () => {
    send(bench, message)
    return bench.written().slice(-8)
  }
  assert.equal(expiry(), '0000000a')
  t.mock.timers.setTime(1_000_001)
  assert.equal(expiry(), '0000000a')
  t.mock.timers.setTime(1_008_500)
  assert.equal(expiry(), '00000002')
  t.mock.timers.setTime(1_010_000)
  assert.equal(expiry(), '00000000')
  t.mock.timers.setTime(1_020_000)
  assert.equal(expiry(), '00000000')
})

test('a clock that was set back cannot make an interval that the packet has no room for', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
  const bench = connected([])
  send(bench, messageTo('t', '', 1_001_000 + 0xffff_ffff * 1000))
  assert.equal(bench.written(), hex("30 09 't' 05 02 ff ff ff ff"))
})

test('a topic that comes as an alias is resolved, and an alias may be given to another topic', () => {
  const bench = connected([], { topicAliasMaximum: 2 })
  const publish = (topic: string, value: number) => publishBytes(5, { topic, properties: [['topicAlias', value]] })
  const packets = [publish('a', 1), publish('', 1), publish('b', 2), publish('', 1), publish('c', 1), publish('', 1)]
  bench.transport.receive(...packets, publish('', 2))
  assert.deepEqual(topicsOf(bench.calls), ['a', 'a', 'b', 'a', 'c', 'c', 'b'])
})

test('the window of a MQTT 5 client is free again with PUBACK, PUBCOMP and a PUBREC that refuses, not before', () => {
  // [MQTT-5.0 3.3.4-7], [MQTT-5.0 4.9]
  const releases: readonly [qos: 1 | 2, release: (bench: EdgeBench) => void][] = [
    [1, (bench) => bench.edge.sendAcknowledgement(puback, 1, 0)],
    [1, (bench) => bench.edge.sendAcknowledgement(puback, 1, 0x87)],
    [2, (bench) => bench.edge.sendAcknowledgement(pubrec, 1, 0x87)],
    [2, (bench) => bench.edge.sendAcknowledgement(pubcomp, 1, 0)],
    [2, (bench) => bench.edge.sendAcknowledgement(pubcomp, 1, 0x92)],
  ]
  for (const [qos, release] of releases) {
    const bench = connected([], { receiveMaximum: 1 })
    const publish = (packetId: number) => publishBytes(5, { topic: 't', qos, packetId })
    bench.transport.receive(publish(1), publish(1))
    if (qos === 2) {
      bench.edge.sendAcknowledgement(pubrec, 1, 0)
      bench.transport.receive(acknowledgementBytes('pubrel', 1))
      bench.edge.sendAcknowledgement(pubrel, 1, 0)
    }
    assert.equal(bench.closeReason, undefined, 'one that is sent again counts once')
    release(bench)
    bench.transport.receive(publish(2))
    assert.equal(bench.closeReason, undefined)
    bench.transport.receive(publish(3))
    assert.equal(bench.closeReason, 'ERR_MQTT_RECEIVE_MAXIMUM_EXCEEDED')
    assert.match(bench.written(), /e00193$/)
  }
})

test('a PUBREC that accepts does not free the window', () => {
  const bench = connected([], { receiveMaximum: 1 })
  bench.transport.receive(publishBytes(5, { topic: 't', qos: 2, packetId: 1 }))
  bench.edge.sendAcknowledgement(pubrec, 1, 0)
  bench.transport.receive(publishBytes(5, { topic: 't', qos: 2, packetId: 2 }))
  assert.equal(bench.closeReason, 'ERR_MQTT_RECEIVE_MAXIMUM_EXCEEDED')
})

test('clients before MQTT 5 have no window, and QoS 0 takes nothing of it', () => {
  const older = new EdgeBench({ receiveMaximum: 1 }).connect(4)
  older.transport.receive(...[1, 2, 3].map((packetId) => publishBytes(4, { topic: 't', qos: 2, packetId })))
  const bench = connected([], { receiveMaximum: 1 })
  bench.transport.receive(publishBytes(5, { topic: 't', qos: 1 }), publishBytes(5, { topic: 't' }))
  assert.deepEqual([older.takeNames().length, bench.takeNames().length], [3, 2])
})

test('Receive Maximum of the client is known to who sends; 65,535 when it says nothing', () => {
  assert.equal(connected([['receiveMaximum', 5]]).edge.receiveMaximum, 5)
  assert.equal(connected([]).edge.receiveMaximum, 65_535)
  assert.equal(new EdgeBench().connect(4).edge.receiveMaximum, 65_535)
})
