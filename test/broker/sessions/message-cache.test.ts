import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MessageCache } from '../../../broker/sessions/message-cache.ts'
import { asPublished } from '../../../broker/sessions/publish-view.ts'
import { testMessage } from '../../helpers/test-outbox.ts'
import { TestSessions } from '../../helpers/test-sessions.ts'

const mebibyte = 1024 * 1024

test('what was queued a moment ago is in memory, as the same object; the oldest go when 16 MiB are reached', async (t) => {
  const { chain } = await TestSessions.open(t)
  const cache = new MessageCache(chain.store, asPublished)
  const messages = Array.from({ length: 40 }, (_, i) => testMessage(i + 1, { payload: Buffer.alloc(mebibyte) }))
  for (const message of messages) {
    cache.remember(message)
    assert.equal(cache.get(message.index), message)
  }
  const known = messages.filter(({ index }) => cache.get(index) !== undefined)
  assert.ok(known.length >= 7 && known.length <= 16, `${known.length} MiB`)
  assert.deepEqual(known, messages.slice(-known.length))
})

test('what is not in memory is read from the chain, whatever block it is in, and found at once from then on', async (t) => {
  const made = await TestSessions.open(t)
  const count = 300
  for (let i = 1; i <= count; i++) {
    made.publish({ topic: `t/${i}`, payload: `${i}`, qos: 2, retain: i % 7 === 0 })
    // Blocks of one record and of many.
    if (i < 100 || i % 50 === 0) await made.settled()
  }
  await made.settled()
  const cache = new MessageCache(made.chain.store, asPublished)
  for (const index of [1, count, 150, 2, 99, 100, 101, 299]) {
    assert.equal((await cache.load(index))?.topic, `t/${index}`)
    const message = cache.get(index)
    assert.deepEqual([`${message?.payload}`, message?.qos, message?.retain], [`${index}`, 2, index % 7 === 0])
  }
})

test('the genesis record and what is beyond the end are no messages', async (t) => {
  const made = await TestSessions.open(t)
  made.publish({ topic: 'a', payload: 'x' })
  await made.settled()
  const cache = new MessageCache(made.chain.store, asPublished)
  for (const index of [0, 2, 1000]) {
    assert.equal(await cache.load(index), undefined)
    assert.equal(cache.get(index), undefined)
  }
  // One that comes to be is found then.
  made.publish({ topic: 'b', payload: 'y' })
  await made.settled()
  assert.equal((await cache.load(2))?.topic, 'b')
})

test('a store that cannot be read rejects', async (t) => {
  const made = await TestSessions.open(t)
  const unreadable = Object.assign(Object.create(made.chain.store), {
    blocksAt: () => Promise.reject(new Error('I/O error')),
  })
  await assert.rejects(new MessageCache(unreadable, asPublished).load(1), { message: 'I/O error' })
})
