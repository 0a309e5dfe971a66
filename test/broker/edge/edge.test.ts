import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  acknowledgementBytes,
  authBytes,
  disconnectBytes,
  pingBytes,
  publishBytes,
  subscribeBytes,
  unsubscribeBytes,
} from '../../helpers/conformance/build.ts'
import { connectOf, EdgeBench, hex, puback, pubcomp, pubrec, pubrel, topicsOf } from './edge-support.ts'
import { bytes, versions } from './helpers.ts'

const accepted = { sessionPresent: false, code: 0 }
const publish = (topic: string) => publishBytes(4, { topic })

for (const version of versions) {
  const level = version === 5 ? 5 : 4
  const connack = version === 5 ? '20 03 00 00 00' : '20 02 00 00'

  test(`version ${version}: nothing of a client is heard before its CONNECT, and CONNECT is told once`, () => {
    const bench = new EdgeBench()
    bench.transport.receive(connectOf(version, { clientId: 'press-7', keepAliveSeconds: 60 }))
    const [call] = bench.takeCalls()
    assert.equal(call?.[0], 'onConnect')
    const packet = call?.[1] as { protocolVersion: number; clientId: string; keepAliveSeconds: number }
    assert.deepEqual([packet.protocolVersion, packet.clientId, packet.keepAliveSeconds], [version, 'press-7', 60])
    assert.equal(bench.edge.protocolVersion, version)
    bench.edge.accept(accepted)
    assert.equal(bench.written(), hex(connack))
    assert.equal(bench.closeReason, undefined)
  })

  test(`version ${version}: packets that come before the CONNACK wait, and follow it in their order`, () => {
    const bench = new EdgeBench()
    const early = [publishBytes(level, { topic: 'a' }), pingBytes, publishBytes(level, { topic: 'b' })]
    bench.transport.receive(connectOf(version), ...early)
    assert.deepEqual(bench.takeNames(), ['onConnect'])
    bench.transport.receive(publishBytes(level, { topic: 'c' }))
    assert.deepEqual(bench.takeNames(), [])
    bench.edge.accept(accepted)
    assert.deepEqual(topicsOf(bench.calls), ['a', 'b', 'c'])
    // The PINGRESP comes after it too. [MQTT-5.0 3.2.0-1]
    assert.equal(bench.written(), hex(`${connack} d0 00`))
  })

  test(`version ${version}: a handler may accept at once, and still hears CONNECT first`, () => {
    const bench = new EdgeBench()
    bench.on.onConnect = () => bench.edge.accept(accepted)
    bench.transport.receive(connectOf(version), publishBytes(level, { topic: 'a' }), disconnectBytes())
    assert.deepEqual(bench.takeNames(), ['onConnect', 'onPublish', 'onDisconnect'])
  })

  test(`version ${version}: every packet that a client may send reaches the handler as it is`, () => {
    const bench = new EdgeBench().connect(version)
    bench.transport.receive(
      publishBytes(level, { topic: 'a/b', payload: 'one', qos: 1, packetId: 7, retain: true }),
      acknowledgementBytes('puback', 1),
      acknowledgementBytes('pubrec', 2),
      acknowledgementBytes('pubrel', 3),
      acknowledgementBytes('pubcomp', 4),
      subscribeBytes(level, 5, [['a/+', 2]]),
      unsubscribeBytes(level, 6, ['a/+']),
      disconnectBytes(),
    )
    const acknowledged = (packetId: number) => ({ packetId, reasonCode: 0 })
    const properties = version === 5 ? 1 : 0
    assert.deepEqual(bench.calls, [
      [
        'onPublish',
        {
          qos: 1,
          retain: true,
          dup: false,
          topic: 'a/b',
          packetId: 7,
          payload: Buffer.from('one'),
          properties: undefined,
          topicAlias: undefined,
        },
        12 + properties,
      ],
      ['onAcknowledgement', puback, acknowledged(1)],
      ['onAcknowledgement', pubrec, acknowledged(2)],
      ['onAcknowledgement', pubrel, acknowledged(3)],
      ['onAcknowledgement', pubcomp, acknowledged(4)],
      [
        'onSubscribe',
        {
          packetId: 5,
          subscriptions: [{ topicFilter: 'a/+', qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
          subscriptionIdentifier: undefined,
        },
      ],
      ['onUnsubscribe', { packetId: 6, topicFilters: ['a/+'] }],
      ['onDisconnect', { reasonCode: 0, sessionExpiryIntervalSeconds: undefined }],
    ])
    assert.equal(bench.written(), '')
  })

  test(`version ${version}: PINGREQ is answered without the handler`, () => {
    const bench = new EdgeBench().connect(version)
    bench.transport.receive(pingBytes, pingBytes)
    assert.equal(bench.written(), hex('d0 00 d0 00'))
    assert.deepEqual(bench.calls, [])
  })

  test(`version ${version}: nothing that comes after DISCONNECT is heard, and what came before it is still answered`, () => {
    const bench = new EdgeBench().connect(version)
    const early = publishBytes(level, { topic: 'a', qos: 1, packetId: 9 })
    bench.transport.receive(early, disconnectBytes(), publishBytes(level, { topic: 'b' }))
    bench.transport.receive(publishBytes(level, { topic: 'c' }))
    assert.deepEqual(bench.takeNames(), ['onPublish', 'onDisconnect'])
    bench.edge.sendAcknowledgement(puback, 9, 0)
    bench.edge.sendPublish(...toSubscriber)
    bench.edge.end()
    assert.equal(bench.written(), hex('40 02 00 09'), 'the acknowledgement, and no message any more')
    assert.equal(bench.closeReason, 'ended')
    assert.equal(bench.transport.log.at(-1), 'end')
  })

  test(`version ${version}: a client that closes without DISCONNECT, in any state, is told of once`, () => {
    for (const prepare of [
      (bench: EdgeBench) => bench,
      (bench: EdgeBench) => bench.connect(version),
      (bench: EdgeBench) => {
        bench.connect(version).transport.receive(bytes('30'))
        return bench
      },
    ]) {
      const bench = prepare(new EdgeBench())
      bench.transport.endByPeer()
      assert.equal(bench.closeReason, 'closed-by-peer')
      bench.transport.close()
      bench.edge.end()
      bench.edge.disconnect(0x8b)
      assert.equal(bench.closeReason, 'closed-by-peer')
      assert.equal(bench.edge.isClosed, true)
      assert.equal(bench.written(), '')
      assert.equal(bench.transport.isEnded, true)
    }
  })

  test(`version ${version}: what is sent to a connection that is over goes nowhere`, () => {
    const bench = new EdgeBench().connect(version)
    bench.edge.hold()
    bench.edge.end()
    bench.edge.accept(accepted)
    bench.edge.refuse(0x87)
    assert.equal(bench.edge.sendPublish(...toSubscriber), true)
    bench.edge.sendAcknowledgement(puback, 1, 0)
    bench.edge.sendPubrel(1, true)
    bench.edge.sendSuback(1, [0])
    bench.edge.sendUnsuback(1, [0])
    bench.edge.release()
    bench.transport.drain()
    bench.transport.receive(publishBytes(level, { topic: 'late' }))
    assert.equal(bench.written(), '')
    assert.deepEqual(bench.takeNames(), ['onClosed'])
  })
}

const toSubscriber = [
  {
    topic: 't',
    topicBytes: Buffer.from('t'),
    payload: Buffer.from('x'),
    properties: Buffer.alloc(0),
    expiresAtMs: 1e15,
  },
  0,
  false,
  false,
  0,
] as const

test('a first packet that is no CONNECT ends the connection without a word, whatever it is', () => {
  // [MQTT-3.1.1 3.1.0-1], [MQTT-5.0 3.1.0-1]
  const others = [publish('a'), pingBytes, disconnectBytes(), subscribeBytes(4, 1, [['a', 0]]), authBytes(0, [])]
  for (const other of [...others, bytes('20 02 00 00'), bytes('00 00')]) {
    const bench = new EdgeBench()
    bench.transport.receive(other, connectOf(4))
    assert.equal(bench.closeReason, 'ERR_MQTT_PROTOCOL_ERROR')
    assert.deepEqual([bench.written(), bench.takeNames()], ['', ['onClosed']])
  }
})

test('a second CONNECT ends the connection, a waiting one too', () => {
  // [MQTT-3.1.1 3.1.0-2], [MQTT-5.0 3.1.0-2]
  for (const version of versions) {
    const told = version === 5 ? hex('e0 01 82') : ''
    const bench = new EdgeBench().connect(version)
    bench.transport.receive(connectOf(version))
    assert.equal(bench.closeReason, 'ERR_MQTT_PROTOCOL_ERROR')
    assert.equal(bench.written(), told)

    const early = new EdgeBench()
    early.transport.receive(connectOf(version), connectOf(version))
    assert.deepEqual(early.takeNames(), ['onConnect'])
    early.edge.accept(accepted)
    assert.equal(early.closeReason, 'ERR_MQTT_PROTOCOL_ERROR')
    assert.equal(early.written().slice(version === 5 ? 10 : 8), told)
  }
})

test('a client that closes while its CONNECT is being decided is told of when that is over', () => {
  const answers: ((bench: EdgeBench) => void)[] = [
    (bench) => bench.edge.accept(accepted),
    (bench) => bench.edge.refuse(0x87),
    (bench) => bench.edge.disconnect(0x8e),
  ]
  for (const answer of answers) {
    const bench = new EdgeBench()
    bench.transport.receive(connectOf(5), publishBytes(5, { topic: 'a' }))
    bench.transport.endByPeer()
    bench.transport.close()
    assert.deepEqual(bench.takeNames(), ['onConnect'])
    answer(bench)
    const isAccepted = answer === answers[0]
    // What it sent before it went is still its.
    assert.deepEqual(bench.takeNames(), isAccepted ? ['onPublish', 'onClosed'] : ['onClosed'])
  }
})

test('Session Present and the properties of the CONNACK are those that the handler gave', () => {
  const bench = new EdgeBench()
  bench.transport.receive(connectOf(5, { clean: false }))
  bench.edge.accept({ sessionPresent: true, code: 0, serverKeepAliveSeconds: 10, assignedClientId: 'x' })
  assert.equal(bench.written(), hex("20 0a 01 00 07 13 00 0a 12 'x'"))
})
