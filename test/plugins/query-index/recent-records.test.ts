import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nativeCrypto } from '../../../plugins/index.ts'
import { RecentRecords } from '../../../plugins/query-index/recent-records.ts'
import {
  BlockSigner,
  type BuiltBlock,
  buildBlock,
  decodeRecordsOfBlock,
  emptyChainState,
} from '../../../protocol/index.ts'
import { unsignedPublish } from '../../helpers/golden-chain.ts'
import { keyMeriadoc } from '../../helpers/keys.ts'

/** Blocks of so many records each. */
function blocksOf(counts: readonly number[]): BuiltBlock[] {
  const signer = new BlockSigner(keyMeriadoc, nativeCrypto)
  let state = emptyChainState(nativeCrypto)
  return counts.map((count) => {
    const entries = Array.from({ length: count }, (_, i) =>
      unsignedPublish({ topic: `n/${i}`, body: Buffer.from(`${i}`), timeMs: 1 }, nativeCrypto),
    )
    const block = buildBlock(state, entries, 1, signer, nativeCrypto)
    state = block.next
    return block
  })
}

const bytesOf = ({ records }: BuiltBlock) => records[0]?.buffer.byteLength ?? 0

test('a block is given for each of its indexes, with what reading it would give; those before it are given up', () => {
  const recent = new RecentRecords()
  const blocks = blocksOf([2, 3, 1])
  for (const block of blocks) recent.add(block)
  for (const [index, at] of [0, 0, 1, 1, 1, 2].entries()) {
    const { header, next, encoded } = blocks[at] as BuiltBlock
    const read = decodeRecordsOfBlock(encoded)
    assert.deepEqual(recent.blockAt(index), {
      firstIndex: header.firstIndex,
      records: read.entries,
      headerHash: nativeCrypto.sha256(read.encodedHeader),
    })
    assert.deepEqual(next.previousHash, recent.blockAt(index)?.headerHash)
  }
  assert.equal(recent.blockAt(4), undefined, 'given up')
  assert.equal(recent.blockAt(6), undefined, 'not written yet')
})

test('when there is no room the oldest blocks are given up, and one that has no room at all is not kept', () => {
  const blocks = blocksOf([4, 4, 4, 100])
  const [first, second, third, large] = blocks as [BuiltBlock, BuiltBlock, BuiltBlock, BuiltBlock]
  const recent = new RecentRecords(bytesOf(second) + bytesOf(third))
  for (const block of [first, second, third]) recent.add(block)
  assert.equal(recent.blockAt(0), undefined)
  assert.equal(recent.blockAt(4)?.firstIndex, 4)
  assert.ok(bytesOf(large) > bytesOf(second) + bytesOf(third))
  recent.add(large)
  for (const index of [4, 8, 12]) assert.equal(recent.blockAt(index), undefined)
})

test('nothing is left of what was cleared, and what is added then has all the room', () => {
  const [first, second] = blocksOf([4, 4]) as [BuiltBlock, BuiltBlock]
  const recent = new RecentRecords(bytesOf(first))
  recent.add(first)
  recent.clear()
  assert.equal(recent.blockAt(0), undefined)
  recent.add(second)
  assert.equal(recent.blockAt(4)?.firstIndex, 4)
})
