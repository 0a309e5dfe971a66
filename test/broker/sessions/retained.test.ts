import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { QoS } from '../../../broker/edge/index.ts'
import { messageOf } from '../../../broker/sessions/message.ts'
import { decodeRetained, encodeRetained } from '../../../broker/sessions/retained.ts'
import { CborWriter } from '../../../protocol/index.ts'
import { bytes, fcSeed, wellFormedText } from '../../helpers/arbitraries.ts'
import { codeOf } from '../../helpers/codes.ts'
import { messageProperties } from '../../helpers/message-properties.ts'
import { TestSessions, until } from '../../helpers/test-sessions.ts'

const retainedMessage = fc
  .record({
    index: fc.maxSafeNat(),
    topic: wellFormedText,
    payload: bytes(200).map((payload) => Buffer.from(payload)),
    qos: fc.constantFrom<QoS>(0, 1, 2),
    properties: messageProperties,
    timeMs: fc.nat(2 ** 41),
    source: fc.option(
      fc.record(
        {
          clientId: wellFormedText,
          username: fc.option(wellFormedText, { nil: undefined }),
          listener: fc.option(wellFormedText, { nil: undefined }),
        },
        { noNullPrototype: true },
      ),
      { nil: undefined },
    ),
  })
  .map(({ source, ...parts }) => ({ ...messageOf({ ...parts, retain: true }), source }))

test('a retained message read back is the one that was written', () => {
  const property = fc.property(retainedMessage, (message) => {
    assert.deepEqual(decodeRetained(message.topicBytes, encodeRetained(message)), message)
  })
  fc.assert(property, { seed: fcSeed, numRuns: 300 })
})

test('no byte of one can be cut off or added, and what another version wrote is not guessed at', () => {
  const properties = { contentType: 'a', messageExpiryInterval: 5 }
  const parts = {
    index: 300,
    topic: 'a',
    payload: Buffer.from('x'),
    qos: 1,
    retain: true,
    properties,
    timeMs: 1,
  } as const
  const source = { clientId: 'c', username: 'u', listener: 'l' }
  const encoded = encodeRetained({ ...messageOf(parts), source })
  const decode = (given: Uint8Array) => decodeRetained(Buffer.from('a'), given)
  for (let length = 0; length < encoded.length; length++) {
    assert.match(codeOf(() => decode(encoded.subarray(0, length))) ?? '', /^ERR_CBOR_/, `${length} bytes`)
  }
  assert.match(codeOf(() => decode(Buffer.concat([encoded, Buffer.alloc(1)]))) ?? '', /^ERR_CBOR_/)
  const other = new CborWriter(16).array(6).int(3).int(0).int(0).nil().bytes(Buffer.alloc(0)).bytes(Buffer.alloc(0))
  assert.throws(() => decode(other.finish()), RangeError)
})

const kept = (made: TestSessions, filter = '#') =>
  made.sessions.retained.match(filter).map(({ topic, payload }) => `${topic} ${payload}`)

test('[MQTT-5.0 3.3.1-5] the newest retained message of a topic replaces the one before, an empty one removes it, for good', async (t) => {
  const made = await TestSessions.open(t)
  for (const [topic, payload] of [
    ['a', '1'],
    ['b', '1'],
    ['a', '2'],
    ['b', ''],
    ['c', ''],
    ['__proto__', 'x'],
  ] as const) {
    made.publish({ topic, payload, retain: true })
  }
  made.publish({ topic: 'a', payload: 'not retained' })
  await made.settled()
  for (let i = 0; i < 2; i++) {
    assert.deepEqual(kept(made).sort(), ['__proto__ x', 'a 2'])
    assert.equal(await made.stored('retained'), 2)
    await made.restart()
  }
})

const source = { clientId: 'publisher', username: undefined, listener: 'l' }

test('one that the version before wrote, which did not keep who published it, is read', () => {
  const older = new CborWriter(16).array(6).int(1).int(7).int(1).nil().bytes(Buffer.alloc(0)).bytes(Buffer.from('x'))
  const { index, qos, payload, source: from } = decodeRetained(Buffer.from('a'), older.finish())
  assert.deepEqual([index, qos, payload.toString(), from], [7, 1, 'x', undefined])
})

test('a retained message is its own: the bytes it came in may be used for something else', async (t) => {
  const made = await TestSessions.open(t)
  const payload = Buffer.from('kept')
  const message = messageOf({ index: 5, topic: 'a', payload, qos: 0, retain: true, properties: undefined, timeMs: 0 })
  made.inCommit(() => made.sessions.retained.apply(message, false, source))
  await made.settled()
  payload.fill('x')
  assert.deepEqual(kept(made), ['a kept'])
})

test('[MQTT-5.0 3.3.2-5] an expired retained message is not sent, and is taken off the disk when it would be', async (t) => {
  const made = await TestSessions.open(t)
  made.publish({ topic: 'short', payload: 'x', retain: true, properties: { messageExpiryInterval: 10 } })
  made.publish({ topic: 'long', payload: 'x', retain: true, properties: { messageExpiryInterval: 100 } })
  await made.settled()
  made.nowMs += 9_999
  assert.equal(kept(made).length, 2)
  await made.restart()
  made.nowMs += 1
  assert.deepEqual(kept(made), ['long x'])
  await made.settled()
  assert.equal(await made.stored('retained'), 1)
})

test('a new subscription gets what is retained with RETAIN, its own identifier, and the lower QoS, beyond any limit', async (t) => {
  const made = await TestSessions.open(t, { maxQueuedMessages: 1, maxInflightMessages: 3 })
  for (const qos of [0, 1, 2] as const) made.publish({ topic: `r/${qos}`, payload: `${qos}`, qos, retain: true })
  for (const n of [3, 4, 5]) made.publish({ topic: `r/${n}`, payload: `${n}`, qos: 2, retain: true })
  await made.settled()
  const { session, link } = await made.connect('a')
  await made.subscribe(session, 'r/#', { qos: 1, subscriptionIdentifier: 6 })
  for (const id of [1, 2, 3, 4, 5]) {
    await until(() => link.publishes.some(({ packetId }) => packetId === id))
    session.outbox.puback(id)
  }
  const got = link.publishes.map(({ message, qos, retain, subscriptionIdentifiers }) => {
    return [`${message.payload}`, qos, retain, ...subscriptionIdentifiers]
  })
  assert.deepEqual(
    got.sort(),
    [0, 1, 2, 3, 4, 5].map((n) => [`${n}`, Math.min(n, 1), true, 6]),
  )
  assert.deepEqual(made.dropped, [])
})

test('[MQTT-5.0 3.3.1-9, 3.3.1-10, 3.3.1-11] Retain Handling: always, only when the subscription is new, never; shared ones get none', async (t) => {
  const made = await TestSessions.open(t)
  made.publish({ topic: 'r', payload: 'x', retain: true })
  await made.settled()
  const { session, link } = await made.connect('a')
  const counts: number[] = []
  for (const [filter, retainHandling] of [
    ['r', 0],
    ['r', 0],
    ['r', 1],
    ['+', 1],
    ['#', 2],
    ['$share/g/r', 0],
  ] as const) {
    await made.subscribe(session, filter, { retainHandling, qos: 0 })
    counts.push(link.publishes.length)
  }
  assert.deepEqual(counts, [1, 2, 2, 3, 3, 3])
})
