import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { TileReader } from '../../../plugins/audit-chain/tile-reader.ts'
import { openTiles, rebuildTiles, restoreTiles } from '../../../plugins/audit-chain/tile-restore.ts'
import { nativeCrypto, type PluginError } from '../../../plugins/index.ts'
import { encodeChainState, hashesAtLevel, inclusionProof, toHex } from '../../../protocol/index.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'
import { NaiveTree } from '../../helpers/naive-tree.ts'
import { flip, tamper } from '../../helpers/tampering.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { TiledChain } from '../../helpers/tiled-chain.ts'

const crypto = nativeCrypto
const damaged = { code: 'ERR_CHAIN_DAMAGED' }

/** What a process that ends now leaves behind; only the lock is the one of the living. */
function killed(t: TestContext, location: string): Promise<TiledChain> {
  const copy = join(temporaryDirectory(t), 'data')
  cpSync(location, copy, { recursive: true, filter: (path) => !path.endsWith('LOCK') })
  return TiledChain.open(t, copy)
}

/** Checks the right edge that a start made, and a proof that takes tiles of all levels. */
async function checkTiles(chain: TiledChain): Promise<void> {
  const tree = new NaiveTree(chain.leafHashes)
  const { size } = chain.state.frontier
  for (let level = 0; hashesAtLevel(size, level) > 0; level++) {
    const count = hashesAtLevel(size, level)
    const index = Math.floor(count / 256)
    const edge = chain.writer.inMemory({ level, index })
    assert.equal(toHex(edge ?? assert.fail()), toHex(tree.tile({ level, index, width: count % 256 })), `level ${level}`)
  }
  if (size === 0) return
  const { read } = new TileReader({ table: chain.table, writer: chain.writer, crypto })
  const { path } = await inclusionProof(Math.floor(size / 3), size, read, crypto)
  assert.deepEqual(path.map(toHex), tree.inclusion(Math.floor(size / 3), size).map(toHex))
}

test('a start makes the right edge again whatever was committed, and goes on from there', async (t) => {
  const commits = fc.array(fc.oneof(fc.integer({ min: 1, max: 600 }), fc.constantFrom(255, 256, 257)), { maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(commits, commits, async (before, after) => {
      const chain = await TiledChain.open(t, join(temporaryDirectory(t), 'data'))
      for (const records of before) await chain.append(records)
      await chain.restore()
      await checkTiles(chain)
      for (const records of after) await chain.append(records)
      await chain.restore()
      await checkTiles(chain)
    }),
    { seed: fcSeed, numRuns: 12 },
  )
})

test('a start makes the right edge of a tree of three levels again', async (t) => {
  const chain = await TiledChain.open(t, join(temporaryDirectory(t), 'data'))
  for (const records of [9000, 9000, 9000, 9000, 9000, 9000, 9000, 3500]) await chain.append(records)
  await chain.restore()
  await checkTiles(chain)
  assert.equal((await chain.stored()).size, Math.floor(66_500 / 256) + 1)
})

test('killed between two commits or before a batch was written, a start finds the tiles of what is on disk', async (t) => {
  const location = join(temporaryDirectory(t), 'data')
  const chain = await TiledChain.open(t, location)
  for (const records of [1, 254, 1, 1, 511, 700]) {
    const prepared = chain.prepare(records)
    const unwritten = await killed(t, location)
    assert.equal(unwritten.state.frontier.size, prepared.block.header.firstIndex)
    await unwritten.restore()
    await checkTiles(unwritten)
    await unwritten.append(300)
    await unwritten.restore()
    await checkTiles(unwritten)
    await chain.write(prepared)
    const written = await killed(t, location)
    assert.equal(written.state.frontier.size, prepared.block.header.treeSize)
    await written.restore()
    await checkTiles(written)
  }
})

test('a damaged or missing tile below the right edge is found at start', async (t) => {
  const chain = await TiledChain.open(t, join(temporaryDirectory(t), 'data'))
  for (const records of [500, 600]) await chain.append(records)
  for (const index of [0, 3]) {
    let original = new Uint8Array(0)
    await chain.alter(0, index, (hashes) => {
      original = hashes.slice()
      flip(hashes, 100)
      return hashes
    })
    await assert.rejects(restoreTiles(chain.parts), damaged)
    await chain.alter(0, index, () => original)
    await restoreTiles(chain.parts)
  }
  await chain.alter(0, 1, () => undefined)
  await assert.rejects(restoreTiles(chain.parts), damaged)
})

test('a store without tiles, or with a damaged one, gets all of them anew, the same byte for byte, and says so', async (t) => {
  const chain = await TiledChain.open(t, join(temporaryDirectory(t), 'data'))
  for (const records of [1, 1000, 300, 256]) await chain.append(records)
  const original = await chain.stored()
  assert.equal(original.size, 6)
  const harm: (() => Promise<void>)[] = [
    async () => {
      for (const index of original.keys()) await chain.alter(0, Number.parseInt(index.slice(2), 16), () => undefined)
    },
    () => chain.alter(0, 4, (hashes) => hashes.fill(7)),
  ]
  for (const damage of harm) {
    await damage()
    const warnings: string[] = []
    chain.writer = await openTiles(chain.parts, (warning: PluginError) => warnings.push(warning.code))
    assert.deepEqual(warnings, ['ERR_CHAIN_DAMAGED'])
    assert.deepEqual(await chain.stored(), original)
    await checkTiles(chain)
    await openTiles(chain.parts, (warning) => assert.fail(warning))
  }
})

test('a store that an older version went on with gets the tiles that are missing', async (t) => {
  const chain = await TiledChain.open(t, join(temporaryDirectory(t), 'data'))
  await chain.append(600)
  for (const records of [300, 400]) await chain.write({ ...chain.prepare(records), tiles: [] })
  await assert.rejects(restoreTiles(chain.parts), damaged)
  chain.writer = await openTiles(chain.parts)
  await checkTiles(chain)
  assert.equal((await chain.stored()).size, 5)
})

test('tiles are not made from blocks that do not lead to the state of the chain', async (t) => {
  const location = join(temporaryDirectory(t), 'data')
  const chain = await TiledChain.open(t, location)
  for (const records of [300, 300]) await chain.append(records)
  await chain.database.close()
  await tamper(location, (blocks) =>
    blocks.alter(blocks.keys[0] ?? assert.fail(), ({ entries }) => flip(entries[9]?.leaf, 30)),
  )
  const altered = await TiledChain.open(t, location)
  await assert.rejects(rebuildTiles(altered.parts), damaged)
})

test('tiles are not made when there are more blocks than the state of the chain knows', async (t) => {
  const chain = await TiledChain.open(t, join(temporaryDirectory(t), 'data'))
  await chain.append(200)
  const { frontier } = chain.state
  await chain.append(200)
  await assert.rejects(restoreTiles({ ...chain.parts, frontier }), damaged)
  await assert.rejects(rebuildTiles({ ...chain.parts, frontier }), damaged)
})

test('tiles are not made from a block that cannot be read', async (t) => {
  const chain = await TiledChain.open(t, join(temporaryDirectory(t), 'data'))
  await chain.append(3)
  const { encoded } = (await chain.store.blockAt(0)) ?? assert.fail()
  await chain.store.append({ firstIndex: 0, encoded: encoded.subarray(1) }, encodeChainState(chain.state), [])
  await assert.rejects(restoreTiles(chain.parts), damaged)
})

test('an empty store has no tiles and needs none', async (t) => {
  const chain = await TiledChain.open(t, join(temporaryDirectory(t), 'data'))
  await chain.restore()
  assert.throws(() => chain.writer.inMemory({ level: 0, index: 0 }), RangeError)
})
