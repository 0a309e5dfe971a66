import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AuditChain, LevelAuditStore, nativeCrypto, openStoreDatabase, verifyStore } from '../../plugins/index.ts'
import { decodeBlock, inclusionProof, leafHash, verifyInclusion } from '../../protocol/index.ts'
import { fillChain } from '../../scripts/chain/fill-chain.ts'
import { measureLargeChain } from '../../scripts/chain/large-chain.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

const records = 100_000

test('a chain of 100,000 records is filled, opened again and proved, and verifies', async (t) => {
  const location = temporaryDirectory(t)
  const intervals: number[] = []
  const report = await measureLargeChain({
    location,
    records,
    perInterval: records / 4,
    perCommit: 300,
    proofs: 50,
    queries: 5,
    onInterval: ({ records: durable }) => intervals.push(durable),
  })
  assert.equal(intervals.at(-1), records)
  assert.equal(intervals.length, 4)
  // A record, its salt and leaf, and what LevelDB and the tiles add; random bodies do not compress. Twice that while a
  // file of LevelDB that was merged into another one is still there.
  assert.ok(report.diskBytesPerRecord > 300 && report.diskBytesPerRecord < 1000, `${report.diskBytesPerRecord} bytes`)
  const { coldProofMs, warmProofMs, receiptMs, firstPageMs } = report
  const percentiles = [coldProofMs, warmProofMs, receiptMs, ...Object.values(firstPageMs)].map(({ p99 }) => p99)
  const { restartMs, endToStart, indexedPerSecond, verifiedPerSecond } = report
  for (const time of [restartMs, endToStart, indexedPerSecond, verifiedPerSecond, ...percentiles]) {
    assert.ok(Number.isFinite(time) && time > 0)
  }
  const chain = await AuditChain.open({ location })
  const { frontier } = chain.state
  assert.equal(frontier.size, records + 1)
  for (const index of [0, 255, 256, 65_535, 65_536, records]) {
    const proof = await inclusionProof(index, frontier.size, chain.newTileReader().read, nativeCrypto)
    const { firstIndex = 0, encoded } = (await chain.store.blockAt(index)) ?? {}
    const leaf = encoded && decodeBlock(encoded).entries[index - firstIndex]?.leaf
    verifyInclusion(proof, leafHash(leaf ?? new Uint8Array(0), nativeCrypto), frontier.root(), nativeCrypto)
  }
  await chain.close()
  const database = await openStoreDatabase(location, false)
  const { ok, checked } = await verifyStore({ store: new LevelAuditStore(database) })
  assert.deepEqual([ok, checked], [true, records + 1])
  await database.close()
})

test('a group commit has as many records as it is to have', async (t) => {
  const location = temporaryDirectory(t)
  const chain = await AuditChain.open({ location })
  await fillChain(chain, { records: 1050, perCommit: 100 })
  await chain.close()
  const database = await openStoreDatabase(location, false)
  const begins: number[] = []
  for await (const { firstIndex } of new LevelAuditStore(database).blocks()) begins.push(firstIndex)
  await database.close()
  assert.deepEqual(begins, [0, ...Array.from({ length: 11 }, (_, i) => 1 + i * 100)])
})
