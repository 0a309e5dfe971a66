import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestLink } from '../../helpers/test-link.ts'
import { emptyChunk, TestOutbox, testMessage } from '../../helpers/test-outbox.ts'

test('without a connection QoS 0 is gone, and so is what of it waited when the connection ended', () => {
  const made = new TestOutbox({ maxInflightMessages: 1 })
  made.publish(0)
  const first = new TestLink()
  made.outbox.attach(first)
  made.publish(1)
  made.publish(1)
  made.publish(0)
  made.outbox.detach()
  made.publish(0)
  const second = new TestLink()
  made.outbox.attach(second)
  made.outbox.puback(1)
  assert.deepEqual([first.texts, second.texts], [['2'], ['2', '3']])
  assert.deepEqual(made.dropped, [], 'nobody was too slow')
})

test('[MQTT-5.0 4.4.0-1] on a new connection what was not acknowledged comes first, with DUP and the ids it had', () => {
  const made = new TestOutbox({ maxInflightMessages: 4 })
  const first = new TestLink()
  made.outbox.attach(first)
  for (const qos of [1, 2, 1, 2, 1, 1] as const) made.publish(qos)
  assert.deepEqual(first.takeLog(), ['p1', 'p2', 'p3', 'p4'])
  made.outbox.puback(3)
  made.outbox.pubrec(2, false)
  assert.deepEqual(first.takeLog(), ['p5', 'r2'])
  made.outbox.detach()
  made.publish(1)
  const second = new TestLink()
  made.outbox.attach(second)
  // 2 was received: of it only PUBREL is sent. 6 and 7 were never sent.
  assert.deepEqual(second.takeLog(), ['P1', 'r2', 'P4', 'P5'])
  made.outbox.puback(1)
  made.outbox.pubcomp(2)
  assert.deepEqual(second.takeLog(), ['p6', 'p7'])
})

test('[MQTT-5.0 3.3.1-1] what never reached the connection that is gone has no DUP', () => {
  const made = new TestOutbox({ maxInflightMessages: 1 })
  made.outbox.attach(new TestLink())
  made.publish(1)
  made.publish(1)
  made.outbox.detach()
  const link = new TestLink()
  made.outbox.attach(link)
  made.outbox.puback(1)
  assert.deepEqual(link.log, ['P1', 'p2'])
})

test('entries of the disk are sent again as they were: received, sent or never sent', () => {
  const made = new TestOutbox()
  for (const [number, state, wasSent, qos] of [
    [65_534, 'received', true, 2],
    [65_535, 'waiting', true, 1],
    [65_536, 'waiting', false, 2],
  ] as const) {
    made.outbox.restore({
      number,
      index: number,
      qos,
      retain: false,
      subscriptionIdentifiers: [],
      shared: undefined,
      bytes: 1,
      chunk: undefined,
      state,
      wasSent,
      message: testMessage(number),
    })
  }
  assert.deepEqual([made.outbox.size, made.outbox.nextNumber, made.outbox.sentUpTo], [3, 65_537, 65_536])
  const link = new TestLink()
  made.outbox.attach(link)
  made.publish(1)
  assert.deepEqual(link.log, ['r65535', 'P1', 'p2', 'p3'])
})

test('a chunk is done when the last of its entries is, whatever their order', () => {
  const made = new TestOutbox()
  const chunk = emptyChunk()
  made.outbox.attach(new TestLink())
  for (const qos of [1, 2, 1] as const) made.publish(qos, { chunk })
  assert.deepEqual([chunk.entries.length, chunk.left], [3, 3])
  made.outbox.puback(3)
  made.outbox.puback(1)
  made.outbox.pubrec(2, false)
  made.commit()
  assert.deepEqual([chunk.left, made.chunksDone], [1, []])
  made.outbox.pubcomp(2)
  assert.deepEqual([chunk.left, made.chunksDone], [0, [chunk]])
})
