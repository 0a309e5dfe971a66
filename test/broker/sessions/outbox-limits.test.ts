import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestLink } from '../../helpers/test-link.ts'
import { emptyChunk, TestOutbox } from '../../helpers/test-outbox.ts'

test('what its client may not read any more is dropped when its turn comes, not sent', () => {
  const made = new TestOutbox()
  for (let i = 0; i < 3; i++) made.publish(1)
  made.forbidden.add('t/2')
  const link = new TestLink()
  made.outbox.attach(link)
  assert.deepEqual(link.texts, ['1', '3'])
  assert.deepEqual(made.dropped, ['access-denied'])
  made.outbox.detach()
  made.forbidden.add('t/1')
  const next = new TestLink()
  made.outbox.attach(next)
  assert.deepEqual(next.texts, ['3'], 'also of what was sent before')
})

test('QoS 0 messages that wait are dropped beyond max_queued_messages, and each is told of', () => {
  const made = new TestOutbox({ maxInflightMessages: 1, maxQueuedMessages: 2 })
  const link = new TestLink()
  made.outbox.attach(link)
  made.publish(1)
  made.publish(1)
  for (let i = 0; i < 5; i++) made.publish(0)
  assert.deepEqual(made.dropped, ['not-keeping-up', 'not-keeping-up', 'not-keeping-up'])
  made.outbox.puback(1)
  made.outbox.puback(2)
  assert.deepEqual(link.texts, ['1', '2', '3', '4'])
  // There is room again.
  made.publish(0)
  assert.equal(link.texts.at(-1), '8')
})

test('a client that does not read gets nothing until it does; then all in order', () => {
  const made = new TestOutbox()
  const link = new TestLink()
  made.outbox.attach(link)
  made.publish(1)
  link.isCongested = true
  for (const qos of [0, 1, 2, 0] as const) made.publish(qos)
  assert.deepEqual(link.texts, ['1'])
  link.isCongested = false
  made.outbox.resume()
  assert.deepEqual(link.texts, ['1', '2', '3', '4', '5'])
})

test('an expired message is not sent, and is not counted any more', () => {
  const made = new TestOutbox({ maxInflightMessages: 1 })
  const parts = { timeMs: made.nowMs, properties: { messageExpiryInterval: 10 } }
  made.publish(1)
  made.publish(1, { parts })
  made.publish(1)
  const link = new TestLink()
  made.nowMs += 9_999
  made.outbox.attach(link)
  made.nowMs += 1
  made.outbox.puback(1)
  assert.deepEqual([link.texts, made.dropped, made.outbox.size], [['1', '3'], ['expired'], 1])
})

test('[MQTT-5.0 4.3.3-7] a message that was sent does not expire any more', () => {
  const made = new TestOutbox()
  const parts = { timeMs: made.nowMs, properties: { messageExpiryInterval: 10 } }
  made.outbox.attach(new TestLink())
  for (const qos of [1, 2] as const) made.publish(qos, { parts })
  made.outbox.detach()
  made.publish(2, { parts })
  made.nowMs += 10_000
  const link = new TestLink()
  made.outbox.attach(link)
  assert.deepEqual([link.log, made.dropped], [['P1', 'P2'], ['expired']])
})

test('[MQTT-5.0 3.1.2-25] a message larger than the client takes counts as delivered, and says so', () => {
  const made = new TestOutbox()
  const link = new TestLink()
  link.maximumPayloadBytes = 10
  const chunk = emptyChunk()
  made.outbox.attach(link)
  made.publish(1, { chunk, parts: { payload: Buffer.alloc(11) } })
  made.publish(0, { parts: { payload: Buffer.alloc(11) } })
  made.publish(1)
  assert.deepEqual([link.log, made.dropped], [['p2'], ['too-large', 'too-large']])
  assert.deepEqual([made.outbox.size, made.chunksDone], [1, [chunk]])
})

test('who is away is kept max_queued_messages, and who is here those in flight besides', () => {
  const made = new TestOutbox({ maxInflightMessages: 2, maxQueuedMessages: 3 })
  for (let i = 0; i < 4; i++) made.publish(1)
  assert.deepEqual([made.outbox.size, made.dropped], [3, ['queue-full']])
  made.outbox.attach(new TestLink())
  for (let i = 0; i < 3; i++) made.publish(1)
  assert.deepEqual([made.outbox.size, made.dropped.length], [5, 2])
  assert.ok(made.admit(1, { isForced: true }), 'retained messages for a new subscription are always taken')
  made.outbox.puback(1)
  made.outbox.puback(2)
  made.publish(1)
  assert.deepEqual([made.outbox.size, made.dropped.length], [5, 2])
})

test('there is room until max_queued_bytes of payload wait, and again when some are acknowledged', () => {
  const made = new TestOutbox({ maxQueuedMessages: 0, maxQueuedBytes: 100 })
  const parts = { payload: Buffer.alloc(60) }
  for (let i = 0; i < 3; i++) made.publish(1, { parts })
  assert.deepEqual([made.outbox.size, made.dropped], [2, ['queue-full']])
  made.outbox.attach(new TestLink())
  made.outbox.puback(1)
  made.publish(1, { parts })
  assert.deepEqual([made.outbox.size, made.dropped.length], [2, 1])
})
