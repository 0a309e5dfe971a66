import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestLink } from '../../helpers/test-link.ts'
import { emptyChunk, TestOutbox } from '../../helpers/test-outbox.ts'

test('PUBREC is answered with PUBREL, each time it comes; PUBCOMP ends the exchange', () => {
  const made = new TestOutbox()
  const link = new TestLink()
  made.outbox.attach(link)
  made.publish(2)
  made.outbox.pubcomp(1)
  assert.equal(made.outbox.size, 1, 'PUBCOMP before PUBREC means nothing')
  made.outbox.pubrec(1, false)
  made.outbox.pubrec(1, false)
  assert.deepEqual(link.takeLog(), ['p1', 'r1', 'r1'])
  made.outbox.puback(1)
  assert.equal(made.outbox.size, 1, 'PUBACK is not the answer to QoS 2')
  made.outbox.pubcomp(1)
  assert.equal(made.outbox.size, 0)
})

test('PUBREL of a message on disk waits until it is on disk that it was received', () => {
  const made = new TestOutbox()
  const link = new TestLink()
  made.outbox.attach(link)
  made.publish(2, { chunk: emptyChunk() })
  made.outbox.pubrec(1, false)
  assert.deepEqual([link.takeLog(), made.received], [['p1'], [0]])
  made.commit()
  assert.deepEqual(link.takeLog(), ['r1'])
  // One whose connection is gone meanwhile is told by the next one, once.
  made.publish(2, { chunk: emptyChunk() })
  made.outbox.pubrec(2, false)
  made.outbox.detach()
  const next = new TestLink()
  made.outbox.attach(next)
  made.commit()
  assert.deepEqual(next.log, ['r1', 'r2'])
})

test('[MQTT-5.0 4.4.0-2] a PUBREC that refuses ends the exchange: no PUBREL, and its place is free', () => {
  const made = new TestOutbox({ maxInflightMessages: 1 })
  const link = new TestLink()
  made.outbox.attach(link)
  made.publish(2)
  made.publish(2)
  made.outbox.pubrec(1, true)
  assert.deepEqual(link.takeLog(), ['p1', 'p2'])
  made.outbox.pubrec(2, false)
  made.outbox.pubrec(2, true)
  assert.deepEqual([link.takeLog(), made.outbox.size], [['r2'], 1], 'once received it is not refused any more')
})

test('acknowledgements of ids that are not in flight change nothing; PUBREC is told so', () => {
  const made = new TestOutbox()
  const link = new TestLink()
  made.outbox.attach(link)
  made.publish(1)
  for (const id of [0, 2, 65_535]) {
    made.outbox.puback(id)
    made.outbox.pubcomp(id)
    made.outbox.pubrec(id, true)
  }
  made.outbox.pubcomp(1)
  assert.deepEqual([link.takeLog(), made.outbox.size], [['p1'], 1])
  made.outbox.pubrec(9, false)
  assert.deepEqual([link.takeLog(), made.outbox.size], [['r9!'], 1])
})
