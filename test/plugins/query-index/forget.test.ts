import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Retention, type RetentionOptions, storeSublevel } from '../../../plugins/index.ts'
import { Pace } from '../../../plugins/pace.ts'
import { Eraser } from '../../../plugins/retention/eraser.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { IndexedChain, publishRecord } from '../../helpers/indexed-chain.ts'

const admin = { clientId: 'admin', auth: 'none' } as const
const request = { what: 'records', fromIndex: 0, toIndex: 1000, reason: 'asked for' } as const
const segmentRecords = 16

function retentionOf(t: TestContext, made: IndexedChain, more: Partial<RetentionOptions> = {}): Retention {
  const retention = new Retention({
    chain: made.chain,
    rules: () => [],
    pins: async () => ({ indexes: new Set<number>(), below: made.chain.nextIndex }),
    forgetRecords: (ranges) => made.index.forget(ranges),
    now: () => made.clock.timeMs,
    onError: (error) => assert.fail(String(error)),
    ...more,
  })
  atEnd(t, () => retention.stop())
  return retention
}

/** Whether a text stands in any file of the store; the terms of an index are not compressed beyond recognition. */
function holds({ location }: IndexedChain, text: string): boolean {
  const directory = join(location, 'store')
  return readdirSync(directory).some((name) => readFileSync(join(directory, name)).includes(text))
}

/** Long and random, so that no file has it in pieces. */
const name = (what: string) => `${what}-${randomBytes(32).toString('hex')}`

/** Full segments, with one record of a client in the second one. */
async function withClient(t: TestContext, clientId: string, topic: string): Promise<IndexedChain> {
  const made = await IndexedChain.open(t, { segmentRecords })
  await made.append(Array.from({ length: 24 }, () => publishRecord('t', 'other')))
  await made.append([publishRecord(topic, clientId)])
  await made.append(Array.from({ length: 30 }, () => publishRecord('t', 'other')))
  return made
}

test('what the index has of erased records is in no file of the store any more, and it is built again without', async (t) => {
  const [clientId, topic] = [name('client'), name('topic')]
  const made = await withClient(t, clientId, topic)
  await made.buildAll()
  assert.deepEqual(await made.found({ clientId }), [25])
  assert.ok(holds(made, clientId) && holds(made, topic))
  await retentionOf(t, made).erase({ ...request, clientId }, admin, false)
  for (const text of [clientId, topic]) assert.equal(holds(made, text), false)
  assert.equal(made.index.backlog, 1, 'the others stay')
  await made.buildAll()
  for (const text of [clientId, topic]) assert.equal(holds(made, text), false)
  assert.deepEqual([await made.found({ clientId }), made.errors], [[], []])
  assert.deepEqual(await made.found({ clientId: 'other' }), await made.found({ clientId: 'other' }, undefined))
})

for (const isBegun of [false, true]) {
  const when = isBegun ? 'was taken into a segment that is not full' : 'is still in memory'
  test(`what ${when} when it is erased comes into no index`, async (t) => {
    const clientId = name('client')
    const made = await IndexedChain.open(t, { segmentRecords })
    await made.append([publishRecord('t', 'other'), publishRecord('t', clientId)])
    if (isBegun) await made.buildAll()
    await retentionOf(t, made).erase({ ...request, clientId }, admin, false)
    await made.append(Array.from({ length: segmentRecords }, () => publishRecord('t', 'other')))
    await made.buildAll()
    assert.equal(made.index.backlog, 0)
    assert.equal(holds(made, clientId), false)
    assert.deepEqual(await made.found({ clientId: 'other' }), await made.found({ clientId: 'other' }, undefined))
  })
}

test('an index that was built again before keeps no older copy', async (t) => {
  const clientId = name('client')
  const made = await withClient(t, clientId, 't')
  for (let i = 0; i < 3; i++) {
    await made.index.clear()
    await made.buildAll()
  }
  await retentionOf(t, made).erase({ ...request, clientId }, admin, false)
  assert.equal(holds(made, clientId), false)
})

test('a segment that is being built while its records are erased is not written', async (t) => {
  const clientId = name('client')
  const made = await withClient(t, clientId, 't')
  const retention = retentionOf(t, made)
  let rests = 0
  const pace = new Pace(0, async () => {
    // The second segment, right behind the record, which is the 26th.
    if (++rests === 27) await retention.erase({ ...request, clientId }, admin, false)
  })
  while (await made.index.buildNext(pace)) {
    // The next one.
  }
  assert.ok(rests > 27)
  assert.deepEqual([made.index.backlog, await made.found({ clientId })], [0, []])
  assert.equal(holds(made, clientId), false)
})

test('an erasure is not done before the index has forgotten: a crash between is made up for', async (t) => {
  const clientId = name('client')
  const made = await withClient(t, clientId, 't')
  await made.buildAll()
  const crash = () => Promise.reject(new Error('crashed'))
  const erasing = retentionOf(t, made, { forgetRecords: crash }).erase({ ...request, clientId }, admin, false)
  await assert.rejects(erasing, { message: 'crashed' })
  assert.ok(holds(made, clientId))
  await made.chain.close()
  const again = await IndexedChain.open(t, { segmentRecords, location: made.location })
  assert.equal((await storeSublevel(again.chain.database, 'erasures').keys().all()).length, 1, 'it is still to be done')
  await retentionOf(t, again).run()
  assert.equal(holds(again, clientId), false)
  assert.deepEqual(await storeSublevel(again.chain.database, 'erasures').keys().all(), [])
})

test('payloads are not in the index: it stays as it is when they are erased', async (t) => {
  const made = await withClient(t, 'one', 't')
  await made.buildAll()
  const eraser = new Eraser(made.chain, () => assert.fail('nothing is to be forgotten'))
  await eraser.announce({ what: 'bodies', ranges: [[1, 2]], reason: 'test', seqs: [] }, admin)
  await eraser.finish(() => false)
  assert.equal(made.index.backlog, 0)
})
