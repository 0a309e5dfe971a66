import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FlushQueue, Output } from '../../../broker/edge/output.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'
import { FakeTransport } from './fake-transport.ts'

const kibibyte = 1024
const mebibyte = 1024 * kibibyte

function bench() {
  const transport = new FakeTransport()
  const queue = new FlushQueue()
  return { transport, queue, output: new Output(transport, queue) }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Written in place, as a PUBLISH is. */
function fill(output: Output, bytes: number, value: number): void {
  const at = output.reserve(bytes)
  output.slab.fill(value, at, at + bytes)
  output.commit(at + bytes)
}

test('what is written in one turn of the event loop goes out in one write, in its order', async () => {
  const { transport, output } = bench()
  output.append(Buffer.from('one '))
  fill(output, 3, 0x32)
  output.append(Buffer.from(' three'))
  assert.deepEqual(transport.writes, [])
  assert.equal(output.bufferedBytes, 13)
  await turn()
  assert.deepEqual(transport.copies.map(String), ['one 222 three'])
  assert.equal(output.bufferedBytes, 0)
  await turn()
  assert.equal(transport.writes.length, 1)
  output.append(Buffer.from('later'))
  await turn()
  assert.deepEqual(transport.copies.map(String), ['one 222 three', 'later'])
})

test('many connections that are written to in one turn are all flushed, those too that a flush writes to', async () => {
  const queue = new FlushQueue()
  const transports = Array.from({ length: 100 }, () => new FakeTransport())
  const outputs = transports.map((transport) => new Output(transport, queue))
  const [first] = transports
  assert.ok(first !== undefined)
  const { write } = first
  first.write = (bytes) => {
    outputs[1]?.append(Buffer.from('more'))
    return write.call(first, bytes)
  }
  for (const [i, output] of outputs.entries()) if (i !== 1) output.append(Buffer.from(`${i}`))
  await turn()
  assert.deepEqual(
    transports.map(({ copies }) => Buffer.concat(copies).toString()),
    transports.map((_, i) => (i === 1 ? 'more' : `${i}`)),
  )
})

test('a flush writes at once, and leaves nothing for the end of the turn', async () => {
  const { transport, output } = bench()
  output.append(Buffer.from('now'))
  output.flush()
  assert.deepEqual(transport.copies.map(String), ['now'])
  output.flush()
  await turn()
  assert.equal(transport.writes.length, 1)
})

test('a packet of a MiB is written at once, behind what was written before it', () => {
  const { transport, output } = bench()
  fill(output, 10, 1)
  fill(output, mebibyte - 1, 2)
  assert.deepEqual(
    transport.writes.map(({ length }) => length),
    [10],
    'there is no room for both in one slab',
  )
  fill(output, mebibyte, 3)
  assert.deepEqual(
    transport.writes.map(({ length }) => length),
    [10, mebibyte - 1, mebibyte],
  )
  assert.equal(output.bufferedBytes, 0)
})

test('what the transport has not taken counts as buffered', () => {
  const { transport, output } = bench()
  transport.isFrozen = true
  fill(output, 1000, 1)
  output.flush()
  fill(output, 10, 1)
  assert.equal(output.bufferedBytes, 1010)
})

test('bytes that were handed out are never written again, and arrive as they were written, whatever their sizes', () => {
  const size = fc.oneof(
    fc.integer({ min: 1, max: 40 }),
    fc.integer({ min: 1, max: 3000 }),
    fc.integer({ min: 60 * kibibyte, max: 140 * kibibyte }),
  )
  const step = fc.oneof(
    { weight: 8, arbitrary: size.map((bytes) => ({ bytes, isAppended: bytes % 2 === 0 })) },
    { weight: 2, arbitrary: fc.constantFrom('turn', 'silence') },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { transport, output, queue } = bench()
      const expected: Buffer[] = []
      let value = 0
      for (const next of steps) {
        if (next === 'turn') queue.flushAll()
        else if (next === 'silence') output.releaseIfSilent()
        else {
          value = (value % 255) + 1
          const { bytes, isAppended } = next as { bytes: number; isAppended: boolean }
          const content = Buffer.alloc(bytes, value)
          expected.push(content)
          if (isAppended) output.append(content)
          else fill(output, bytes, value)
        }
      }
      queue.flushAll()
      assert.ok(Buffer.concat(transport.writes).equals(Buffer.concat(expected)))
      for (const [i, copy] of transport.copies.entries()) assert.ok(transport.writes[i]?.equals(copy))
    }),
    { seed: fcSeed, numRuns: 300 },
  )
})

test('a client that is written to seldom keeps no memory between two turns', () => {
  const { output, queue } = bench()
  fill(output, 100, 1)
  queue.flushAll()
  assert.equal(output.slab, undefined)
})

test('a client that is written to much keeps its 64 KiB until they are full', () => {
  const { transport, output, queue } = bench()
  fill(output, 2000, 1)
  queue.flushAll()
  const { slab } = output
  assert.equal(slab.length, 64 * kibibyte)
  fill(output, 2000, 2)
  queue.flushAll()
  assert.equal(output.slab, slab)
  assert.equal(transport.writes[1]?.byteOffset, 2000, 'behind what was handed out')
})

test('a large packet has a slab of its own size, and what follows it another', () => {
  const { transport, output, queue } = bench()
  fill(output, 300 * kibibyte, 1)
  assert.equal(output.slab.length, 300 * kibibyte)
  fill(output, 10, 2)
  assert.equal(output.slab.length, 64 * kibibyte)
  queue.flushAll()
  assert.deepEqual(
    transport.writes.map(({ length }) => length),
    [300 * kibibyte, 10],
  )
})

test('a client that fell silent gives its slab back after a look or two', (t) => {
  t.mock.timers.enable({ apis: ['setInterval', 'setImmediate'] })
  const { output, queue } = bench()
  fill(output, 2000, 1)
  queue.flushAll()
  t.mock.timers.tick(1000)
  assert.notEqual(output.slab, undefined, 'it may only have paused')
  t.mock.timers.tick(1000)
  assert.equal(output.slab, undefined)
})

test('a client that is written to now and then keeps its slab', (t) => {
  t.mock.timers.enable({ apis: ['setInterval', 'setImmediate'] })
  const { output, queue } = bench()
  fill(output, 2000, 1)
  const { slab } = output
  for (let i = 0; i < 5; i++) {
    fill(output, 10, 1)
    queue.flushAll()
    t.mock.timers.tick(1000)
  }
  assert.equal(output.slab, slab)
})

test('a slab with bytes that wait is not given back', (t) => {
  t.mock.timers.enable({ apis: ['setInterval', 'setImmediate'] })
  const { transport, output, queue } = bench()
  fill(output, 2000, 1)
  // The turn does not end.
  assert.equal(output.releaseIfSilent(), false)
  assert.equal(output.releaseIfSilent(), false)
  queue.flushAll()
  assert.deepEqual(transport.copies, [Buffer.alloc(2000, 1)])
})
