import { type BlockHeader, decodeBlock, encodeBlock } from '../../../protocol/index.ts'
import { type StoredBlock, TestChain } from '../../helpers/chain.ts'
import { entryOf, type FaultScenario, withEntry } from '../../helpers/faults.ts'
import { genesis, goldenChain, startMs, unsignedPublish } from '../../helpers/golden-chain.ts'
import { key11 } from '../../helpers/keys.ts'

const golden = goldenChain()
const { crypto } = golden
const [b0, b1, b2, b3] = golden.blocks as [StoredBlock, StoredBlock, StoredBlock, StoredBlock]
const afterB1 = startMs + 2000
const publish = unsignedPublish({ topic: 'a', body: Uint8Array.of(1), timeMs: afterB1 }, crypto)

/** The golden chain up to block 1, then a block whose signed header lies. */
function lyingHeader(header: Partial<BlockHeader>, timeMs = afterB1): StoredBlock[] {
  const chain = goldenChain(2)
  chain.appendForged({ entries: [chain.entry(publish.record, publish.body)], timeMs, header })
  return chain.blocks
}

/** The golden chain up to block 1, then a block with records of these times. */
function recordTimes(...times: readonly [recordMs: number, leafMs: number][]): StoredBlock[] {
  const chain = goldenChain(2)
  const entries = times.map(([timeMs, leafMs]) => chain.entry({ ...publish.record, timeMs }, publish.body, leafMs))
  chain.appendForged({ entries, timeMs: afterB1 })
  return chain.blocks
}

/** Another chain of the same broker that shares blocks 0 and 1 and has two other records in block 2. */
const fork = goldenChain(2)
fork.append([publish, publish], afterB1)

/** A chain with the genesis of the broker, signed by somebody else from block 1 on. */
const impostor = new TestChain(key11, crypto, goldenChain(1))
impostor.append([publish], afterB1)

const otherSignature = decodeBlock(b2.encoded).entries
const flippedSignature = b2.signed.map((byte, i) => (i === b2.signed.length - 1 ? byte ^ 1 : byte))
export const faultsOfBlocks: readonly FaultScenario[] = [
  {
    name: 'a byte after a block',
    finds: ['malformed-block', 2, 3],
    blocks: [b0, b1, { ...b2, encoded: Uint8Array.of(...b2.encoded, 0) }, b3],
  },
  {
    name: 'an empty value where a block belongs',
    finds: ['malformed-block', 1, 1],
    blocks: [b0, { ...b1, encoded: new Uint8Array(0) }, b2],
  },
  { name: 'no block at all', finds: ['missing-block', 0, 0], blocks: [] },
  { name: 'no block 0, with no key given', finds: ['missing-block', 0, 0], blocks: [b1, b2, b3] },
  {
    name: 'no block 0, with the key given',
    finds: ['missing-block', 0, 0],
    blocks: [b1, b2, b3],
    options: { brokerKey: genesis.brokerKey },
  },
  { name: 'no block 2', finds: ['missing-block', 2, 3], blocks: [b0, b1, b3] },
  { name: 'a block under another key', finds: ['misplaced-block', 1, 2], blocks: [b0, { ...b1, key: 2 }, b2] },
  { name: 'a block twice', finds: ['misplaced-block', 2, 1], blocks: [b0, b1, b1, b2] },
  {
    name: 'block 0 under another key',
    finds: ['misplaced-block', 0, 1],
    blocks: [{ ...b0, key: 1 }],
    options: { brokerKey: genesis.brokerKey },
  },
  { name: 'a height that skips one', finds: ['misplaced-block', 2, 3], blocks: lyingHeader({ height: 3 }) },
  {
    name: 'a header whose signature was changed',
    finds: ['header-signature-invalid', 2, 3],
    blocks: [b0, b1, { ...b2, encoded: encodeBlock(flippedSignature, otherSignature) }, b3],
  },
  {
    name: 'a block that another key than the one of the genesis signed',
    finds: ['header-signature-invalid', 1, 1],
    blocks: impostor.blocks,
  },
  {
    name: 'a block rewritten and signed again, with the ones after it left as they are',
    finds: ['previous-hash-mismatch', 3, 5],
    blocks: [...fork.blocks, b3],
  },
  {
    name: 'a header that links to nothing',
    finds: ['previous-hash-mismatch', 2, 3],
    blocks: lyingHeader({ previousHash: new Uint8Array(32) }),
  },
  { name: 'a count beyond the entries', finds: ['header-inconsistent', 2, 3], blocks: lyingHeader({ count: 2 }) },
  { name: 'a tree size beyond the count', finds: ['header-inconsistent', 2, 3], blocks: lyingHeader({ treeSize: 5 }) },
  {
    name: 'a block older than the one before it',
    finds: ['header-inconsistent', 2, 3],
    blocks: lyingHeader({}, startMs + 999),
  },
  {
    name: 'a record with another time than its leaf',
    finds: ['header-inconsistent', 2, 4],
    blocks: recordTimes([afterB1, afterB1], [afterB1 - 1, afterB1]),
  },
  {
    name: 'a record younger than its block',
    finds: ['header-inconsistent', 2, 3],
    blocks: recordTimes([afterB1 + 1, afterB1 + 1]),
  },
  {
    name: 'a record older than the block before it',
    finds: ['header-inconsistent', 2, 3],
    blocks: recordTimes([startMs, startMs]),
  },
  {
    name: 'time that goes backwards inside a block',
    finds: ['header-inconsistent', 2, 4],
    blocks: recordTimes([afterB1, afterB1], [afterB1 - 1, afterB1 - 1]),
  },
  {
    name: 'a leaf exchanged for another',
    finds: ['leaf-mismatch', 2, 4],
    blocks: [b0, b1, withEntry(b2, 1, { leaf: entryOf(b1, 0).leaf }), b3],
  },
  {
    name: 'a leaf that is none',
    finds: ['leaf-mismatch', 2, 3],
    blocks: [b0, b1, withEntry(b2, 0, { leaf: new Uint8Array(45) }), b3],
  },
  {
    name: 'a record exchanged for another',
    finds: ['record-mismatch', 2, 4],
    blocks: [b0, b1, withEntry(b2, 1, { record: entryOf(b1, 1).record }), b3],
  },
  {
    name: 'a salt exchanged for another',
    finds: ['record-mismatch', 1, 1],
    blocks: [b0, withEntry(b1, 0, { salt: new Uint8Array(16) }), b2, b3],
  },
  {
    name: 'a record exchanged together with salt, leaf and body',
    finds: ['root-mismatch', 2, 3],
    blocks: [b0, b1, withEntry(b2, 1, entryOf(b1, 1)), b3],
  },
  {
    name: 'two records in exchanged order',
    finds: ['root-mismatch', 2, 3],
    blocks: [b0, b1, withEntry(withEntry(b2, 0, entryOf(b2, 1)), 1, entryOf(b2, 0)), b3],
  },
  {
    name: 'a signed root that the leaves do not lead to',
    finds: ['root-mismatch', 2, 3],
    blocks: lyingHeader({ rootHash: new Uint8Array(32) }),
  },
]
