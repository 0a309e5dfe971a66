import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestLink } from '../../helpers/test-link.ts'
import { TestOutbox } from '../../helpers/test-outbox.ts'

test('packet ids count from 1', () => {
  const made = new TestOutbox()
  const link = new TestLink()
  made.outbox.attach(link)
  for (let i = 0; i < 3; i++) made.publish(1)
  assert.deepEqual(link.log, ['p1', 'p2', 'p3'])
})

test('packet ids follow from the numbers, and after 65,535 comes 1 again, never 0', () => {
  const made = new TestOutbox({}, 65_533)
  const link = new TestLink()
  made.outbox.attach(link)
  for (let i = 0; i < 4; i++) made.publish(1)
  assert.deepEqual(link.log, ['p65534', 'p65535', 'p1', 'p2'])
})

test('an id that is in flight is not used for another message; what is behind it waits with it', () => {
  const made = new TestOutbox({ maxInflightMessages: 0, maxQueuedMessages: 0 })
  const link = new TestLink()
  made.outbox.attach(link)
  for (let i = 0; i < 65_535; i++) made.publish(1)
  // The first one stays in flight while all others are acknowledged.
  for (let id = 2; id <= 65_535; id++) made.outbox.puback(id)
  link.log = []
  made.publish(1)
  made.publish(1)
  assert.deepEqual(link.log, [])
  made.outbox.puback(1)
  assert.deepEqual(link.takeLog(), ['p1', 'p2'])
})

for (const [maxInflightMessages, receiveMaximum, window] of [
  [20, 65_535, 20],
  [20, 3, 3],
  [3, 20, 3],
  [0, 7, 7],
  [0, 65_535, 65_535],
] as const) {
  test(`[MQTT-5.0 3.3.4-9] with max_inflight_messages ${maxInflightMessages} and Receive Maximum ${receiveMaximum} there are ${window} in flight`, () => {
    const made = new TestOutbox({ maxInflightMessages, maxQueuedMessages: 0 })
    const link = new TestLink(receiveMaximum)
    made.outbox.attach(link)
    for (let i = 0; i < window + 2; i++) made.publish(i % 2 === 0 ? 1 : 2)
    assert.equal(link.publishes.length, window)
    made.outbox.puback(1)
    assert.equal(link.publishes.length, window + 1)
    // [MQTT-5.0 4.9]: PUBREC makes no room, PUBCOMP does.
    made.outbox.pubrec(2, false)
    assert.equal(link.publishes.length, window + 1)
    made.outbox.pubcomp(2)
    assert.equal(link.publishes.length, window + 2)
  })
}

test('max_inflight_bytes bounds what is in flight; a message that is larger goes alone; a new connection begins at nothing', () => {
  const made = new TestOutbox({ maxInflightBytes: 10 })
  const link = new TestLink()
  made.outbox.attach(link)
  for (const size of [6, 4, 1, 20, 3]) made.publish(1, { parts: { payload: Buffer.alloc(size) } })
  const seen = () => link.publishes.map(({ packetId }) => packetId)
  assert.deepEqual(seen(), [1, 2])
  made.outbox.puback(1)
  assert.deepEqual(seen(), [1, 2, 3], '4 and 1 bytes')
  made.outbox.puback(2)
  made.outbox.puback(3)
  assert.deepEqual(seen(), [1, 2, 3, 4], '20 bytes, and nothing beside them')
  made.outbox.detach()
  const next = new TestLink()
  made.outbox.attach(next)
  assert.deepEqual(
    next.publishes.map(({ packetId, dup }) => [packetId, dup]),
    [[4, true]],
  )
  made.outbox.puback(4)
  assert.deepEqual(
    next.publishes.map(({ packetId }) => packetId),
    [4, 5],
  )
})

test('with a full window QoS 0 waits behind QoS 1 and 2, and everything keeps its order', () => {
  const made = new TestOutbox({ maxInflightMessages: 1 })
  const link = new TestLink()
  made.outbox.attach(link)
  for (const qos of [1, 0, 2, 0, 0, 1] as const) made.publish(qos)
  assert.deepEqual(link.texts, ['1', '2'])
  made.outbox.puback(1)
  assert.deepEqual(link.texts, ['1', '2', '3', '4', '5'])
  made.outbox.pubrec(2, false)
  made.outbox.pubcomp(2)
  assert.deepEqual(link.texts, ['1', '2', '3', '4', '5', '6'])
  assert.deepEqual(
    link.publishes.map(({ qos, packetId }) => [qos, packetId]),
    [
      [1, 1],
      [0, 0],
      [2, 2],
      [0, 0],
      [0, 0],
      [1, 3],
    ],
  )
})
