import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { nativeCrypto } from '../../../plugins/index.ts'
import {
  consistencyProof,
  Frontier,
  frontierFromTiles,
  HashTile,
  inclusionProof,
  leafHash,
  type TileSource,
  toHex,
  verifyConsistency,
  verifyInclusion,
} from '../../../protocol/index.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'
import { rejectsCode, throwsCode } from '../../helpers/codes.ts'
import { readConsistencyVectors, readInclusionVectors } from '../../helpers/merkle-vectors.ts'
import { NaiveTree, numberedLeafHashes } from '../../helpers/naive-tree.ts'
import { SeededRandom } from '../../helpers/random.ts'
import { base64 } from '../../helpers/vectors.ts'

/** More than two levels of full tiles: 256 * 256 is 65536. */
const largest = 67_000
const tree = new NaiveTree(numberedLeafHashes(largest))
const source = tree.source()
const hexes = (path: readonly Uint8Array[]) => path.map(toHex)

async function checkInclusion(index: number, size: number): Promise<void> {
  const proof = await inclusionProof(index, size, source, nativeCrypto)
  assert.deepEqual(hexes(proof.path), hexes(tree.inclusion(index, size)), `leaf ${index} of ${size}`)
  verifyInclusion(proof, tree.leafHashes[index] as Uint8Array, tree.root(0, size), nativeCrypto)
}

async function checkConsistency(size1: number, size2: number): Promise<void> {
  const proof = await consistencyProof(size1, size2, source, nativeCrypto)
  assert.deepEqual(hexes(proof.path), hexes(tree.consistency(size1, size2)), `from ${size1} to ${size2}`)
  verifyConsistency(proof, tree.root(0, size1), tree.root(0, size2), nativeCrypto)
}

describe('proofs from tiles are those of RFC 9162', () => {
  test('for every leaf and every older size, in every tree of up to 40 leaves', async () => {
    for (let size = 1; size <= 40; size++) {
      for (let index = 0; index < size; index++) {
        await checkInclusion(index, size)
        await checkConsistency(index + 1, size)
      }
    }
  })

  test('in every tree of up to 600 leaves, for the first, the last, those beside the ends of tiles and one more', async () => {
    const random = new SeededRandom(61)
    for (let size = 41; size <= 600; size++) {
      const places = [0, 127, 128, 254, 255, 256, 257, 511, 512, size - 2, size - 1, random.below(size)]
      for (const place of places.filter((index) => index < size)) {
        await checkInclusion(place, size)
        await checkConsistency(place + 1, size)
      }
    }
  })

  test('in trees of up to 67000 leaves', async () => {
    const size = fc.oneof(fc.integer({ min: 600, max: largest }), fc.integer({ min: 65_530, max: 65_800 }))
    const sizeAndIndex = size.chain((n) => fc.tuple(fc.constant(n), fc.nat(n - 1)))
    await fc.assert(
      fc.asyncProperty(sizeAndIndex, async ([n, index]) => {
        await checkInclusion(index, n)
        await checkConsistency(index + 1, n)
      }),
      { seed: fcSeed, numRuns: 150 },
    )
  })

  test('also from a source that gives the tiles of a tree that has grown since', async () => {
    const grown: TileSource = (tile) => source({ ...tile, width: Math.min(256, tile.width + 3) })
    for (const [index, size] of [
      [5, 300],
      [290, 300],
      [299, 600],
      [600, 613],
    ] as const) {
      const proof = await inclusionProof(index, size, grown, nativeCrypto)
      assert.deepEqual(hexes(proof.path), hexes(tree.inclusion(index, size)))
    }
  })
})

test('the frontier from tiles is that of appending, at every size up to 600 and at 67000', async () => {
  const appended = new Frontier(nativeCrypto)
  for (const [i, hash] of tree.leafHashes.entries()) {
    if (i <= 600 || i === 65_536) {
      const { size, subtrees } = await frontierFromTiles(i, source, nativeCrypto)
      assert.deepEqual([size, hexes(subtrees)], [i, hexes(appended.subtrees)])
    }
    appended.append(hash)
  }
  assert.deepEqual(hexes((await frontierFromTiles(largest, source, nativeCrypto)).subtrees), hexes(appended.subtrees))
})

test('appending gives the root of every tile that a leaf completes, the lowest level first', () => {
  const frontier = new Frontier(nativeCrypto)
  const expected: string[] = []
  const tileRoots: Uint8Array[] = []
  for (const [i, hash] of tree.leafHashes.slice(0, 65_600).entries()) {
    tileRoots.push(...frontier.grow([hash]).tileRoots)
    if ((i + 1) % 256 === 0) expected.push(toHex(tree.root(i - 255, i + 1)))
    if (i + 1 === 65_536) expected.push(toHex(tree.root(0, 65_536)))
  }
  assert.deepEqual(hexes(tileRoots), expected)
})

test('no tile is read twice for a proof, and two of each level at most', async () => {
  const random = new SeededRandom(62)
  for (let i = 0; i < 300; i++) {
    const size = 1 + random.below(largest)
    const index = random.below(size)
    for (const prove of [inclusionProof, consistencyProof]) {
      const read: string[] = []
      await prove(prove === inclusionProof ? index : index + 1, size, tree.source(read), nativeCrypto)
      assert.equal(new Set(read).size, read.length)
      for (const level of [0, 1, 2]) {
        assert.ok(read.filter((path) => path.startsWith(`tile/${level}/`)).length <= 2, `${index}, ${size}: ${read}`)
      }
    }
  }
})

test('an inclusion proof in the first tile of a full tree of 65536 takes that tile and the one above', async () => {
  const read: string[] = []
  await inclusionProof(7, 65_536, tree.source(read), nativeCrypto)
  assert.deepEqual(read.sort(), ['tile/0/000', 'tile/1/000'])
})

test('there is no proof for a leaf beyond the tree, from nothing, or to a smaller tree', async () => {
  for (const [index, size] of [
    [5, 5],
    [-1, 5],
    [0, 0],
    [0.5, 5],
    [0, Number.POSITIVE_INFINITY],
  ] as const) {
    await assert.rejects(inclusionProof(index, size, source, nativeCrypto), RangeError)
  }
  for (const [size1, size2] of [
    [0, 5],
    [6, 5],
    [1.5, 5],
    [-1, 5],
    [1, 2 ** 53],
  ] as const) {
    await assert.rejects(consistencyProof(size1, size2, source, nativeCrypto), RangeError)
  }
})

test('a tile that is empty, too long, not of whole hashes or shorter than the tree needs is refused', async () => {
  for (const bytes of [0, 31, 33, 257 * 32]) {
    throwsCode(() => new HashTile(new Uint8Array(bytes), nativeCrypto), 'ERR_PROOF_INVALID')
  }
  const short: TileSource = (tile) => source({ ...tile, width: tile.width - 1 })
  await rejectsCode(inclusionProof(5, 300, short, nativeCrypto), 'ERR_PROOF_INVALID')
})

test('a tile has the complete subtrees that fit in it, and a root when it is full', () => {
  const partial = new HashTile(tree.tile({ level: 0, index: 1, width: 5 }), nativeCrypto)
  assert.equal(toHex(partial.subtree({ height: 2, index: 0 })), toHex(tree.root(256, 260)))
  assert.throws(() => partial.subtree({ height: 2, index: 1 }), RangeError)
  assert.throws(() => partial.subtree({ height: 0, index: 5 }), RangeError)
  assert.throws(() => partial.root(), RangeError)
  const full = new HashTile(tree.tile({ level: 0, index: 1, width: 256 }), nativeCrypto)
  assert.equal(toHex(full.root()), toHex(tree.root(256, 512)))
})

describe('over the eight leaves of the reference tree, proofs from tiles are those of transparency-dev', () => {
  const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f']
  const reference = new NaiveTree(leaves.map((leaf) => leafHash(Buffer.from(leaf, 'hex'), nativeCrypto)))
  const happyPaths = <V>(vectors: Record<string, V>) =>
    Object.entries(vectors).filter(([name]) => name.includes('happy-path'))

  test('inclusion', async () => {
    const vectors = happyPaths(readInclusionVectors())
    assert.ok(vectors.length > 0)
    for (const [name, { leafIdx, treeSize, proof }] of vectors) {
      const ours = await inclusionProof(Number(leafIdx), Number(treeSize), reference.source(), nativeCrypto)
      assert.deepEqual(hexes(ours.path), hexes((proof ?? []).map(base64)), name)
    }
  })

  test('consistency', async () => {
    const vectors = happyPaths(readConsistencyVectors())
    assert.ok(vectors.length > 0)
    for (const [name, { size1, size2, proof }] of vectors) {
      const ours = await consistencyProof(Number(size1), Number(size2), reference.source(), nativeCrypto)
      assert.deepEqual(hexes(ours.path), hexes((proof ?? []).map(base64)), name)
    }
  })
})
