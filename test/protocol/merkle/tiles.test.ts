import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { entriesPath, hashesAtLevel, tilePath, tilesOf } from '../../../protocol/index.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'

const paths = (size: number, since?: number) => [...tilesOf(size, since)].map(tilePath)

test('names tiles as C2SP tlog-tiles does: groups of three digits, all but the last with an x', () => {
  assert.equal(tilePath({ level: 0, index: 0, width: 256 }), 'tile/0/000')
  assert.equal(tilePath({ level: 1, index: 67, width: 256 }), 'tile/1/067')
  assert.equal(tilePath({ level: 0, index: 999, width: 256 }), 'tile/0/999')
  assert.equal(tilePath({ level: 0, index: 1000, width: 256 }), 'tile/0/x001/000')
  assert.equal(tilePath({ level: 0, index: 1_234_067, width: 256 }), 'tile/0/x001/x234/067')
  assert.equal(tilePath({ level: 2, index: 1_234_067, width: 1 }), 'tile/2/x001/x234/067.p/1')
  assert.equal(entriesPath({ index: 1_234_067, width: 256 }), 'tile/entries/x001/x234/067')
  assert.equal(entriesPath({ index: 273, width: 112 }), 'tile/entries/273.p/112')
})

test('a tree has no tiles when it is empty, partial ones at the right edge only, and none of width 0', () => {
  assert.deepEqual(paths(0), [])
  assert.deepEqual(paths(1), ['tile/0/000.p/1'])
  assert.deepEqual(paths(255), ['tile/0/000.p/255'])
  assert.deepEqual(paths(256), ['tile/0/000', 'tile/1/000.p/1'])
  assert.deepEqual(paths(513), ['tile/0/000', 'tile/0/001', 'tile/0/002.p/1', 'tile/1/000.p/2'])
})

test('a tree of 70000 leaves, the example of the specification: 273 full tiles, one of 112, one full and one of 17, one of 1', () => {
  const all = paths(70_000)
  assert.equal(all.length, 277)
  assert.deepEqual(all.slice(272), [
    'tile/0/272',
    'tile/0/273.p/112',
    'tile/1/000',
    'tile/1/001.p/17',
    'tile/2/000.p/1',
  ])
})

test('since an older tree there are new exactly the tiles that it had not, or not in this width', () => {
  const sizes = fc.integer({ min: 0, max: 140_000 })
  fc.assert(
    fc.property(sizes, sizes, (a, b) => {
      const [older, newer] = [Math.min(a, b), Math.max(a, b)]
      const known = new Set(paths(older))
      assert.deepEqual(
        paths(newer, older),
        paths(newer).filter((path) => !known.has(path)),
      )
    }),
    { seed: fcSeed, numRuns: 60 },
  )
})

test('the tiles of a level hold all hashes of the level, once and in order', () => {
  const size = fc.integer({ min: 1, max: 300_000 })
  fc.assert(
    fc.property(size, (treeSize) => {
      const all = [...tilesOf(treeSize)]
      for (const level of [0, 1, 2]) {
        const tiles = all.filter((tile) => tile.level === level)
        const held = tiles.map(({ index, width }) => [index, width])
        const count = hashesAtLevel(treeSize, level)
        const expected = tiles.map((_, index) => [index, Math.min(256, count - 256 * index)])
        assert.deepEqual(held, expected)
        assert.equal(
          tiles.reduce((sum, { width }) => sum + width, 0),
          count,
        )
      }
      assert.ok(all.every(({ level }) => level <= 2))
    }),
    { seed: fcSeed, numRuns: 30 },
  )
})
