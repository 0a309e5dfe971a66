import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { PublishPace } from '../../../broker/connection/publish-pace.ts'
import type { Rate } from '../../../plugins/index.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { publishBytes } from '../../helpers/conformance/build.ts'
import { EdgeBench, topicsOf } from '../edge/edge-support.ts'

/** A client that is paced by a clock of the test. */
function bench(t: TestContext, rate: Rate, keepAliveSeconds = 0) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const clock = { nowMs: 0 }
  const edgeBench = new EdgeBench().connect(4, { keepAliveSeconds })
  const pace = new PublishPace(edgeBench.edge, rate, () => clock.nowMs)
  atEnd(t, () => pace.stop())
  edgeBench.on.onPublish = () => pace.enter()
  const pass = (ms: number) => {
    clock.nowMs += ms
    t.mock.timers.tick(ms)
  }
  const send = (...topics: string[]) =>
    edgeBench.transport.receive(...topics.map((topic) => publishBytes(4, { topic, qos: 1, packetId: 1 })))
  return { edgeBench, pace, clock, pass, send, topics: () => topicsOf(edgeBench.takeCalls()) }
}

test('a burst is taken at once, the rest at the rate, all of it in its order', (t) => {
  const { send, topics, pass } = bench(t, { perSecond: 2, burst: 3 })
  send('1', '2', '3', '4', '5')
  assert.deepEqual(topics(), ['1', '2', '3'])
  pass(499)
  assert.deepEqual(topics(), [])
  pass(1)
  assert.deepEqual(topics(), ['4'])
  pass(500)
  assert.deepEqual(topics(), ['5'])
})

test('who keeps to the rate is never held', (t) => {
  const { send, topics, pass } = bench(t, { perSecond: 2, burst: 2 })
  for (const topic of ['1', '2', '3', '4']) {
    send(topic)
    assert.deepEqual(topics(), [topic])
    pass(500)
  }
})

test('a timer that fires before its time lets nothing through', (t) => {
  const { send, topics, clock, pass } = bench(t, { perSecond: 10, burst: 1 })
  send('1', '2')
  t.mock.timers.tick(100)
  assert.deepEqual(topics(), ['1'])
  clock.nowMs = 100
  pass(100)
  assert.deepEqual(topics(), ['2'])
})

test('a client that waits to be read is not taken for silent', (t) => {
  const { edgeBench, send, pass, topics } = bench(t, { perSecond: 0.1, burst: 1 }, 1)
  send('1', '2')
  for (let second = 0; second < 9; second++) pass(1000)
  assert.deepEqual(topics(), ['1'])
  assert.equal(edgeBench.closeReason, undefined)
})

test('nothing happens to a connection that ended while it waited', (t) => {
  const { edgeBench, pace, send, topics, pass } = bench(t, { perSecond: 1, burst: 1 })
  send('1', '2')
  pace.stop()
  pass(10_000)
  assert.deepEqual(topics(), ['1'])
  assert.equal(edgeBench.closeReason, undefined)
})
