import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestSessions } from '../../helpers/test-sessions.ts'

const pinned = async (made: TestSessions) => [...(await made.sessions.pins()).indexes].sort((a, b) => a - b)

/** A client that is to get what is published on the topic `a`, later. */
async function subscribeAndLeave(made: TestSessions): Promise<void> {
  const { session, link } = await made.connect('away')
  await made.subscribe(session, 'a')
  made.drop(session, link)
  await made.settled()
}

test('what waits in a queue is pinned until it is acknowledged', async (t) => {
  const made = await TestSessions.open(t)
  await subscribeAndLeave(made)
  const index = made.chain.nextIndex
  made.publish({ topic: 'a', payload: 'waits', qos: 1 })
  made.publish({ topic: 'b', payload: 'for nobody', qos: 1 })
  await made.settled()
  assert.deepEqual(await pinned(made), [index])
  await made.restart()
  assert.deepEqual(await pinned(made), [index], 'after a start')
})

test('what came with something that is not acknowledged yet is pinned with it: the queue on disk refers to both', async (t) => {
  const made = await TestSessions.open(t)
  const { session, link } = await made.connect('slow')
  await made.subscribe(session, 'a')
  const index = made.chain.nextIndex
  // One commit.
  made.publish({ topic: 'a', payload: 'one', qos: 1 })
  made.publish({ topic: 'a', payload: 'two', qos: 1 })
  await made.settled()
  const [one, two] = link.publishes
  assert.ok(one !== undefined && two !== undefined)
  session.outbox.puback(one.packetId)
  await made.settled()
  assert.deepEqual(await pinned(made), [index, index + 1])
  session.outbox.puback(two.packetId)
  await made.settled()
  assert.deepEqual(await pinned(made), [])
})

test('a retained message is pinned until it is replaced', async (t) => {
  const made = await TestSessions.open(t)
  const first = made.chain.nextIndex
  made.publish({ topic: 'a', payload: 'one', retain: true })
  await made.settled()
  assert.deepEqual(await pinned(made), [first])
  made.publish({ topic: 'a', payload: 'two', retain: true })
  await made.settled()
  assert.deepEqual(await pinned(made), [first + 1])
  made.publish({ topic: 'a', payload: '', retain: true })
  await made.settled()
  assert.deepEqual(await pinned(made), [])
})

test('what is queued by a commit that is not durable yet is pinned, or lies behind', async (t) => {
  const made = await TestSessions.open(t)
  await subscribeAndLeave(made)
  const first = made.chain.nextIndex
  // All of it in one go: some of it is decided when the pins are asked for, some after.
  made.publish({ topic: 'a', payload: 'before', qos: 1 })
  const asked = made.sessions.pins()
  made.publish({ topic: 'a', payload: 'after', qos: 1 })
  const { indexes, below } = await asked
  for (const index of [first, first + 1]) assert.ok(indexes.has(index) || index >= below, `${index} of ${below}`)
  assert.ok(indexes.has(first))
})

test('what is held is pinned as often as it is held', async (t) => {
  const made = await TestSessions.open(t)
  const [once, twice] = [made.sessions.hold(5), made.sessions.hold(5)]
  assert.deepEqual(await pinned(made), [5])
  once()
  assert.deepEqual(await pinned(made), [5], 'somebody else holds it still')
  twice()
  assert.deepEqual(await pinned(made), [])
})

test('what cannot be read is told, and pinned no longer', async (t) => {
  const made = await TestSessions.open(t)
  const failure = new Error('the disk does not give it back')
  made.sessions.messages.load = () => Promise.reject(failure)
  made.sessions.withMessage(5, () => assert.fail('there is no message'))
  assert.deepEqual(await pinned(made), [])
  assert.deepEqual(made.errors, [failure])
})
