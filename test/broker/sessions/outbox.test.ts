import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fcSeed } from '../../helpers/arbitraries.ts'
import { turns } from '../../helpers/sequencing.ts'
import { TestLink } from '../../helpers/test-link.ts'
import { emptyChunk, TestOutbox, testMessage } from '../../helpers/test-outbox.ts'

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

test('a message that is not in memory is loaded, and what is behind it waits for it', async () => {
  const made = new TestOutbox()
  for (let i = 0; i < 3; i++) made.publish(1)
  made.onDisk.add(2)
  const link = new TestLink()
  made.outbox.attach(link)
  made.publish(0)
  assert.deepEqual(link.texts, ['1'])
  await turns()
  assert.deepEqual([link.texts, made.loads], [['1', '2', '3', '4'], [2]])
})

test('a message whose record is gone is left out', async () => {
  const made = new TestOutbox()
  for (let i = 0; i < 3; i++) made.publish(1)
  made.messages.delete(2)
  const link = new TestLink()
  made.outbox.attach(link)
  await turns()
  assert.deepEqual([link.texts, made.outbox.size], [['1', '3'], 2])
})

test('a message that cannot be loaded is not lost: it is tried again', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const made = new TestOutbox()
  made.publish(1)
  made.publish(1)
  made.onDisk.add(2)
  made.loadError = new Error('I/O error')
  const link = new TestLink()
  made.outbox.attach(link)
  await turns()
  assert.deepEqual([link.texts, made.errors], [['1'], [made.loadError]])
  made.loadError = undefined
  t.mock.timers.tick(1000)
  await turns()
  assert.deepEqual(link.texts, ['1', '2'])
})

test('a connection that ends while a message is loaded gets nothing more, the next one gets it once', async () => {
  const made = new TestOutbox()
  made.publish(1)
  made.onDisk.add(1)
  const first = new TestLink()
  made.outbox.attach(first)
  made.outbox.detach()
  const second = new TestLink()
  made.outbox.attach(second)
  await turns()
  assert.deepEqual([first.texts, second.log], [[], ['p1']])
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

test('whatever is published and acknowledged when, nothing is lost, doubled or out of order, and the window holds', () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('publish 1', 'publish 2') },
    { weight: 6, arbitrary: fc.constantFrom('acknowledge oldest', 'acknowledge newest') },
    { weight: 1, arbitrary: fc.constantFrom('reconnect', 'congest', 'relieve', 'commit') },
  )
  const property = fc.property(
    fc.array(step, { maxLength: 200 }),
    fc.integer({ min: 1, max: 6 }),
    fc.integer({ min: 65_500, max: 65_540 }),
    (steps, window, nextNumber) => {
      const made = new TestOutbox({ maxInflightMessages: window, maxQueuedMessages: 0 }, nextNumber)
      let link = new TestLink()
      made.outbox.attach(link)
      /** First deliveries in order, and what of them is acknowledged. */
      const first: string[] = []
      let published = 0
      let open: { packetId: number; qos: number; isReceived: boolean }[] = []
      const look = () => {
        for (const { message, dup, packetId, qos } of link.publishes.splice(0)) {
          if (!dup) first.push(Buffer.from(message.payload).toString())
          assert.ok(packetId >= 1 && packetId <= 65_535)
          const known = open.find((one) => one.packetId === packetId)
          assert.equal(known !== undefined, dup, 'DUP exactly when it is known')
          if (known === undefined) open.push({ packetId, qos, isReceived: false })
        }
        assert.ok(open.length <= window)
      }
      const acknowledge = (one: (typeof open)[number] | undefined) => {
        if (one === undefined) return
        if (one.qos === 2 && !one.isReceived) {
          one.isReceived = true
          made.outbox.pubrec(one.packetId, false)
          return
        }
        open = open.filter((other) => other !== one)
        if (one.qos === 1) made.outbox.puback(one.packetId)
        else made.outbox.pubcomp(one.packetId)
      }
      const run = (one: string) => {
        if (one === 'publish 1' || one === 'publish 2') {
          published++
          made.publish(one === 'publish 1' ? 1 : 2)
        } else if (one === 'acknowledge oldest') acknowledge(open[0])
        else if (one === 'acknowledge newest') acknowledge(open.at(-1))
        else if (one === 'congest') link.isCongested = true
        else if (one === 'relieve') {
          link.isCongested = false
          made.outbox.resume()
        } else if (one === 'commit') made.commit()
        else {
          made.outbox.detach()
          link = new TestLink()
          made.outbox.attach(link)
        }
        look()
      }
      for (const one of steps) run(one)
      run('relieve')
      while (open.length > 0) run('acknowledge oldest')
      assert.deepEqual(
        first,
        Array.from({ length: published }, (_, i) => `${i + 1}`),
      )
      assert.equal(made.outbox.size, 0)
    },
  )
  fc.assert(property, { seed: fcSeed, numRuns: 300 })
})
