import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readEntry } from '../../../plugins/audit-chain/index.ts'
import { faultOfRetentionRule, type RetentionRule, retentionText } from '../../../plugins/index.ts'
import { ErasableChain } from './test-chain.ts'

const day = 86_400

/** Indexes of publishes whose payload, or record, is gone. */
async function goneFrom(made: ErasableChain, what: 'body' | 'record', indexes: readonly number[]): Promise<number[]> {
  const gone: number[] = []
  for (const index of indexes) {
    const entry = await readEntry(made.chain.store, index)
    if (entry !== undefined && entry[what] === undefined) gone.push(index)
  }
  return gone
}

test('an age erases what is older, run after run, and never what is not', async (t) => {
  const made = await ErasableChain.open(t)
  const indexes: number[] = []
  for (let i = 0; i < 4; i++) {
    indexes.push(await made.publish('a'))
    made.pass(day)
  }
  const rules: RetentionRule[] = [{ what: 'bodies', ageSeconds: 2 * day }]
  const retention = made.retention(t, { rules: () => rules })
  await retention.run()
  // Exactly as old as the limit is not older.
  assert.deepEqual(await goneFrom(made, 'body', indexes), indexes.slice(0, 2))
  made.pass(1)
  await retention.run()
  assert.deepEqual(await goneFrom(made, 'body', indexes), indexes.slice(0, 3))
  const size = made.chain.nextIndex
  await retention.run()
  assert.equal(made.chain.nextIndex, size, 'where nothing is to be erased nothing is recorded')
})

test('a count keeps the newest, of the topics of the rule alone', async (t) => {
  const made = await ErasableChain.open(t)
  const [a, b]: [number[], number[]] = [[], []]
  for (let i = 0; i < 4; i++) {
    a.push(await made.publish('a/x'))
    b.push(await made.publish('b'))
  }
  const rules: RetentionRule[] = [{ what: 'records', count: 1, topic: 'a/#' }]
  const retention = made.retention(t, { rules: () => rules })
  await retention.run()
  assert.deepEqual([await goneFrom(made, 'record', a), await goneFrom(made, 'record', b)], [a.slice(0, 3), []])
  a.push(await made.publish('a/y'))
  await retention.run()
  assert.deepEqual(await goneFrom(made, 'record', a), a.slice(0, 4))
})

test('a size keeps as many of the newest as fit', async (t) => {
  const made = await ErasableChain.open(t)
  const indexes: number[] = []
  for (let i = 0; i < 5; i++) indexes.push(await made.publish('a'))
  const retention = made.retention(t, { rules: () => [{ what: 'bodies', bytes: 299 }] })
  await retention.run()
  assert.deepEqual(await goneFrom(made, 'body', indexes), indexes.slice(0, 3))
})

test('several rules hold each for itself, and what one has erased another one does not miss', async (t) => {
  const made = await ErasableChain.open(t)
  const indexes: number[] = []
  for (let i = 0; i < 4; i++) indexes.push(await made.publish(i % 2 === 0 ? 'even' : 'odd'))
  const rules: RetentionRule[] = [
    { what: 'records', count: 0, topic: 'even' },
    { what: 'bodies', count: 1 },
  ]
  await made.retention(t, { rules: () => rules }).run()
  assert.deepEqual(await goneFrom(made, 'record', indexes), [indexes[0], indexes[2]])
  // Of the two that are left the newer one stays whole.
  assert.deepEqual(await goneFrom(made, 'body', indexes), indexes.slice(0, 3))
})

test('what is still to be delivered is erased by a later run, when it was', async (t) => {
  const made = await ErasableChain.open(t)
  const [first, second, third] = [await made.publish('a'), await made.publish('a'), await made.publish('a')]
  const pinned = new Set([first, third])
  const pins = async () => ({ indexes: pinned, below: made.chain.nextIndex })
  const retention = made.retention(t, { rules: () => [{ what: 'bodies', count: 0 }], pins })
  await retention.run()
  assert.deepEqual(await goneFrom(made, 'body', [first, second, third]), [second])
  pinned.delete(first)
  await retention.run()
  assert.deepEqual(await goneFrom(made, 'body', [first, second, third]), [first, second])
  pinned.clear()
  await retention.run()
  assert.deepEqual(await goneFrom(made, 'body', [first, second, third]), [first, second, third])
})

test('what is recorded while a run looks around is left to the next one', async (t) => {
  const made = await ErasableChain.open(t)
  const first = await made.publish('a')
  const pins = async () => {
    const below = made.chain.nextIndex
    later = await made.publish('a')
    return { indexes: new Set<number>(), below }
  }
  let later = 0
  await made.retention(t, { rules: () => [{ what: 'bodies', count: 0 }], pins }).run()
  assert.deepEqual(await goneFrom(made, 'body', [first, later]), [first])
})

describe('a rule', () => {
  test('is named in records as in a configuration', () => {
    const rule: RetentionRule = { what: 'records', ageSeconds: day, count: 5, bytes: 9, topic: 'a/#' }
    assert.equal(retentionText(rule), 'notary_retention records age 86400s count 5 size 9 topic a/#')
    assert.equal(retentionText({ what: 'bodies', count: 0 }), 'notary_retention bodies count 0')
  })
  const wrong = {
    'without a limit': { what: 'bodies', topic: 'a' },
    'of something else': { what: 'leaves', count: 1 },
    'with an age of 0': { what: 'bodies', ageSeconds: 0 },
    'with half a record': { what: 'bodies', count: 0.5 },
    'with a negative size': { what: 'bodies', bytes: -1 },
    'for no topic filter': { what: 'bodies', count: 1, topic: 'a/#/b' },
  }
  for (const [name, rule] of Object.entries(wrong)) {
    test(`${name} is refused`, () => assert.notEqual(faultOfRetentionRule(rule as RetentionRule), undefined))
  }
  test('with each limit alone is admitted', () => {
    for (const limit of [{ ageSeconds: 1 }, { count: 0 }, { bytes: 0 }]) {
      assert.equal(faultOfRetentionRule({ what: 'bodies', ...limit }), undefined)
    }
  })
})
