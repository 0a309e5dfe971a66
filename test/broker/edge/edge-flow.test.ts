import assert from 'node:assert/strict'
import { test } from 'node:test'
import { disconnectBytes, pingBytes, publishBytes } from '../../helpers/conformance/build.ts'
import { connectOf, EdgeBench, hex, messageTo, puback, topicsOf } from './edge-support.ts'
import { bytes } from './helpers.ts'

const accepted = { sessionPresent: false, code: 0 }
const publish = (topic: string, payload: string | Uint8Array = '') => publishBytes(4, { topic, payload })
const mebibyte = 1024 * 1024

/** Writes a client full: nothing of it is taken until the transport drains. */
function congested(): EdgeBench {
  const bench = new EdgeBench().connect(4)
  bench.transport.isFrozen = true
  assert.equal(bench.edge.sendPublish(messageTo('t', Buffer.alloc(mebibyte)), 0, false, false, 0), true)
  assert.equal(bench.edge.isCongested, true)
  bench.written()
  return bench
}

test('hold stops in the middle of a chunk, and release goes on where it stopped', () => {
  const bench = new EdgeBench().connect(4)
  bench.on.onPublish = ({ topic }) => {
    if (topic.startsWith('hold')) bench.edge.hold()
  }
  bench.transport.receive(publish('a'), publish('hold/1'), publish('b'), publish('hold/2'), publish('c').subarray(0, 3))
  assert.deepEqual(topicsOf(bench.takeCalls()), ['a', 'hold/1'])
  assert.equal(bench.transport.isPaused, true)
  bench.edge.release()
  assert.deepEqual(topicsOf(bench.takeCalls()), ['b', 'hold/2'])
  assert.equal(bench.transport.isPaused, true)
  // A chunk that was on its way when reading stopped.
  bench.transport.receive(publish('c').subarray(3), publish('d'))
  assert.deepEqual(bench.takeCalls(), [])
  bench.edge.release()
  assert.deepEqual(topicsOf(bench.takeCalls()), ['c', 'd'])
  assert.equal(bench.transport.isPaused, false)
})

test('a client that is released within the call that held it keeps its order', () => {
  const bench = new EdgeBench().connect(4)
  bench.on.onPublish = () => {
    bench.edge.hold()
    bench.edge.release()
  }
  const topics = ['a', 'b', 'c', 'd']
  bench.transport.receive(...topics.map((topic) => publish(topic)))
  assert.deepEqual(topicsOf(bench.calls), topics)
  assert.equal(bench.transport.isPaused, false)
})

test('a client that is held for two reasons goes on when both are gone', () => {
  const bench = new EdgeBench().connect(4)
  bench.edge.hold()
  bench.edge.hold()
  bench.transport.receive(publish('a'))
  bench.edge.release()
  assert.deepEqual([bench.takeCalls(), bench.transport.isPaused], [[], true])
  bench.edge.release()
  assert.deepEqual(topicsOf(bench.takeCalls()), ['a'])
  assert.equal(bench.transport.isPaused, false)
})

test('a release does not let anything past a CONNECT that is being decided', () => {
  const bench = new EdgeBench()
  bench.transport.receive(connectOf(4), publish('a'))
  bench.edge.hold()
  bench.edge.release()
  assert.deepEqual(bench.takeNames(), ['onConnect'])
})

test('while CONNECT is being decided a little more is read, then the socket waits', () => {
  const bench = new EdgeBench()
  bench.transport.receive(connectOf(4), publish('a', Buffer.alloc(60_000)))
  assert.equal(bench.transport.isPaused, false)
  bench.transport.receive(publish('b', Buffer.alloc(6000)))
  assert.equal(bench.transport.isPaused, true)
  bench.edge.accept(accepted)
  assert.equal(bench.transport.isPaused, false)
  assert.deepEqual(topicsOf(bench.calls), ['a', 'b'])
})

test('what a peer sent before it ended is taken although it is held, and the end comes after it', () => {
  const bench = new EdgeBench().connect(4)
  bench.on.onPublish = () => bench.edge.hold()
  bench.transport.receive(publish('a'), publish('b'), publish('c'))
  bench.transport.endByPeer()
  bench.transport.close()
  assert.deepEqual(bench.takeNames(), ['onPublish'])
  bench.edge.release()
  assert.deepEqual(bench.takeNames(), ['onPublish'])
  bench.on = {}
  bench.edge.release()
  assert.deepEqual(bench.takeNames(), ['onPublish', 'onClosed'])
})

test('what a peer sent before it ended is taken although it takes nothing itself', () => {
  const bench = congested()
  bench.transport.receive(publish('a'), disconnectBytes())
  assert.deepEqual(bench.takeCalls(), [])
  bench.transport.endByPeer()
  assert.deepEqual(bench.takeNames(), ['onPublish', 'onDisconnect'])
})

test('half a packet is no packet when the peer ends', () => {
  const bench = new EdgeBench().connect(4)
  bench.transport.receive(publish('a'), publish('b').subarray(0, 4))
  bench.transport.endByPeer()
  assert.deepEqual(bench.takeNames(), ['onPublish', 'onClosed'])
})

test('a client that takes nothing is read no more until it does, and relief is told once', () => {
  const bench = congested()
  bench.transport.receive(publish('a'), pingBytes)
  assert.deepEqual([bench.takeCalls(), bench.transport.isPaused], [[], true])
  assert.equal(bench.written(), '', 'not even a PINGRESP')
  bench.transport.drain()
  assert.deepEqual(bench.takeNames(), ['onRelief', 'onPublish'])
  assert.equal(bench.transport.isPaused, false)
  assert.equal(bench.written(), hex('d0 00'))
  bench.transport.drain()
  assert.deepEqual(bench.takeCalls(), [])
})

test('every congestion has its relief, also one that begins in the relief before', () => {
  const bench = congested()
  let rounds = 3
  bench.on.onRelief = () => {
    if (--rounds === 0) return
    bench.transport.isFrozen = true
    bench.edge.sendPublish(messageTo('t', Buffer.alloc(mebibyte)), 0, false, false, 0)
    assert.equal(bench.edge.isCongested, true)
  }
  bench.transport.drain()
  bench.transport.drain()
  bench.transport.drain()
  bench.transport.drain()
  assert.deepEqual(bench.takeNames(), ['onRelief', 'onRelief', 'onRelief'])
  assert.equal(bench.edge.isCongested, false)
})

test('a drain without congestion is no relief', () => {
  const bench = new EdgeBench().connect(4)
  bench.transport.isFrozen = true
  bench.edge.sendPublish(messageTo('t', Buffer.alloc(1000)), 0, false, false, 0)
  assert.equal(bench.edge.isCongested, false)
  bench.written()
  bench.transport.drain()
  assert.deepEqual(bench.takeCalls(), [])
})

test('a client that is both held and congested goes on when neither is so', () => {
  const bench = congested()
  bench.edge.hold()
  bench.transport.receive(publish('a'))
  bench.transport.drain()
  assert.deepEqual(bench.takeNames(), ['onRelief'])
  assert.equal(bench.transport.isPaused, true)
  bench.edge.release()
  assert.deepEqual(bench.takeNames(), ['onPublish'])
})

test('nothing is read of a client that has taken its leave while it is answered', () => {
  const bench = new EdgeBench().connect(4)
  bench.transport.receive(disconnectBytes())
  assert.equal(bench.transport.isPaused, true)
  bench.edge.hold()
  bench.edge.release()
  bench.transport.drain()
  bench.transport.endByPeer()
  assert.equal(bench.transport.isPaused, true)
  assert.deepEqual(bench.takeNames(), ['onDisconnect'], 'its end is the end that the handler makes')
  bench.edge.sendAcknowledgement(puback, 1, 0)
  bench.edge.end()
  assert.equal(bench.written(), hex('40 02 00 01'))
  assert.deepEqual(bench.takeNames(), ['onClosed'])
})

test('packets in chunks of one byte are the packets that they are in one chunk', () => {
  const bench = new EdgeBench().connect(4)
  for (const byte of Buffer.concat([publish('a', 'x'), pingBytes, publish('b', 'y'), bytes('e0 00')])) {
    bench.transport.receive(Buffer.from([byte]))
  }
  assert.deepEqual(bench.takeNames(), ['onPublish', 'onPublish', 'onDisconnect'])
})
