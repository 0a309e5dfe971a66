import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import { nodeHash, verifyConsistency, verifyInclusion } from '../../../protocol/index.ts'
import { codeOf, throwsCode } from '../../helpers/codes.ts'
import { naiveConsistency, naiveInclusion, naiveRoot, numberedLeafHashes } from '../../helpers/naive-tree.ts'

const largest = 33
const leaves = numberedLeafHashes(largest)
const roots = Array.from({ length: largest + 1 }, (_, size) => naiveRoot(leaves.slice(0, size)))
const leaf = (i: number) => leaves[i] as Uint8Array
const root = (size: number) => roots[size] as Uint8Array

function inclusion(index: number, size: number, path: readonly Uint8Array[]): () => void {
  const proof = { leafIndex: BigInt(index), treeSize: BigInt(size), path }
  return () => verifyInclusion(proof, leaf(index), root(size), nativeCrypto)
}

function consistency(size1: number, size2: number, path: readonly Uint8Array[]): () => void {
  const proof = { size1: BigInt(size1), size2: BigInt(size2), path }
  return () => verifyConsistency(proof, root(size1), root(size2), nativeCrypto)
}

describe('inclusion', () => {
  test('is proved for every leaf of every tree of up to 33 leaves', () => {
    for (let size = 1; size <= largest; size++) {
      for (let index = 0; index < size; index++) inclusion(index, size, naiveInclusion(index, leaves.slice(0, size)))()
    }
  })
  test('is proved for one index and one size only', () => {
    for (let size = 1; size <= 17; size++) {
      const path = naiveInclusion(0, leaves.slice(0, size))
      for (let other = 1; other < size; other++) throwsCode(inclusion(other, size, path), 'ERR_PROOF_INVALID')
      for (let other = 1; other <= 17; other++) {
        if (other !== size) throwsCode(inclusion(0, other, path), 'ERR_PROOF_INVALID')
      }
    }
  })
  test('is not proved by a path that is longer, shorter, reordered or has a bit flipped', () => {
    const path = naiveInclusion(5, leaves.slice(0, 13))
    for (const altered of alterations(path)) throwsCode(inclusion(5, 13, altered), 'ERR_PROOF_INVALID')
  })
  test('is not proved by a path longer than the tree is high, even when it leads to the root given', () => {
    const beyond = nodeHash(leaf(1), leaf(0), nativeCrypto)
    const proof = { leafIndex: 0n, treeSize: 1n, path: [leaf(1)] }
    throwsCode(() => verifyInclusion(proof, leaf(0), beyond, nativeCrypto), 'ERR_PROOF_INVALID')
  })
  test('is not proved for an index at or beyond the size, or below zero', () => {
    for (const index of [-1n, 1n, 2n ** 63n]) {
      const proof = { leafIndex: index, treeSize: 1n, path: [] }
      throwsCode(() => verifyInclusion(proof, leaf(0), leaf(0), nativeCrypto), 'ERR_PROOF_INVALID')
    }
  })
  test('takes sizes up to 2^64', () => {
    const proof = { leafIndex: 2n ** 64n - 1n, treeSize: 2n ** 64n, path: Array.from({ length: 63 }, () => leaf(0)) }
    throwsCode(() => verifyInclusion(proof, leaf(0), leaf(0), nativeCrypto), 'ERR_PROOF_INVALID')
  })
})

describe('consistency', () => {
  test('is proved between every two trees of up to 33 leaves', () => {
    for (let size2 = 1; size2 <= largest; size2++) {
      for (let size1 = 1; size1 <= size2; size1++) {
        consistency(size1, size2, naiveConsistency(size1, leaves.slice(0, size2)))()
      }
    }
  })
  test('is not proved for another older tree', () => {
    for (let size1 = 1; size1 <= 17; size1++) {
      const path = naiveConsistency(size1, leaves.slice(0, 18))
      for (let other = 1; other <= 17; other++) {
        const code = codeOf(consistency(other, 18, path))
        assert.equal(code, other === size1 ? undefined : 'ERR_PROOF_INVALID', `${other} for ${size1}`)
      }
    }
  })
  test('is not proved for another root of the older or the newer tree', () => {
    for (const size1 of [5, 8]) {
      const proof = { size1: BigInt(size1), size2: 13n, path: naiveConsistency(size1, leaves.slice(0, 13)) }
      verifyConsistency(proof, root(size1), root(13), nativeCrypto)
      throwsCode(() => verifyConsistency(proof, root(6), root(13), nativeCrypto), 'ERR_PROOF_INVALID')
      throwsCode(() => verifyConsistency(proof, root(size1), root(12), nativeCrypto), 'ERR_PROOF_INVALID')
    }
  })
  test('is not proved by a path that is longer, shorter, reordered or has a bit flipped', () => {
    for (const size1 of [5, 4]) {
      const path = naiveConsistency(size1, leaves.slice(0, 13))
      for (const altered of alterations(path)) throwsCode(consistency(size1, 13, altered), 'ERR_PROOF_INVALID')
    }
  })
  test('is not proved with the roots exchanged, from a larger to a smaller tree, or from nothing', () => {
    const path = naiveConsistency(5, leaves.slice(0, 13))
    const proof = { size1: 5n, size2: 13n, path }
    throwsCode(() => verifyConsistency(proof, root(13), root(5), nativeCrypto), 'ERR_PROOF_INVALID')
    throwsCode(consistency(13, 5, path), 'ERR_PROOF_INVALID')
    throwsCode(consistency(0, 5, []), 'ERR_PROOF_INVALID')
    throwsCode(consistency(0, 0, []), 'ERR_PROOF_INVALID')
  })
  test('is not proved by a path longer than the tree is high, even when it leads to the roots given', () => {
    const path = [...naiveConsistency(3, leaves.slice(0, 4)), leaf(9)]
    const beyond = (size: number) => nodeHash(leaf(9), root(size), nativeCrypto)
    const proof = { size1: 3n, size2: 4n, path }
    throwsCode(() => verifyConsistency(proof, beyond(3), beyond(4), nativeCrypto), 'ERR_PROOF_INVALID')
  })
  test('of a tree with itself takes an empty path and one root', () => {
    consistency(7, 7, [])()
    throwsCode(consistency(7, 7, [leaf(0)]), 'ERR_PROOF_INVALID')
    const proof = { size1: 7n, size2: 7n, path: [] }
    throwsCode(() => verifyConsistency(proof, root(7), root(8), nativeCrypto), 'ERR_PROOF_INVALID')
  })
})

function alterations(path: readonly Uint8Array[]): Uint8Array[][] {
  const first = path[0] as Uint8Array
  const altered: Uint8Array[][] = [[], [...path, first], [first, ...path], path.slice(1), path.slice(0, -1)]
  altered.push([...path].reverse(), [first.subarray(1), ...path.slice(1)])
  for (const [i, hash] of path.entries()) {
    const flipped = hash.map((byte, at) => (at === i ? byte ^ 0x80 : byte))
    altered.push([...path.slice(0, i), flipped, ...path.slice(i + 1)])
  }
  return altered
}
