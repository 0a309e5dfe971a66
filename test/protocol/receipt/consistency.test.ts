import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import {
  consistencyReceipt,
  inclusionReceipt,
  isConsistencyReceiptValid,
  isInclusionReceiptValid,
  parseConsistencyReceipt,
} from '../../../protocol/index.ts'
import { withBitFlipped } from '../../helpers/bits.ts'
import { throwsCode } from '../../helpers/codes.ts'
import { key11, publicOf } from '../../helpers/keys.ts'
import { naiveConsistency, naiveInclusion, naiveRoot, numberedLeafHashes } from '../../helpers/naive-tree.ts'
import { receiptTrust, signedRootOf } from '../../helpers/receipts.ts'

const leaves = numberedLeafHashes(13)
const head = (size: number) => ({ treeSize: BigInt(size), rootHash: naiveRoot(leaves.slice(0, size)) })
const receiptFrom = (size1: number) =>
  consistencyReceipt(signedRootOf(leaves), { size1: BigInt(size1), path: naiveConsistency(size1, leaves) })
const isValid = (receipt: Uint8Array, older = head(5), newer = head(13), trust = receiptTrust) =>
  isConsistencyReceiptValid(receipt, older, newer, trust, nativeCrypto)

describe('a receipt of consistency', () => {
  test('proves that a tree extends each smaller one, and no other than it is for', async () => {
    for (let size = 1; size < 13; size++) {
      assert.equal(await isValid(receiptFrom(size), head(size)), true)
      assert.equal(await isValid(receiptFrom(size), head(size === 12 ? 1 : size + 1)), false)
      assert.equal(await isValid(receiptFrom(size), { ...head(size), rootHash: new Uint8Array(32) }), false)
    }
  })
  test('proves nothing of a newer tree of another size or root than the checkpoint says', async () => {
    assert.equal(await isValid(receiptFrom(5), head(5), { ...head(13), treeSize: 14n }), false)
    assert.equal(await isValid(receiptFrom(5), head(5), head(12)), false)
    assert.equal(await isValid(receiptFrom(5), head(5), { ...head(13), rootHash: new Uint8Array(32) }), false)
  })
  test('is worth nothing by another key, or of another log', async () => {
    const [older, newer] = [head(5), head(13)]
    assert.equal(await isValid(receiptFrom(5), older, newer, { ...receiptTrust, brokerKey: publicOf(key11) }), false)
    assert.equal(await isValid(receiptFrom(5), older, newer, { ...receiptTrust, issuer: 'other' }), false)
  })
  test('with any single bit flipped proves nothing', async () => {
    for (const size of [4, 5]) {
      const receipt = receiptFrom(size)
      for (let bit = 0; bit < receipt.length * 8; bit++) {
        assert.equal(await isValid(withBitFlipped(receipt, bit), head(size)), false, `from ${size}, bit ${bit}`)
      }
    }
  })
  test('says from which size to which', () => {
    const { proof, treeSize } = parseConsistencyReceipt(receiptFrom(5))
    assert.deepEqual([proof.size1, proof.size2, treeSize], [5n, 13n, 13n])
  })
  test('is not taken for one of inclusion, nor the other way round', async () => {
    const inclusion = inclusionReceipt(signedRootOf(leaves), { leafIndex: 5n, path: naiveInclusion(5, leaves) })
    throwsCode(() => parseConsistencyReceipt(inclusion), 'ERR_COSE_MALFORMED')
    const leaf = leaves[5] as Uint8Array
    assert.equal(await isInclusionReceiptValid(receiptFrom(5), leaf, receiptTrust, nativeCrypto), false)
  })
  test('is not made between trees of one size, nor from a larger one, nor without a path', () => {
    const root = signedRootOf(leaves)
    const path = naiveConsistency(5, leaves)
    for (const bad of [
      { size1: 13n, path },
      { size1: 14n, path },
      { size1: 5n, path: [] },
    ]) {
      assert.throws(() => consistencyReceipt(root, bad), RangeError)
    }
  })
})
