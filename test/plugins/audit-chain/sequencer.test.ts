import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type StoreOperation, verifyStore } from '../../../plugins/index.ts'
import { decodeBlock, decodeRecord } from '../../../protocol/index.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'
import { kept } from '../../helpers/faults.ts'
import { keyMeriadoc } from '../../helpers/keys.ts'
import {
  GatedStore,
  genesisDecision,
  publishDecision,
  sequencerOn,
  submission,
  turns,
} from '../../helpers/sequencing.ts'

/** Sequencer and store, with the genesis record written. */
async function begun(now?: () => number) {
  const store = new GatedStore()
  const made = sequencerOn(store, now === undefined ? {} : { now })
  made.sequencer.submit(submission('genesis', genesisDecision))
  await turns()
  await store.letOneEnd()
  assert.equal(store.written.length, 1)
  return { store, ...made }
}

const countsOf = (store: GatedStore) => store.written.map(({ encoded }) => decodeBlock(encoded).entries.length)

test('everything that is submitted while one block is being written goes into the next one', async () => {
  const { store, sequencer } = await begun()
  sequencer.submit(submission('a', publishDecision('a')))
  await turns()
  assert.equal(store.running, 1)
  for (const name of ['b', 'c', 'd']) {
    sequencer.submit(submission(name, publishDecision(name)))
    await turns()
  }
  assert.equal(store.running, 1, 'one write at a time')
  await store.letOneEnd()
  await store.letOneEnd()
  assert.deepEqual(countsOf(store), [1, 1, 3])
})

test('publishes that arrive in one turn of the event loop share a block', async () => {
  const { store, sequencer } = await begun()
  store.open()
  for (let i = 0; i < 100; i++) sequencer.submit(submission(`${i}`, publishDecision(`${i}`)))
  await sequencer.drained()
  assert.deepEqual(countsOf(store), [1, 100])
})

test('nothing is settled before its block is written, and the block is told first', async () => {
  const { store, sequencer, blocks } = await begun()
  const told: number[] = []
  const one = submission('a', publishDecision('a'))
  sequencer.submit({ ...one, decide: one.decide, settle: () => told.push(blocks.length) })
  await turns()
  assert.deepEqual([told, blocks.length, sequencer.state.height], [[], 1, 1])
  await store.letOneEnd()
  assert.deepEqual([told, blocks.length, sequencer.state.height], [[2], 2, 2])
})

test('indexes follow the order of submission, and so do the settlements', async () => {
  const { store, sequencer } = await begun()
  const order: string[] = []
  const witnesses = Array.from({ length: 20 }, (_, i) => submission(`${i}`, publishDecision(`${i}`), order))
  for (const witness of witnesses.slice(0, 7)) sequencer.submit(witness)
  await turns()
  for (const witness of witnesses.slice(7)) sequencer.submit(witness)
  store.open()
  await sequencer.drained()
  assert.deepEqual(
    witnesses.map(({ index }) => index),
    Array.from({ length: 20 }, (_, i) => i + 1),
  )
  assert.deepEqual(
    order,
    Array.from({ length: 20 }, (_, i) => `${i}`),
  )
})

test('a refusal or duplicate takes no index but keeps its place among the settlements', async () => {
  const { store, sequencer } = await begun()
  const order: string[] = []
  const [a, refused, b] = [
    submission('a', publishDecision('a'), order),
    submission('refused', undefined, order),
    submission('b', publishDecision('b'), order),
  ]
  for (const one of [a, refused, b]) sequencer.submit(one)
  store.open()
  await sequencer.drained()
  assert.deepEqual([a.index, refused.index, b.index], [1, 2, 2])
  assert.deepEqual(order, ['a', 'refused', 'b'])
  assert.deepEqual(countsOf(store), [1, 2])
})

test('a group of refusals alone writes no block', async () => {
  const { store, sequencer } = await begun()
  const order: string[] = []
  for (const name of ['a', 'b']) sequencer.submit(submission(name, undefined, order))
  await sequencer.drained()
  assert.deepEqual([order, store.written.length, sequencer.state.height], [['a', 'b'], 1, 1])
})

test('a block has at most 10,000 records', async () => {
  const { store, sequencer } = await begun()
  store.open()
  for (let i = 0; i < 20_001; i++) sequencer.submit(submission(`${i}`, publishDecision('x')))
  await sequencer.drained()
  assert.deepEqual(countsOf(store), [1, 10_000, 10_000, 1])
})

test('a block is closed when it has reached 16 MiB; a larger publish has one of its own', async () => {
  const { store, sequencer } = await begun()
  store.open()
  const mebibyte = 1024 * 1024
  for (const size of [6, 6, 6, 6, 20, 1, 1]) {
    sequencer.submit(submission('x', publishDecision('x'), [], size * mebibyte))
  }
  await sequencer.drained()
  // 6 + 6 is below the limit, so a third one still gets in; 6 + 20 likewise.
  assert.deepEqual(countsOf(store), [1, 3, 2, 2])
})

test('time never goes backwards, though the clock does', async () => {
  const times = [1000, 2000, 500, 1999, 3000]
  const { store, sequencer } = await begun(() => times.shift() ?? 0)
  store.open()
  for (const text of ['a', 'b', 'c', 'd']) {
    sequencer.submit(submission(text, publishDecision(text)))
    await sequencer.drained()
  }
  const blocks = store.written.map(({ encoded }) => decodeBlock(encoded))
  assert.deepEqual(
    blocks.map(({ header }) => header.timeMs),
    [1000, 2000, 2000, 2000, 3000],
  )
  const recorded = blocks.flatMap(({ entries }) => entries.map((entry) => decodeRecord(kept(entry).record).timeMs))
  assert.deepEqual(recorded, [1000, 2000, 2000, 2000, 3000])
})

test('what belongs to a record is written in the same batch as its block', async () => {
  const { store, sequencer } = await begun()
  store.open()
  const operations: StoreOperation[] = ['a', 'b'].map((key) => ({ type: 'del', key: Buffer.from(key) }))
  for (const operation of operations) {
    sequencer.submit(submission('x', (timeMs) => ({ ...publishDecision('x')(timeMs), also: [operation] })))
  }
  sequencer.submit(submission('without', publishDecision('y')))
  await sequencer.drained()
  assert.deepEqual(store.also, [[], operations])
})

test('a decision without a record is written all the same, without a block, and settled when it is', async () => {
  const { store, sequencer, blocks } = await begun()
  const order: string[] = []
  const operation: StoreOperation = { type: 'del', key: Buffer.from('a') }
  sequencer.submit(submission('a', () => ({ also: [operation] }), order))
  await turns()
  assert.deepEqual([order, store.running], [[], 1])
  await store.letOneEnd()
  assert.deepEqual([order, store.also, blocks.length], [['a'], [[], [operation]], 1])
})

test('what takes part in commits is asked when all of a group have decided, and told when all were settled', async () => {
  const { store, sequencer } = await begun()
  const told: string[] = []
  const operation = (key: string): StoreOperation => ({ type: 'del', key: Buffer.from(key) })
  for (const name of ['x', 'y']) {
    sequencer.join({
      operations: () => {
        told.push(`asks ${name}`)
        return [operation(name)]
      },
      settled: () => told.push(`tells ${name}`),
    })
  }
  const also = (name: string, record: typeof genesisDecision | undefined) =>
    submission(
      name,
      (timeMs) => {
        told.push(`decides ${name}`)
        return { ...record?.(timeMs), also: [operation(name)] }
      },
      told,
    )
  for (const one of [also('a', undefined), also('b', publishDecision('b'))]) sequencer.submit(one)
  await turns()
  assert.deepEqual(told, ['decides a', 'decides b', 'asks x', 'asks y'])
  await store.letOneEnd()
  assert.deepEqual(told.slice(4), ['a', 'b', 'tells x', 'tells y'])
  assert.deepEqual(store.also.at(-1), ['a', 'b', 'x', 'y'].map(operation), 'one batch, in this order')
})

test('what is decided while a group is being written is settled behind that group, also when it writes nothing', async () => {
  const { store, sequencer } = await begun()
  const order: string[] = []
  sequencer.submit(submission('written', publishDecision('a'), order))
  await turns()
  sequencer.submit(submission('not written', undefined, order))
  await turns()
  assert.deepEqual(order, [])
  await store.letOneEnd()
  assert.deepEqual(order, ['written', 'not written'])
})

test('a submission may submit another one when it is decided or settled: it comes in a later group, and is drained too', async () => {
  const { store, sequencer } = await begun()
  const order: string[] = []
  const first = submission('first', publishDecision('a'), order)
  sequencer.submit({
    bytes: 64,
    decide: (index, timeMs) => {
      sequencer.submit(submission('by decide', publishDecision('b'), order))
      return first.decide(index, timeMs)
    },
    settle: () => {
      first.settle()
      sequencer.submit(submission('by settle', publishDecision('c'), order))
    },
  })
  store.open()
  await sequencer.drained()
  assert.deepEqual(
    [order, countsOf(store)],
    [
      ['first', 'by decide', 'by settle'],
      [1, 1, 1, 1],
    ],
  )
})

test('what waits is counted in bytes', async () => {
  const { store, sequencer } = await begun()
  for (const bytes of [100, 20]) sequencer.submit(submission('x', publishDecision('x'), [], bytes))
  assert.equal(sequencer.pendingBytes, 120)
  store.open()
  await sequencer.drained()
  assert.equal(sequencer.pendingBytes, 0)
})

test('whatever is submitted when, the chain verifies and the settlements keep the order', async () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ isRefused: fc.boolean(), bytes: fc.integer({ min: 1, max: 12_000_000 }) }) },
    { weight: 1, arbitrary: fc.constant('write ends' as const) },
    { weight: 1, arbitrary: fc.constant('turn' as const) },
  )
  const property = fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
    const { store, sequencer } = await begun()
    const order: string[] = []
    let submitted = 0
    let recorded = 1
    for (const one of steps) {
      if (one === 'turn') await turns()
      else if (one === 'write ends') await store.letOneEnd()
      else {
        const name = `${submitted++}`
        if (!one.isRefused) recorded++
        sequencer.submit(submission(name, one.isRefused ? undefined : publishDecision(name), order, one.bytes))
      }
    }
    store.open()
    await sequencer.drained()
    assert.deepEqual(
      order,
      Array.from({ length: submitted }, (_, i) => `${i}`),
    )
    const result = await verifyStore({ store, brokerKey: keyMeriadoc })
    assert.deepEqual(result, { ok: true, checked: recorded, signatures: 0, erased: { bodies: 0, records: 0 } })
  })
  await fc.assert(property, { seed: fcSeed, numRuns: 60 })
})
