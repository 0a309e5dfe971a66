import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EngineBus } from '../../../broker/engine/engine-bus.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('a listener hears what matches its filter, and nothing when it was removed', () => {
  const bus = new EngineBus()
  const heard: string[] = []
  const listener = ({ topic }: { readonly topic: string }) => heard.push(topic)
  bus.on('$SYS/+/new/clients', listener)
  bus.emit({ topic: '$SYS/id/new/clients' }).emit({ topic: '$SYS/id/heartbeat' })
  bus.removeListener('$SYS/+/new/clients', listener).emit({ topic: '$SYS/other/new/clients' })
  assert.deepEqual(heard, ['$SYS/id/new/clients'])
})

test('two listeners of one filter are two, one of two filters hears by each, and removing one leaves the other', () => {
  const bus = new EngineBus()
  const heard: string[] = []
  const first = () => heard.push('first')
  const second = () => heard.push('second')
  bus.on('a', first).on('a', second).on('+', first)
  bus.emit({ topic: 'a' })
  assert.deepEqual(heard, ['first', 'second', 'first'])
  bus.removeListener('a', first).removeListener('nothing', first)
  bus.emit({ topic: 'a' })
  assert.deepEqual(heard.slice(3), ['second', 'first'])
})

test('whoever waits for a call is told later, never within it', async () => {
  const bus = new EngineBus()
  const told: string[] = []
  const listener = () => {}
  bus.on('a', listener, () => told.push('on'))
  bus.emit({ topic: 'a' }, () => told.push('emit'))
  bus.removeListener('a', listener, () => told.push('removed'))
  bus.close(() => told.push('closed'))
  assert.deepEqual(told, [])
  await turn()
  assert.deepEqual(told, ['on', 'emit', 'removed', 'closed'])
})

test('after the close nobody hears anything', () => {
  const bus = new EngineBus()
  bus.on('#', () => assert.fail('heard'))
  bus.close()
  bus.emit({ topic: 'a' })
})
