import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { encodeIndex } from '../../../plugins/audit-chain/index.ts'
import { type DamageAlarm, Scrubber } from '../../../plugins/index.ts'
import { decodeBlock, eraseFrom, RangeSet } from '../../../protocol/index.ts'
import { BlockTable, flip, tamper } from '../../helpers/tampering.ts'
import { ErasableChain } from '../retention/test-chain.ts'

const admin = { clientId: 'admin', auth: 'none' } as const

/** Ten publishes in blocks of their own on topics a and b by turns, from index 2 on; those on a are erased. */
async function erased(t: TestContext, what: 'bodies' | 'records'): Promise<ErasableChain> {
  const made = await ErasableChain.open(t)
  for (let i = 0; i < 10; i++) await made.publish(i % 2 === 0 ? 'a' : 'b')
  const request = { what, topic: 'a', fromIndex: 0, toIndex: 100, reason: 'asked for' }
  const { records } = await made.retention(t).erase(request, admin, false)
  assert.equal(records, 5)
  return made
}

/** What one pass finds. */
async function scrub({ chain }: ErasableChain): Promise<readonly unknown[]> {
  const alarms: DamageAlarm[] = []
  let onPass = () => {}
  let onError = (_error: unknown) => {}
  const passed = new Promise<void>((resolve, reject) => {
    onPass = resolve
    onError = reject
  })
  const scrubber = await Scrubber.open({
    chain,
    perSecond: () => 1_000_000,
    onDamage: (alarm) => alarms.push(alarm),
    onPass,
    onError,
  })
  scrubber.start()
  await passed.finally(() => scrubber.stop())
  return alarms.map(({ cause, firstIndex, lastIndex }) => [cause, firstIndex, lastIndex])
}

/** Closes the chain, changes a block behind its back, and opens it again. */
async function afterChange(
  t: TestContext,
  made: ErasableChain,
  change: Parameters<typeof tamper>[1],
): Promise<ErasableChain> {
  await made.chain.close()
  await tamper(made.location, change)
  return ErasableChain.open(t, made.location)
}

/** Takes out of the block at an index what no record announces. */
function take(what: 'bodies' | 'records', index: number): Parameters<typeof tamper>[1] {
  return async (table) => {
    const block = decodeBlock(await table.get(index))
    const value = eraseFrom(block, what, new RangeSet([[index, index]])) ?? assert.fail('nothing to take')
    await table.put(index, value)
  }
}

for (const what of ['bodies', 'records'] as const) {
  test(`${what} that an erasure announces are no damage`, async (t) => {
    assert.deepEqual(await scrub(await erased(t, what)), [])
  })

  test(`${what} that an erasure announces are no damage after a start`, async (t) => {
    const again = await afterChange(t, await erased(t, what), async () => {})
    assert.deepEqual(await scrub(again), [])
  })

  test(`${what} that are gone unannounced are damage, beside others that are announced`, async (t) => {
    const again = await afterChange(t, await erased(t, what), take(what, 5))
    assert.deepEqual(await scrub(again), [['erased-unannounced', 5, 5]])
  })
}

test('a record that is gone where only its payload was announced is damage', async (t) => {
  const again = await afterChange(t, await erased(t, 'bodies'), take('records', 4))
  assert.deepEqual(await scrub(again), [['erased-unannounced', 4, 4]])
})

test('records erased after their payloads are announced twice, and no damage', async (t) => {
  const made = await erased(t, 'bodies')
  const request = { what: 'records', topic: 'a', fromIndex: 0, toIndex: 4, reason: 'more' } as const
  assert.equal((await made.retention(t).erase(request, admin, false)).records, 2)
  assert.deepEqual(await scrub(made), [])
})

test('a leaf of an erased record that was altered is damage', async (t) => {
  const made = await erased(t, 'records')
  // Of a running broker: a start would refuse it.
  const table = await BlockTable.of(made.chain.database)
  await table.alter(4, ({ entries }) => flip(entries[0]?.leaf, -1))
  const [first] = await scrub(made)
  assert.deepEqual(first, ['root-mismatch', 4, 4])
})

test('a mark excuses nothing that the erasure record does not say', async (t) => {
  const made = await erased(t, 'bodies')
  const announcedAt = 12
  const again = await afterChange(t, made, take('bodies', 5))
  const marks = again.chain.database.sublevel<Uint8Array, Uint8Array>('erased', {
    keyEncoding: 'view',
    valueEncoding: 'view',
  })
  assert.deepEqual(await marks.get(encodeIndex(4)), Buffer.from(encodeIndex(announcedAt)), 'as it is written')
  // That erasure names another index; at 7 stands a publish, above 100 nothing.
  await marks.put(encodeIndex(5), Buffer.concat([announcedAt, 7, 100].map(encodeIndex)))
  assert.deepEqual(await scrub(again), [['erased-unannounced', 5, 5]])
})

test('an erasure record that was altered excuses nothing', async (t) => {
  const again = await afterChange(t, await erased(t, 'bodies'), (table) =>
    // The reason in the record, which is the last of its text.
    table.alter(12, ({ entries }) => flip(entries[0]?.record, Buffer.from(entries[0]?.record ?? []).indexOf('asked'))),
  )
  const places = [2, 4, 6, 8, 10].map((index) => ['erased-unannounced', index, index])
  assert.deepEqual(await scrub(again), [...places, ['record-mismatch', 12, 12]])
})
