import assert from 'node:assert/strict'
import { test } from 'node:test'
import { disconnectBytes, pingBytes, publishBytes } from '../../helpers/conformance/build.ts'
import { connectOf, EdgeBench, hex, messageTo } from './edge-support.ts'
import { stopClocks } from './fake-clock.ts'
import { bytes, versions } from './helpers.ts'

for (const version of versions) {
  test(`version ${version}: a client that is silent for one and a half times its Keep Alive is closed, MQTT 5 with 0x8d`, (t) => {
    const pass = stopClocks(t)
    const bench = new EdgeBench().connect(version, { keepAliveSeconds: 10 })
    pass(14_000)
    bench.transport.receive(pingBytes)
    pass(14_999)
    assert.equal(bench.closeReason, undefined)
    bench.written()
    pass(1)
    assert.equal(bench.closeReason, 'keep-alive')
    assert.equal(bench.written(), version === 5 ? hex('e0 01 8d') : '')
    assert.equal(bench.transport.isEnded, true)
  })

  test(`version ${version}: half a packet is silence`, (t) => {
    const pass = stopClocks(t)
    const bench = new EdgeBench().connect(version, { keepAliveSeconds: 10 })
    for (const byte of bytes('30 7f 00 01')) {
      pass(4000)
      bench.transport.receive(Buffer.from([byte]))
    }
    assert.equal(bench.closeReason, 'keep-alive')
  })
}

test('[MQTT-5.0 3.2.2-21] a MQTT 5 client gets the limit of the broker where it wants more or none', (t) => {
  const pass = stopClocks(t)
  const cases: readonly [wanted: number, holds: number][] = [
    [0, 20],
    [60, 20],
    [20, 20],
    [5, 5],
  ]
  for (const [wanted, holds] of cases) {
    const bench = new EdgeBench({ maxKeepAliveSeconds: 20 }).connect(5, { keepAliveSeconds: wanted })
    pass(holds * 1500 - 1)
    assert.equal(bench.closeReason, undefined)
    pass(1)
    assert.equal(bench.closeReason, 'keep-alive')
  }
  // Who cannot be told of another one keeps his own.
  const older = new EdgeBench({ maxKeepAliveSeconds: 20 }).connect(4, { keepAliveSeconds: 0 })
  pass(100_000)
  assert.equal(older.closeReason, undefined)
})

test('silence does not count while CONNECT is being decided, and begins with the CONNACK', (t) => {
  const pass = stopClocks(t)
  const bench = new EdgeBench()
  bench.transport.receive(connectOf(5, { keepAliveSeconds: 1 }))
  pass(10_000)
  assert.equal(bench.closeReason, undefined)
  bench.edge.accept({ sessionPresent: false, code: 0 })
  pass(1499)
  assert.equal(bench.closeReason, undefined)
  pass(1)
  assert.equal(bench.closeReason, 'keep-alive')
})

test('silence does not count while the client is held, nor while it has no room for a PINGRESP', (t) => {
  const pass = stopClocks(t)
  const held = new EdgeBench().connect(4, { keepAliveSeconds: 1 })
  held.on.onPublish = () => held.edge.hold()
  held.transport.receive(publishBytes(4, { topic: 't' }))
  const full = new EdgeBench().connect(4, { keepAliveSeconds: 1 })
  full.transport.isFrozen = true
  full.edge.sendPublish(messageTo('t', Buffer.alloc(1024 * 1024)), 0, false, false, 0)
  full.transport.receive(pingBytes)
  pass(10_000)
  assert.deepEqual([held.closeReason, full.closeReason], [undefined, undefined])
  held.edge.release()
  full.transport.drain()
  pass(1499)
  assert.deepEqual([held.closeReason, full.closeReason], [undefined, undefined])
  pass(1)
  assert.deepEqual([held.closeReason, full.closeReason], ['keep-alive', 'keep-alive'])
})

test('a client that takes nothing and sends nothing is closed: it is gone', (t) => {
  const pass = stopClocks(t)
  const bench = new EdgeBench().connect(4, { keepAliveSeconds: 1 })
  bench.transport.isFrozen = true
  bench.edge.sendPublish(messageTo('t', Buffer.alloc(1024 * 1024)), 0, false, false, 0)
  assert.equal(bench.edge.isCongested, true)
  pass(1500)
  assert.equal(bench.closeReason, 'keep-alive')
})

test('a client that took its leave is not missed', (t) => {
  const pass = stopClocks(t)
  const bench = new EdgeBench().connect(5, { keepAliveSeconds: 1 })
  bench.transport.receive(disconnectBytes())
  pass(10_000)
  assert.deepEqual([bench.takeNames(), bench.written()], [['onDisconnect'], ''])
})
