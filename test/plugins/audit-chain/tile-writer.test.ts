import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TileTable } from '../../../plugins/audit-chain/tile-table.ts'
import { TileWriter } from '../../../plugins/audit-chain/tile-writer.ts'
import { nativeCrypto, openStoreDatabase, type StoreDatabase } from '../../../plugins/index.ts'
import { Frontier, toHex } from '../../../protocol/index.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { NaiveTree, numberedLeafHashes } from '../../helpers/naive-tree.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { readTesseraLeafHashes, readTesseraTile } from '../../helpers/tessera.ts'
import { tileKey } from '../../helpers/tiled-chain.ts'

const tree = new NaiveTree(numberedLeafHashes(66_200))

async function emptyTable(t: Parameters<typeof temporaryDirectory>[0]): Promise<[TileTable, StoreDatabase]> {
  const database = await openStoreDatabase(temporaryDirectory(t))
  atEnd(t, () => database.close())
  return [new TileTable(database), database]
}

test('whatever the sizes of the commits, every full tile is written once and the partial ones are never', async (t) => {
  const [table] = await emptyTable(t)
  const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 700 }), fc.constantFrom(255, 256, 257)), { maxLength: 9 })
  await fc.assert(
    fc.property(sizes, (commits) => {
      const writer = new TileWriter(table)
      const frontier = new Frontier(nativeCrypto)
      const written: string[] = []
      for (const count of commits) {
        const first = frontier.size
        const growth = frontier.grow(tree.leafHashes.slice(first, first + count))
        for (const operation of writer.append(first, growth)) written.push(describe(operation))
      }
      const expected = Array.from({ length: Math.floor(frontier.size / 256) }, (_, index) =>
        describe({ key: tileKey(0, index), value: tree.tile({ level: 0, index, width: 256 }) }),
      )
      assert.deepEqual(written, expected)
    }),
    { seed: fcSeed, numRuns: 40 },
  )
})

test('a commit that completes tiles of three levels writes all of them', async (t) => {
  const [table] = await emptyTable(t)
  const writer = new TileWriter(table)
  const frontier = new Frontier(nativeCrypto)
  assert.equal(writer.append(0, frontier.grow(tree.leafHashes.slice(0, 65_535))).length, 255)
  const last = writer.append(65_535, frontier.grow(tree.leafHashes.slice(65_535))).map(describe)
  assert.deepEqual(last, [
    describe({ key: tileKey(0, 255), value: tree.tile({ level: 0, index: 255, width: 256 }) }),
    describe({ key: tileKey(1, 0), value: tree.tile({ level: 1, index: 0, width: 256 }) }),
    describe({ key: tileKey(0, 256), value: tree.tile({ level: 0, index: 256, width: 256 }) }),
    describe({ key: tileKey(0, 257), value: tree.tile({ level: 0, index: 257, width: 256 }) }),
  ])
  for (const [level, index, width] of [
    [0, 258, 152],
    [1, 1, 2],
    [2, 0, 1],
  ] as const) {
    const hashes = writer.inMemory({ level, index })
    assert.equal(toHex(hashes ?? assert.fail()), toHex(tree.tile({ level, index, width })))
  }
})

test('full tiles stay in memory until the next commit but one, when their batch is durable; the right edge always', async (t) => {
  const [table] = await emptyTable(t)
  const writer = new TileWriter(table)
  const frontier = new Frontier(nativeCrypto)
  writer.append(0, frontier.grow(tree.leafHashes.slice(0, 300)))
  assert.equal(writer.inMemory({ level: 0, index: 0 })?.length, 8192)
  writer.append(300, frontier.grow(tree.leafHashes.slice(300, 301)))
  assert.equal(writer.inMemory({ level: 0, index: 0 })?.length, 8192)
  writer.append(301, frontier.grow(tree.leafHashes.slice(301, 302)))
  assert.equal(writer.inMemory({ level: 0, index: 0 }), undefined)
  assert.equal(writer.inMemory({ level: 0, index: 1 })?.length, 46 * 32)
  for (const [level, index] of [
    [0, 2],
    [1, 1],
    [2, 0],
  ] as const) {
    assert.throws(() => writer.inMemory({ level, index }), RangeError)
  }
})

test('leaves that do not follow those that are there are refused', async (t) => {
  const [table] = await emptyTable(t)
  const writer = new TileWriter(table)
  const frontier = new Frontier(nativeCrypto)
  const growth = frontier.grow(tree.leafHashes.slice(0, 3))
  assert.throws(() => writer.append(1, growth), RangeError)
  writer.append(0, growth)
  assert.throws(() => writer.append(0, growth), RangeError)
})

test('the tiles of Tessera come out byte for byte, at every size', async (t) => {
  const [table] = await emptyTable(t)
  const writer = new TileWriter(table)
  const frontier = new Frontier(nativeCrypto)
  const leafHashes = readTesseraLeafHashes(15)
  for (const [i, hash] of leafHashes.entries()) {
    writer.append(i, frontier.grow([hash]))
    const hashes = writer.inMemory({ level: 0, index: 0 })
    assert.equal(toHex(hashes ?? assert.fail()), toHex(readTesseraTile({ level: 0, index: 0, width: i + 1 })))
  }
})

function describe(operation: { readonly key: Uint8Array; readonly value?: Uint8Array }): string {
  return `${toHex(operation.key)} ${toHex(operation.value ?? new Uint8Array(0))}`
}
