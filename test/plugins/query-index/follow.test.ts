import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { storeSublevel } from '../../../plugins/audit-chain/index.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'
import { IndexedChain, publishRecord } from '../../helpers/indexed-chain.ts'

/** What is stored of an index, in hexadecimal. */
async function storedOf({ chain }: IndexedChain): Promise<string[]> {
  const all = await storeSublevel(chain.database, 'query-index').iterator().all()
  return all.map(([key, value]) => `${Buffer.from(key).toString('hex')} ${Buffer.from(value).toString('hex')}`)
}

/** Counts how often blocks are read. */
function countReads({ chain: { store } }: IndexedChain): { reads: number } {
  const counted = { reads: 0 }
  const blocksAt = store.blocksAt.bind(store)
  store.blocksAt = (...given) => {
    counted.reads++
    return blocksAt(...given)
  }
  return counted
}

test('what is indexed while it is written has the same bytes as what is read, whatever is written and built when', async (t) => {
  const step = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constant('build' as const))
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const indexed = await IndexedChain.open(t)
      let written = 0
      for (const one of steps) {
        if (one === 'build') await indexed.buildAll()
        else
          await indexed.append(Array.from({ length: one }, () => publishRecord(`n/${written++ % 7}`, `${written % 3}`)))
      }
      await indexed.buildAll()
      const followed = await storedOf(indexed)
      await indexed.index.clear()
      await indexed.buildAll()
      assert.deepEqual(followed, await storedOf(indexed))
      assert.deepEqual([indexed.index.backlog, indexed.errors], [0, []])
    }),
    { seed: fcSeed, numRuns: 20 },
  )
})

test('nothing is read of what was written a moment ago', async (t) => {
  const indexed = await IndexedChain.open(t)
  // The genesis was there before.
  await indexed.buildAll()
  const counted = countReads(indexed)
  for (let i = 0; i < 10; i++) {
    await indexed.append(Array.from({ length: 13 }, () => publishRecord('n', 'a')))
    if (i % 3 === 0) await indexed.buildAll()
  }
  await indexed.buildAll()
  assert.deepEqual([counted.reads, indexed.index.backlog], [0, 0])
})

test('what had no room in memory is read, and only that', async (t) => {
  const indexed = await IndexedChain.open(t, { segmentRecords: 64 })
  await indexed.buildAll()
  const counted = countReads(indexed)
  const large = 'n'.repeat(60_000)
  for (let i = 0; i < 20; i++) {
    await indexed.append(Array.from({ length: 10 }, () => publishRecord(large, `${i}`)))
  }
  await indexed.buildAll()
  assert.ok(counted.reads > 0)
  assert.ok(counted.reads < 20, `${counted.reads} reads of 20 blocks`)
  for (const clientId of ['0', '10', '19']) {
    assert.deepEqual(await indexed.found({ clientId }), await indexed.found({ clientId }, undefined))
  }
  const { reads } = counted
  await indexed.append(Array.from({ length: 64 }, () => publishRecord('n', 'a')))
  await indexed.buildAll()
  assert.deepEqual([counted.reads, indexed.index.backlog], [reads, 0], 'it is followed again')
})
