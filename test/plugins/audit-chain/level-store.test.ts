import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { Level } from 'level'
import { decodeIndex, encodeIndex } from '../../../plugins/audit-chain/level-store.ts'
import { LevelAuditStore, openStoreDatabase, type StoreDatabase } from '../../../plugins/index.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'
import { spawnBroker } from '../../helpers/broker.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

/** Runs with a plain LevelDB where the store would be. */
async function withForeignStore(location: string, use: (database: Level<string, string>) => Promise<unknown>) {
  const database = new Level(join(location, 'store'))
  await database.open()
  await use(database)
  await database.close()
}

async function storeWith(database: StoreDatabase, firstIndexes: readonly number[]): Promise<LevelAuditStore> {
  const store = new LevelAuditStore(database)
  for (const firstIndex of firstIndexes) {
    await store.append(
      { firstIndex, encoded: Buffer.from(`block ${firstIndex}`) },
      Buffer.from(`state ${firstIndex}`),
      [],
    )
  }
  return store
}

async function keysFrom(store: LevelAuditStore, fromIndex?: number): Promise<number[]> {
  const keys: number[] = []
  for await (const { firstIndex, encoded } of store.blocks(fromIndex)) {
    assert.equal(Buffer.from(encoded).toString(), `block ${firstIndex}`)
    keys.push(firstIndex)
  }
  return keys
}

test('a new store gets its format version, and opens again with it', async (t) => {
  const location = join(temporaryDirectory(t), 'new', 'data')
  const first = await openStoreDatabase(location)
  assert.equal(await first.sublevel('meta').get('format'), '2')
  await first.close()
  const second = await openStoreDatabase(location, false)
  await second.close()
})

test('a store of another format version is refused and left as it is', async (t) => {
  const location = temporaryDirectory(t)
  const database = await openStoreDatabase(location)
  await database.close()
  // What an earlier version wrote, whose sessions are not known here, and what a later one may write.
  for (const format of ['1', '3']) {
    await withForeignStore(location, (foreign) => foreign.sublevel('meta').put('format', format))
    await assert.rejects(openStoreDatabase(location), { code: 'ERR_STORE_FORMAT_UNKNOWN' })
    await withForeignStore(location, async (foreign) => {
      assert.equal(await foreign.sublevel('meta').get('format'), format)
    })
  }
})

test("somebody else's LevelDB is refused and left as it is", async (t) => {
  const location = temporaryDirectory(t)
  await withForeignStore(location, (foreign) => foreign.put('theirs', 'value'))
  await assert.rejects(openStoreDatabase(location), { code: 'ERR_STORE_FORMAT_UNKNOWN' })
  await withForeignStore(location, async (foreign) => assert.deepEqual(await foreign.keys().all(), ['theirs']))
})

test('a store that is not there is not made when nobody asked for it', async (t) => {
  const location = join(temporaryDirectory(t), 'nothing')
  await assert.rejects(openStoreDatabase(location, false), { code: 'ERR_STORE_NOT_FOUND' })
  assert.equal(existsSync(location), false)
  mkdirSync(join(location, 'store'), { recursive: true })
  await assert.rejects(openStoreDatabase(location, false), { code: 'ERR_STORE_NOT_FOUND' })
  assert.deepEqual(readdirSync(join(location, 'store')), [])
})

test('a store whose files are damaged is refused', async (t) => {
  const location = temporaryDirectory(t)
  const database = await openStoreDatabase(location)
  await database.close()
  writeFileSync(join(location, 'store', 'CURRENT'), 'MANIFEST-999999\n')
  await assert.rejects(openStoreDatabase(location), { code: 'ERR_STORE_FAILED' })
})

test('a second opener is refused, in this process and in another one', async (t) => {
  const location = temporaryDirectory(t)
  const broker = await spawnBroker(t, { location })
  await assert.rejects(openStoreDatabase(location), { code: 'ERR_STORE_LOCKED' })
  await assert.rejects(spawnBroker(t, { location }), { message: /ended with 1 .*Error: ERR_STORE_LOCKED: /s })
  assert.equal(broker.child.exitCode, null)
  assert.equal(await broker.stop(), 0)
  const database = await openStoreDatabase(location, false)
  await assert.rejects(openStoreDatabase(location), { code: 'ERR_STORE_LOCKED' })
  await database.close()
})

test('the block of an index is the last one that begins at or before it', async (t) => {
  const database = await openStoreDatabase(temporaryDirectory(t))
  const store = await storeWith(database, [0, 1, 7, 300, 65_536])
  const found = async (index: number) => (await store.blockAt(index))?.firstIndex
  for (const [index, firstIndex] of [
    [0, 0],
    [1, 1],
    [6, 1],
    [7, 7],
    [299, 7],
    [300, 300],
    [65_535, 300],
    [65_536, 65_536],
    [Number.MAX_SAFE_INTEGER, 65_536],
  ] as const) {
    assert.equal(await found(index), firstIndex, `index ${index}`)
  }
  await database.close()
})

test('a walk begins at the block that holds the index, or at the first', async (t) => {
  const database = await openStoreDatabase(temporaryDirectory(t))
  const store = await storeWith(database, [0, 1, 7, 300])
  assert.deepEqual(await keysFrom(store), [0, 1, 7, 300])
  assert.deepEqual(await keysFrom(store, 0), [0, 1, 7, 300])
  assert.deepEqual(await keysFrom(store, 6), [1, 7, 300])
  assert.deepEqual(await keysFrom(store, 7), [7, 300])
  assert.deepEqual(await keysFrom(store, 5000), [300])
  await database.close()
})

test('blocks downwards begin with the one that holds the index, as many as are asked for', async (t) => {
  const database = await openStoreDatabase(temporaryDirectory(t))
  const store = await storeWith(database, [0, 5, 9, 300])
  const upTo = async (index: number, count: number) => {
    return (await store.blocksUpTo(index, count, 1e6)).map(({ firstIndex }) => firstIndex)
  }
  assert.deepEqual(await upTo(299, 10), [9, 5, 0])
  assert.deepEqual(await upTo(300, 2), [300, 9])
  assert.deepEqual(await upTo(4, 1), [0])
  await database.close()
})

test('an empty store has neither state nor blocks', async (t) => {
  const database = await openStoreDatabase(temporaryDirectory(t))
  const store = new LevelAuditStore(database)
  assert.deepEqual([await store.readState(), await store.blockAt(0), await keysFrom(store)], [undefined, undefined, []])
  await database.close()
})

test('a block, the state after it and what belongs to it are there together after the next opening', async (t) => {
  const location = temporaryDirectory(t)
  const first = await openStoreDatabase(location)
  const store = await storeWith(first, [0])
  const also = [{ type: 'put', key: Buffer.from('mark'), value: Buffer.from('set') }] as const
  await store.append({ firstIndex: 1, encoded: Buffer.from('block 1') }, Buffer.from('state 1'), also)
  await first.close()
  const second = await openStoreDatabase(location, false)
  const again = new LevelAuditStore(second)
  assert.deepEqual(await keysFrom(again), [0, 1])
  assert.equal(Buffer.from((await again.readState()) ?? []).toString(), 'state 1')
  assert.equal(Buffer.from((await second.get(Buffer.from('mark'))) ?? []).toString(), 'set')
  await second.close()
})

test('keys sort like the indexes that they encode, and decode to them', () => {
  const index = fc.maxSafeNat()
  const property = fc.property(index, index, (a, b) => {
    assert.equal(decodeIndex(encodeIndex(a)), a)
    assert.equal(Math.sign(Buffer.compare(encodeIndex(a), encodeIndex(b))), Math.sign(a - b))
  })
  fc.assert(property, { seed: fcSeed })
})
