import assert from 'node:assert/strict'
import { test } from 'node:test'
import { turns } from '../../helpers/sequencing.ts'
import { TestLink } from '../../helpers/test-link.ts'
import { TestOutbox } from '../../helpers/test-outbox.ts'

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
