import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { test } from 'node:test'
import { transportPair } from '../../../broker/bridges/transport-pair.ts'
import type { Transport } from '../../../broker/listeners/index.ts'

/** Everything that a side tells, in order. */
function listen(transport: Transport): { readonly told: string[]; readonly closed: Promise<unknown> } {
  const told: string[] = []
  const events = new EventEmitter()
  const closed = once(events, 'close')
  transport.onData((chunk) => told.push(chunk.toString()))
  transport.onEnd(() => told.push('end'))
  transport.onDrain(() => told.push('drain'))
  transport.onClose(() => {
    told.push('close')
    events.emit('close')
  })
  return { told, closed }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('what one side writes the other reads in a later turn, in order; both close once after the end', async () => {
  const [one, other] = transportPair('tcp')
  const [atOne, atOther] = [listen(one), listen(other)]
  one.write(Buffer.from('a'))
  one.write(Buffer.from('b'))
  assert.deepEqual(atOther.told, [])
  other.write(Buffer.from('c'))
  one.end()
  assert.equal(one.write(Buffer.from('late')), false)
  await Promise.all([atOne.closed, atOther.closed])
  assert.deepEqual(atOther.told, ['a', 'b', 'end', 'close'])
  assert.deepEqual(atOne.told, ['c', 'close'])
})

test('a paused side reads nothing, and a writer that is told to wait hears when it may go on', async () => {
  const [one, other] = transportPair('tls')
  const [atOne, atOther] = [listen(one), listen(other)]
  assert.equal(other.kind, 'tls')
  other.pause()
  assert.equal(one.write(Buffer.alloc(100, 'x')), true)
  assert.equal(one.write(Buffer.alloc(70_000, 'y')), false)
  await turn()
  await turn()
  assert.deepEqual(atOther.told, [])
  assert.equal(one.bufferedBytes, 70_100)
  other.resume()
  await turn()
  await turn()
  assert.equal(atOther.told.length, 2)
  assert.equal(one.bufferedBytes, 0)
  assert.deepEqual(atOne.told, ['drain'])
  one.destroy()
  await Promise.all([atOne.closed, atOther.closed])
})

test('a side that ends while it is paused still sees the other side go', async () => {
  const [one, other] = transportPair('tcp')
  const [atOne, atOther] = [listen(one), listen(other)]
  one.pause()
  other.write(Buffer.from('waits'))
  one.end()
  await Promise.all([atOne.closed, atOther.closed])
  assert.deepEqual(atOne.told, ['waits', 'close'])
})

test('destroyed, both sides close at once and nothing that was written comes any more', async () => {
  const [one, other] = transportPair('tcp')
  const [atOne, atOther] = [listen(one), listen(other)]
  one.write(Buffer.from('lost'))
  other.destroy()
  await Promise.all([atOne.closed, atOther.closed])
  assert.deepEqual([atOne.told, atOther.told], [['close'], ['close']])
})
