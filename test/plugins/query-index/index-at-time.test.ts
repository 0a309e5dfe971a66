import assert from 'node:assert/strict'
import { test } from 'node:test'
import { indexAtTime } from '../../../plugins/query-index/index.ts'
import { IndexedChain, publishRecord } from '../../helpers/indexed-chain.ts'

test('a time is found by reading as many headers as it takes to halve the chain', async (t) => {
  const indexed = await IndexedChain.open(t)
  const { clock, chain } = indexed
  const begin = clock.timeMs
  for (let i = 1; i <= 63; i++) {
    clock.timeMs = begin + 10 * Math.ceil(i / 3)
    await indexed.append([publishRecord('n', 'a'), publishRecord('n', 'b')])
  }
  const times = (await indexed.records()).map(({ timeMs }) => timeMs)
  const { store, nextIndex } = chain
  let reads = 0
  const counting = Object.assign(Object.create(store), {
    blockAt: (index: number) => {
      reads++
      return store.blockAt(index)
    },
  }) as typeof store
  for (let timeMs = begin - 5; timeMs < clock.timeMs + 20; timeMs += 5) {
    const expected = times.findIndex((one) => one >= timeMs)
    reads = 0
    assert.equal(await indexAtTime(counting, nextIndex, timeMs), expected === -1 ? nextIndex : expected)
    assert.ok(reads <= 8, `${reads}`)
  }
  assert.equal(await indexAtTime(store, 50, clock.timeMs + 1), 50, 'of what was there at the time of asking')
})
