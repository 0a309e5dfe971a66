import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { encodeIndex } from '../../plugins/audit-chain/level-store.ts'
import { readTiles } from '../../plugins/audit-chain/tile-restore.ts'
import { TileWriter } from '../../plugins/audit-chain/tile-writer.ts'
import {
  guardChain,
  LevelAuditStore,
  nativeCrypto,
  openStoreDatabase,
  storeSublevel,
  TileTable,
  verifyStore,
} from '../../plugins/index.ts'
import { decodeBlock, Frontier, KeyRegistry, leafHash } from '../../protocol/index.ts'
import { refusal } from '../helpers/anchored-chain.ts'
import { atEnd } from '../helpers/cleanup.ts'
import { genesis } from '../helpers/golden-chain.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'
import { tileKey } from '../helpers/tiled-chain.ts'
import { announced, erased, erasures } from './tamper-erasure-cases.ts'
import { honest, type Missing, matrix, named, newest, type Tampered } from './tamper-matrix-cases.ts'

/** A store with these blocks, and the tiles of those that they were made from. */
async function storeOf(t: TestContext, { from = honest, blocks = from, tile }: Partial<Tampered>) {
  const database = await openStoreDatabase(temporaryDirectory(t))
  atEnd(t, () => database.close())
  const table = new TileTable(database)
  const store = new LevelAuditStore(database)
  const writer = new TileWriter(table)
  const frontier = new Frontier(nativeCrypto)
  for (const { key, encoded } of from) {
    const leafHashes = decodeBlock(encoded).entries.map(({ leaf }) => leafHash(leaf, nativeCrypto))
    await store.write(writer.append(key, frontier.grow(leafHashes)))
  }
  const encodings = { keyEncoding: 'view', valueEncoding: 'view' } as const
  const chain = database.sublevel<Uint8Array, Uint8Array>('chain', encodings)
  for (const { key, encoded } of blocks) await chain.put(encodeIndex(key), encoded)
  const tiles = database.sublevel<Uint8Array, Uint8Array>('tiles', encodings)
  const hashes = await tiles.get(tileKey(0, 0))
  assert.ok(hashes !== undefined, 'a tile is full')
  const left = tile === undefined ? hashes : tile(hashes)
  if (left === undefined) await tiles.del(tileKey(0, 0))
  else await tiles.put(tileKey(0, 0), left)
  return { database, store, tiles: table }
}

const newestHead = honest.at(-1)?.signed ?? assert.fail('there are blocks')

async function verify(t: TestContext, { head = newestHead, checkpoint = newest, ...cell }: Partial<Tampered>) {
  const { store, tiles } = await storeOf(t, cell)
  const checkpoints = [{ note: checkpoint, place: 'elsewhere' }]
  return verifyStore({ store, tiles, checkpoints, brokerKey: genesis.brokerKey, head })
}

/** Starts on such a chain, when an anchor was once written. @returns why not */
async function refusalOf(t: TestContext, cell: Tampered | Missing): Promise<string> {
  const { database, store, tiles } = await storeOf(t, 'finds' in cell ? cell : {})
  const place = 'elsewhere'
  const note = 'finds' in cell ? (cell.checkpoint ?? newest) : undefined
  await storeSublevel(database, 'anchored').put(Buffer.from(place), new Uint8Array(0))
  const registry = new KeyRegistry(nativeCrypto)
  registry.begin(named)
  const frontier = new Frontier(nativeCrypto)
  for await (const { encoded } of store.blocks()) {
    frontier.grow(decodeBlock(encoded).entries.map(({ leaf }) => leafHash(leaf, nativeCrypto)))
  }
  const found = {
    database,
    registry,
    genesis: named,
    treeSize: frontier.size,
    tiles: await readTiles({ store, table: tiles, frontier, crypto: nativeCrypto }),
  }
  const source = { place, read: async () => (note === undefined ? undefined : { note }) }
  return (await refusal(guardChain(found, [source]))).code
}

for (const [attack, row] of Object.entries(matrix)) {
  for (const [target, cell] of Object.entries(row)) {
    if (typeof cell === 'string') continue
    if (cell.refuses !== undefined) {
      test(`${attack} x ${target} stops a start that asks who kept a checkpoint`, async (t) => {
        assert.equal(await refusalOf(t, cell), cell.refuses)
      })
    }
    if (!('finds' in cell)) continue
    test(`${attack} x ${target} is found and located, and what else it touches is counted`, async (t) => {
      const result = await verify(t, cell)
      const { firstBad, bad, ok } = result
      assert.deepEqual([firstBad?.cause, firstBad?.block, firstBad?.index, bad], cell.finds, JSON.stringify(result))
      assert.equal(ok, false)
    })
  }
}

test('without an attack nothing is found', async (t) => {
  const result = await verify(t, {})
  assert.deepEqual(result, { ok: true, checked: 314, signatures: 1, erased: { bodies: 0, records: 0 } })
})

for (const what of ['bodies', 'records'] as const) {
  test(`${what} erased and announced verify, and are counted`, async (t) => {
    const result = await verifyStore({
      ...(await storeOf(t, { from: announced(what), blocks: erased(what, announced(what)) })),
      brokerKey: genesis.brokerKey,
      head: announced(what).at(-1)?.signed ?? assert.fail('there are blocks'),
    })
    const counts = { bodies: 0, records: 0, [what]: 5 }
    assert.deepEqual(result, { ok: true, checked: 315, signatures: 1, erased: counts })
  })

  for (const [name, { from, blocks, finds, counted }] of Object.entries(erasures(what))) {
    test(`${what} erased, ${name}: is found and located, and told apart from what was announced`, async (t) => {
      const { store, tiles } = await storeOf(t, { from, blocks })
      const kept = from.at(-1)?.signed ?? assert.fail('there are blocks')
      const result = await verifyStore({ store, tiles, brokerKey: genesis.brokerKey, head: kept })
      const { firstBad, bad, ok } = result
      assert.deepEqual([firstBad?.cause, firstBad?.block, firstBad?.index, bad], finds, JSON.stringify(result))
      assert.deepEqual([ok, result.erased], [false, { bodies: 0, records: 0, [what]: counted }])
    })
  }
}
