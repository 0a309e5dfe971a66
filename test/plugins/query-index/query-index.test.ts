import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { storeSublevel } from '../../../plugins/audit-chain/index.ts'
import { AuditChain, QueryIndex } from '../../../plugins/index.ts'
import { buildAll, IndexedChain, publishRecord } from '../../helpers/indexed-chain.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

function rethrow(error: unknown): never {
  throw error
}

const everybody = ['a', 'b', 'c', 'd']

async function filled(t: TestContext): Promise<IndexedChain> {
  const indexed = await IndexedChain.open(t)
  for (let i = 0; i < 25; i++) {
    await indexed.append(everybody.map((clientId) => publishRecord(`plant/${i}/${clientId}`, clientId)))
  }
  await indexed.buildAll()
  return indexed
}

const valuesOf = ({ chain }: IndexedChain) => storeSublevel(chain.database, 'query-index')

/** Every answer is the one that reading everything gives. */
async function assertAnswers(indexed: IndexedChain): Promise<void> {
  for (const clientId of everybody) {
    const expected = await indexed.found({ clientId }, undefined)
    assert.equal(expected.length, 25)
    assert.deepEqual(await indexed.found({ clientId }), expected)
    assert.deepEqual(await indexed.found({ topic: `+/+/${clientId}` }), expected)
  }
}

test('only full segments are indexed, each once, and a new start has nothing more to do', async (t) => {
  const indexed = await filled(t)
  assert.equal(indexed.chain.nextIndex, 101)
  const summaries = await valuesOf(indexed)
    .keys({ lt: Uint8Array.of(2) })
    .all()
  assert.equal(summaries.length, Math.floor(101 / 16))
  const { chain } = indexed
  const again = await QueryIndex.open({ chain, segmentRecords: 16, onError: rethrow })
  assert.equal(again.backlog, 0)
  await indexed.append(Array.from({ length: 11 }, () => publishRecord('more', 'a')))
  assert.equal(again.backlog, 1)
})

test('whatever byte of a segment is altered or missing: the answers stay the same, and the segment is built again', async (t) => {
  const indexed = await filled(t)
  const values = valuesOf(indexed)
  const whole = new Map((await values.iterator().all()).map(([key, value]) => [key, Uint8Array.from(value)]))
  for (const [i, [key, value]] of [...whole].entries()) {
    if (i % 4 === 0) await values.del(key)
    else
      await values.put(
        key,
        value.map((byte, at) => (at === (i * 7) % value.length ? byte ^ (1 << (i % 8)) : byte)),
      )
    await assertAnswers(indexed)
    assert.ok(indexed.errors.every((error) => (error as { code?: string }).code === 'ERR_QUERY_INDEX'))
    await indexed.buildAll()
    await values.put(key, value)
  }
  assert.ok(indexed.errors.length > 0)
  await indexed.buildAll()
  await assertAnswers(indexed)
  const rebuilt = await values.iterator().all()
  assert.deepEqual(new Map(rebuilt.map(([key, value]) => [key, Uint8Array.from(value)])), whole)
})

test('a segment that is gone is built again by the next start', async (t) => {
  const indexed = await filled(t)
  await valuesOf(indexed).del(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 2))
  await assertAnswers(indexed)
  const { chain } = indexed
  const again = await QueryIndex.open({ chain, segmentRecords: 16, onError: rethrow })
  assert.equal(again.backlog, 1)
})

test('an index of another chain or of other segments is not used, and all of it is built again', async (t) => {
  const indexed = await filled(t)
  const foreign = await filled(t)
  for await (const [key, value] of valuesOf(foreign).iterator()) await valuesOf(indexed).put(key, value)
  for (const segmentRecords of [16, 32]) {
    const errors: unknown[] = []
    const { chain } = indexed
    const index = await QueryIndex.open({ chain, segmentRecords, onError: (error) => errors.push(error) })
    assert.deepEqual(
      errors.map((error) => (error as { code?: string }).code),
      ['ERR_QUERY_INDEX'],
    )
    assert.equal(index.backlog, Math.floor(101 / segmentRecords))
    assert.deepEqual(await valuesOf(indexed).keys().all(), [])
    await buildAll(index)
  }
})

test('a segment whose block cannot be read is left out, and the ones behind it are built', async (t) => {
  const location = temporaryDirectory(t)
  const indexed = await IndexedChain.open(t, { location })
  for (let i = 0; i < 100; i++) await indexed.append([publishRecord('n', 'a')])
  const errors: unknown[] = []
  // This one was not there when they were written.
  const late = await QueryIndex.open({
    chain: indexed.chain,
    segmentRecords: 16,
    onError: (error) => errors.push(error),
  })
  const { store } = indexed.chain
  const blocksAt = store.blocksAt.bind(store)
  store.blocksAt = async (index, ...rest) =>
    (await blocksAt(index, ...rest)).filter(({ firstIndex }) => firstIndex !== 20)
  await buildAll(late)
  assert.equal((errors[0] as { code?: string }).code, 'ERR_QUERY_INDEX')
  assert.equal(errors.length, 1)
  store.blocksAt = blocksAt
  assert.equal((await indexed.found({ clientId: 'a' }, late)).length, 100)
  await indexed.chain.close()
  const chain = await AuditChain.open({ location })
  const index = await QueryIndex.open({ chain, segmentRecords: 16, onError: rethrow })
  assert.equal(index.backlog, 1, 'the next start tries again')
  await chain.close()
})
