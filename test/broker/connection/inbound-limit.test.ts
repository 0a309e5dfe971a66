import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InboundLimit } from '../../../broker/connection/inbound-limit.ts'
import { publishBytes } from '../../helpers/conformance/build.ts'
import { EdgeBench, topicsOf } from '../edge/edge-support.ts'

const mebibyte = 1024 * 1024

/** A client whose publishes are on the way until the test lets them arrive. */
function bench() {
  const edgeBench = new EdgeBench().connect(4)
  const others = { bytes: 0 }
  const limit = new InboundLimit(edgeBench.edge, () => others.bytes)
  const onTheWay: number[] = []
  edgeBench.on.onPublish = (_packet, bytes) => {
    limit.enter(bytes)
    onTheWay.push(bytes)
  }
  const arrive = (count = 1) => {
    for (const bytes of onTheWay.splice(0, count)) limit.leave(bytes)
  }
  const send = (topic: string, bytes: number) =>
    edgeBench.transport.receive(publishBytes(4, { topic, payload: Buffer.alloc(bytes) }))
  return { ...edgeBench, edgeBench, limit, others, arrive, send, topics: () => topicsOf(edgeBench.takeCalls()) }
}

test('4 MiB of a client are on the way, then it waits until half of them have arrived', () => {
  const { send, topics, arrive } = bench()
  for (const topic of ['1', '2', '3', '4', '5', '6']) send(topic, mebibyte)
  assert.deepEqual(topics(), ['1', '2', '3', '4'])
  arrive()
  assert.deepEqual(topics(), [])
  arrive()
  assert.deepEqual(topics(), [])
  arrive()
  assert.deepEqual(topics(), ['5', '6'])
})

test('small publishes count with what they cost beside their bytes', () => {
  const { edgeBench } = bench()
  const many = Array.from({ length: 9000 }, () => publishBytes(4, { topic: 't' }))
  edgeBench.transport.receive(...many)
  assert.ok(edgeBench.calls.length > 7000 && edgeBench.calls.length < 8300, `${edgeBench.calls.length} of 9000`)
})

test('one publish above the limit is taken, alone', () => {
  const { send, topics, arrive } = bench()
  send('large', 5 * mebibyte)
  send('next', 1)
  assert.deepEqual(topics(), ['large'])
  arrive()
  assert.deepEqual(topics(), ['next'])
})

test('while the clients together have 64 MiB on the way, each gets on one publish at a time', () => {
  const { send, topics, arrive, others } = bench()
  others.bytes = 64 * mebibyte
  send('a', 1)
  send('b', 1)
  assert.deepEqual(topics(), ['a'])
  arrive()
  assert.deepEqual(topics(), ['b'])
  others.bytes = 0
  arrive()
  send('c', 1)
  send('d', 1)
  assert.deepEqual(topics(), ['c', 'd'])
})

test('256 signatures of a client wait for their verdict, then it waits until half of them have one', () => {
  const { edgeBench, limit, topics } = bench()
  edgeBench.on.onPublish = () => limit.enterVerification()
  edgeBench.transport.receive(...Array.from({ length: 300 }, () => publishBytes(4, { topic: 't' })))
  assert.equal(topics().length, 256)
  for (let verdict = 1; verdict < 128; verdict++) limit.leaveVerification()
  assert.equal(topics().length, 0)
  limit.leaveVerification()
  assert.equal(topics().length, 44)
})

test('a client with too many signatures and too many bytes on the way waits until it has neither', () => {
  const { edgeBench, limit, send, topics, arrive } = bench()
  for (let signature = 1; signature <= 256; signature++) limit.enterVerification()
  for (const topic of ['1', '2', '3', '4']) send(topic, mebibyte)
  assert.deepEqual(topics(), [])
  for (let signature = 1; signature <= 256; signature++) limit.leaveVerification()
  assert.deepEqual(topics(), ['1', '2', '3', '4'])
  send('5', 1)
  for (let signature = 1; signature <= 256; signature++) limit.enterVerification()
  arrive(4)
  assert.deepEqual([topics(), edgeBench.closeReason], [[], undefined])
  for (let signature = 1; signature <= 256; signature++) limit.leaveVerification()
  assert.deepEqual(topics(), ['5'])
})

test('it is known whether anything is on the way', () => {
  const { limit, send, arrive } = bench()
  assert.equal(limit.isWaiting, false)
  send('a', 0)
  send('b', 0)
  assert.equal(limit.isWaiting, true)
  arrive()
  assert.equal(limit.isWaiting, true)
  arrive()
  assert.equal(limit.isWaiting, false)
})

test('what was on the way when the connection ended may arrive later', () => {
  const { edge, send, arrive, limit, topics } = bench()
  for (const topic of ['1', '2', '3', '4', '5']) send(topic, mebibyte)
  edge.end()
  topics()
  arrive(4)
  assert.deepEqual([topics(), limit.isWaiting], [[], false])
})
