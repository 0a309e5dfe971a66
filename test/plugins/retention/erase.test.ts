import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { blocksSublevel, encodeIndex, readBlock, readEntry } from '../../../plugins/audit-chain/index.ts'
import {
  AuditChain,
  LevelAuditStore,
  openStoreDatabase,
  type StoreDatabase,
  storeSublevel,
  verifyStore,
} from '../../../plugins/index.ts'
import { Eraser } from '../../../plugins/retention/eraser.ts'
import { decodeBlock, decodeRecord, eraseFrom, parseErasure, RangeSet } from '../../../protocol/index.ts'
import { kept } from '../../helpers/faults.ts'
import { ErasableChain } from './test-chain.ts'

const admin = { clientId: 'admin', username: 'ann', auth: 'password' } as const
const everywhere = { fromIndex: 0, toIndex: Number.MAX_SAFE_INTEGER - 1, reason: 'asked for' }

test('payloads that were erased are in no file of the store any more, and the chain verifies', async (t) => {
  const made = await ErasableChain.open(t)
  const [secret, other] = [randomBytes(64), randomBytes(64)]
  const index = await made.publish('a/b', secret)
  await made.publish('c', other)
  assert.ok(made.holds(secret), 'it was there')
  const outcome = await made.retention(t).erase({ ...everywhere, what: 'bodies', topic: 'a/#' }, admin, false)
  assert.deepEqual(outcome, { records: 1, bytes: 64, pinned: 0, ranges: [[index, index]], announcedAt: [index + 2] })
  assert.equal(made.holds(secret), false)
  assert.ok(made.holds(other))
  const verified = await verifyStore({ store: made.chain.store })
  assert.deepEqual(verified, { ok: true, checked: index + 3, signatures: 0, erased: { bodies: 1, records: 0 } })
})

test('records that were erased are in no file any more, with their salts; of the leaf everything is there', async (t) => {
  const made = await ErasableChain.open(t)
  const index = await made.publish('a', randomBytes(64), 'somebody-17')
  const before = kept(await readEntry(made.chain.store, index))
  assert.ok(made.holds(before.salt) && made.holds(Buffer.from('somebody-17')))
  await made.retention(t).erase({ ...everywhere, what: 'records', clientId: 'somebody-17' }, admin, false)
  for (const bytes of [before.salt, before.record, Buffer.from('somebody-17')]) assert.equal(made.holds(bytes), false)
  assert.deepEqual(await readEntry(made.chain.store, index), {
    leaf: before.leaf,
    salt: undefined,
    record: undefined,
    body: undefined,
  })
  assert.equal((await verifyStore({ store: made.chain.store })).ok, true)
})

test('an erasure says who asked for it, and why', async (t) => {
  const made = await ErasableChain.open(t)
  const index = await made.publish('a')
  const { announcedAt } = await made.retention(t).erase({ ...everywhere, what: 'bodies', topic: 'a' }, admin, false)
  const record = decodeRecord(kept(await readEntry(made.chain.store, announcedAt[0] ?? assert.fail())).record)
  assert.deepEqual([record.clientId, record.username, record.auth], ['admin', 'ann', 'password'])
  assert.deepEqual(parseErasure(record), { what: 'bodies', ranges: [[index, index]], reason: 'asked for', seqs: [] })
})

test('a dry run says what would be erased, and erases nothing', async (t) => {
  const made = await ErasableChain.open(t)
  const index = await made.publish('a')
  const size = made.chain.nextIndex
  const outcome = await made.retention(t).erase({ ...everywhere, what: 'bodies', topic: 'a' }, admin, true)
  assert.deepEqual(outcome, { records: 1, bytes: 100, pinned: 0, ranges: [[index, index]], announcedAt: [] })
  assert.equal(made.chain.nextIndex, size)
  assert.equal(kept(await readEntry(made.chain.store, index)).body?.length, 100)
})

test('what is still to be delivered stays, and is counted', async (t) => {
  const made = await ErasableChain.open(t)
  const [first, second] = [await made.publish('a'), await made.publish('a')]
  const retention = made.retention(t, {}, [first])
  const outcome = await retention.erase({ ...everywhere, what: 'records', topic: 'a' }, admin, false)
  assert.deepEqual([outcome.records, outcome.pinned, outcome.ranges], [1, 1, [[second, second]]])
  assert.notEqual((await readEntry(made.chain.store, first))?.record, undefined)
})

test('genesis, keys, configurations, reuses and erasures stay when everything is erased', async (t) => {
  const made = await ErasableChain.open(t)
  const [first, last] = [await made.publish('a'), await made.publishSigned(7)]
  const retention = made.retention(t)
  await retention.erase({ ...everywhere, what: 'bodies' }, admin, false)
  const { ranges } = await retention.erase({ ...everywhere, what: 'records' }, admin, false)
  assert.deepEqual(ranges, [[first, last]])
  const left: string[] = []
  for (let index = 0; index < made.chain.nextIndex; index++) {
    const entry = await readEntry(made.chain.store, index)
    left.push(entry?.record === undefined ? 'gone' : decodeRecord(entry.record).kind)
  }
  assert.deepEqual(left, ['genesis', 'key', 'gone', 'gone', 'erasure', 'erasure'])
})

test('numbers of erased records are too old at once, after a start without snapshot, and for a verifier', async (t) => {
  const made = await ErasableChain.open(t)
  await made.publishSigned(3)
  await made.publishSigned(9)
  await made.publishSigned(4)
  await made.retention(t).erase({ ...everywhere, what: 'records', toIndex: 3 }, admin, false)
  const windowOf = (chain: AuditChain) => chain.registry.named('device')?.window ?? assert.fail()
  const state = (chain: AuditChain) => [windowOf(chain).floor, windowOf(chain).highest, windowOf(chain).isTooOld(4)]
  assert.deepEqual(state(made.chain), [10, 9, true])
  await made.chain.close()
  const again = await AuditChain.open({ location: made.location })
  assert.deepEqual(state(again), [10, 9, true], 'with the snapshot')
  await again.close()
  await withStore(made.location, async () => {})
  const walked = await AuditChain.open({ location: made.location })
  assert.deepEqual(state(walked), [10, 9, true], 'without')
  assert.deepEqual((await verifyStore({ store: walked.store })).erased, { bodies: 0, records: 2 })
  await walked.close()
})

test('an erasure that was announced before a crash is finished after the next start', async (t) => {
  const made = await ErasableChain.open(t)
  const secret = randomBytes(64)
  const index = await made.publish('a', secret)
  const announced = { what: 'bodies', ranges: [[index, index]], reason: 'test', seqs: [] } as const
  await new Eraser(made.chain, async () => {}).announce(announced, admin)
  await made.chain.close()
  const again = await ErasableChain.open(t, made.location)
  assert.ok(again.holds(secret), 'announced, and still there')
  assert.equal((await verifyStore({ store: again.chain.store })).ok, true)
  await again.retention(t).run()
  assert.equal(again.holds(secret), false)
  assert.equal((await verifyStore({ store: again.chain.store })).erased.bodies, 1)
  assert.deepEqual(await storeSublevel(again.chain.database, 'erasures').keys().all(), [], 'nothing is left to do')
})

test('an erasure that is stopped in the middle goes on where it was', async (t) => {
  const made = await ErasableChain.open(t)
  // Slices of one block each: a block is larger than one is meant to be, and stays so without its payloads.
  const long = 'x'.repeat(60_000)
  for (let i = 0; i < 3; i++) {
    await Promise.all(Array.from({ length: 10 }, () => made.publish('a', randomBytes(1000), long)))
  }
  const { store } = made.chain
  const bodiesLeft = async () => {
    let left = 0
    for await (const { encoded } of store.blocks()) {
      left += decodeBlock(encoded).entries.filter(({ body }) => body !== undefined).length
    }
    return left
  }
  const eraser = new Eraser(made.chain, async () => {})
  await eraser.announce({ what: 'bodies', ranges: [[2, 31]], reason: 'test', seqs: [] }, admin)
  let asked = 0
  await eraser.finish(() => ++asked > 1)
  assert.equal(await bodiesLeft(), 20)
  await new Eraser(made.chain, async () => {}).finish(() => false)
  assert.equal(await bodiesLeft(), 0)
  assert.equal((await verifyStore({ store })).erased.bodies, 30)
})

test('a start refuses a chain of which a record is gone that no erasure names', async (t) => {
  const made = await ErasableChain.open(t)
  const index = await made.publish('a')
  await made.chain.close()
  await withStore(made.location, async (database) => {
    const store = new LevelAuditStore(database)
    const block = (await readBlock(store, index)) ?? assert.fail()
    const value = eraseFrom(block, 'records', new RangeSet([[index, index]])) ?? assert.fail()
    await blocksSublevel(database).put(encodeIndex(index), value)
  })
  await assert.rejects(AuditChain.open({ location: made.location }), { code: 'ERR_CHAIN_DAMAGED' })
})

/** Changes the store of a closed chain, which begins without a snapshot afterwards. */
async function withStore(location: string, change: (database: StoreDatabase) => Promise<void>): Promise<void> {
  const database = await openStoreDatabase(location, false)
  await storeSublevel(database, 'snapshot').clear()
  await change(database)
  await database.close()
}
