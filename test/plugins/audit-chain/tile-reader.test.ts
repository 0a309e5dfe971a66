import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { TileReader } from '../../../plugins/audit-chain/tile-reader.ts'
import { TileTable } from '../../../plugins/audit-chain/tile-table.ts'
import { nativeCrypto } from '../../../plugins/index.ts'
import { consistencyProof, HashTile, inclusionProof, toHex } from '../../../protocol/index.ts'
import { NaiveTree } from '../../helpers/naive-tree.ts'
import { SeededRandom } from '../../helpers/random.ts'
import { flip } from '../../helpers/tampering.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { TiledChain } from '../../helpers/tiled-chain.ts'

const crypto = nativeCrypto
const hexes = (path: readonly Uint8Array[]) => path.map(toHex)

/** A chain of these commits, all on disk. */
async function chainOf(t: TestContext, ...commits: readonly number[]): Promise<TiledChain> {
  const chain = await TiledChain.open(t, join(temporaryDirectory(t), 'data'))
  for (const records of commits) await chain.append(records)
  return chain
}

const readerOf = ({ table, writer }: TiledChain, maxTiles?: number) =>
  new TileReader({ table, writer, crypto, ...(maxTiles === undefined ? undefined : { maxTiles }) })

/** Notes what is read from the disk. */
class NotingTable extends TileTable {
  readonly noted: string[] = []

  override read(...given: Parameters<TileTable['read']>): ReturnType<TileTable['read']> {
    const [{ level, index }] = given
    this.noted.push(`${level}/${index}`)
    return super.read(...given)
  }
}

test('proofs from what lies on the disk and in memory are those of the tree, for any sizes', async (t) => {
  const chain = await chainOf(t, 1, 700, 55, 300, 1, 1000)
  const tree = new NaiveTree(chain.leafHashes)
  const { read } = readerOf(chain)
  const random = new SeededRandom(63)
  for (let i = 0; i < 400; i++) {
    const size = 1 + random.below(2057)
    const index = random.below(size)
    const inclusion = await inclusionProof(index, size, read, crypto)
    assert.deepEqual(hexes(inclusion.path), hexes(tree.inclusion(index, size)))
    const consistency = await consistencyProof(index + 1, size, read, crypto)
    assert.deepEqual(hexes(consistency.path), hexes(tree.consistency(index + 1, size)))
  }
})

test('a proof can be made while the batch that fills its tile is being written', async (t) => {
  const chain = await chainOf(t, 200)
  const reader = readerOf(chain)
  const expected = hexes(new NaiveTree(chain.leafHashes).inclusion(7, 200))
  const prepared = chain.prepare(500)
  assert.deepEqual(hexes((await inclusionProof(7, 200, reader.read, crypto)).path), expected)
  await chain.write(prepared)
  for (let i = 0; i < 2; i++) await chain.append(1)
  assert.deepEqual(hexes((await inclusionProof(7, 200, readerOf(chain).read, crypto)).path), expected)
  const tree = new NaiveTree(chain.leafHashes)
  assert.deepEqual(hexes((await inclusionProof(7, 701, reader.read, crypto)).path), hexes(tree.inclusion(7, 701)))
})

test('a tile is read from the disk once while it is among those used last', async (t) => {
  const chain = await chainOf(t, 1024, 1, 1)
  const table = new NotingTable(chain.database)
  const reader = new TileReader({ table, writer: chain.writer, crypto, maxTiles: 3 })
  const full = (index: number) => reader.read({ level: 0, index, width: 256 })
  // The tile one level up, which is in memory, takes a place of the three.
  for (const index of [0, 1, 0, 0, 1]) await full(index)
  assert.deepEqual(table.noted, ['0/0', '0/1'])
  await full(2)
  await full(1)
  assert.deepEqual(table.noted, ['0/0', '0/1', '0/2'])
  await full(0)
  assert.deepEqual(table.noted, ['0/0', '0/1', '0/2', '0/0'])
})

test('what the tree does not reach is not read', async (t) => {
  const chain = await chainOf(t, 300)
  const { read } = readerOf(chain)
  const beyond = [
    { level: 0, index: 1, width: 45 },
    { level: 0, index: 2, width: 1 },
    { level: 1, index: 0, width: 2 },
    { level: 2, index: 0, width: 1 },
  ]
  for (const tile of beyond) await assert.rejects(read(tile), RangeError)
  await assert.rejects(inclusionProof(0, 301, read, crypto), RangeError)
})

const damages: Record<string, (hashes: Uint8Array) => Uint8Array | undefined> = {
  'with a bit flipped in its first hash': (hashes) => flipped(hashes, 0),
  'with a bit flipped in its last hash': (hashes) => flipped(hashes, 8191),
  'with two hashes exchanged': (hashes) =>
    Buffer.concat([hashes.subarray(32, 64), hashes.subarray(0, 32), hashes.subarray(64)]),
  'that was cut off': (hashes) => hashes.slice(0, 8160),
  'that is missing': () => undefined,
}

for (const [what, damage] of Object.entries(damages)) {
  test(`a tile ${what} is found before anything is proved with it; other proofs go on`, async (t) => {
    const chain = await chainOf(t, 1024, 1, 1)
    await chain.alter(0, 2, damage)
    const { read } = readerOf(chain)
    for (const [index, size] of [
      [600, 1025],
      [0, 700],
      [520, 700],
    ] as const) {
      await assert.rejects(
        inclusionProof(index, size, read, crypto),
        { code: 'ERR_CHAIN_DAMAGED' },
        `${index} in ${size}`,
      )
    }
    const { path } = await inclusionProof(900, 1025, read, crypto)
    assert.deepEqual(hexes(path), hexes(new NaiveTree(chain.leafHashes).inclusion(900, 1025)))
  })
}

test('a tile that was made to fit a forged one above it is found two levels up', async (t) => {
  const chain = await chainOf(t, ...Array.from({ length: 7 }, () => 9400))
  let forgedRoot: Uint8Array = new Uint8Array(0)
  await chain.alter(0, 3, (hashes) => {
    const forged = flipped(hashes, 40)
    forgedRoot = new HashTile(forged, crypto).root()
    return forged
  })
  await chain.alter(1, 0, (hashes) => {
    hashes.set(forgedRoot, 3 * 32)
    return hashes
  })
  await assert.rejects(readerOf(chain).read({ level: 0, index: 3, width: 256 }), { code: 'ERR_CHAIN_DAMAGED' })
})

function flipped(hashes: Uint8Array, at: number): Uint8Array {
  flip(hashes, at)
  return hashes
}
