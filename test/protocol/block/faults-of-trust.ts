import { type BlockEntry, encodeSign1, genesisRecord, parseSign1 } from '../../../protocol/index.ts'
import { type StoredBlock, TestChain } from '../../helpers/chain.ts'
import type { FaultScenario } from '../../helpers/faults.ts'
import { genesis, goldenChain, goldenRecords, startMs, unsignedPublish } from '../../helpers/golden-chain.ts'
import { key11, publicOf } from '../../helpers/keys.ts'

// What verification trusts or compares with: the genesis record, the broker key and the kept header.

const golden = goldenChain()
const { crypto } = golden
const [b0, b1, b2, b3] = golden.blocks as [StoredBlock, StoredBlock, StoredBlock, StoredBlock]
const timeMs = startMs + 2000
const publish = unsignedPublish({ topic: 'a', body: Uint8Array.of(1), timeMs }, crypto)

/** Another chain of the same broker that shares blocks 0 and 1 and has two other records in block 2. */
const fork = goldenChain(2)
fork.append([publish, publish], timeMs)

/** A chain with the genesis of the broker, signed by somebody else from block 1 on. */
const impostor = new TestChain(key11, crypto, goldenChain(1))
impostor.append([publish], timeMs)

function genesisOf(entry: (chain: TestChain) => BlockEntry): StoredBlock[] {
  const chain = goldenChain(0)
  chain.appendForged({ entries: [entry(chain)], timeMs: timeMs })
  return chain.blocks
}

const secondGenesis = goldenChain(1)
secondGenesis.append([goldenRecords(crypto).genesis], startMs)

const headWithOtherPayload = encodeSign1(parseSign1(b3.signed), parseSign1(b2.signed).payload)

export const faultsOfTrust: readonly FaultScenario[] = [
  {
    name: 'a first record that is a publish',
    finds: ['genesis-invalid', 0, 0],
    blocks: genesisOf((chain) => chain.entry(publish.record, publish.body)),
  },
  {
    name: 'a first record that is none',
    finds: ['genesis-invalid', 0, 0],
    blocks: genesisOf((chain) => chain.entry(Uint8Array.of(0xa0))),
  },
  {
    name: 'a genesis of a later format version',
    finds: ['genesis-invalid', 0, 0],
    blocks: genesisOf((chain) => {
      const record = genesisRecord(genesis, startMs)
      return chain.entry({ ...record, detail: new Map([...(record.detail ?? []), [1, 2]]) })
    }),
  },
  {
    name: 'a genesis with another broker key than the trusted one',
    finds: ['genesis-invalid', 0, 0],
    blocks: golden.blocks,
    options: { brokerKey: publicOf(key11) },
  },
  { name: 'a second genesis', finds: ['genesis-invalid', 1, 1], blocks: secondGenesis.blocks },
  {
    name: 'an end before the kept header',
    finds: ['truncated-below-head', 3, 5],
    blocks: [b0, b1, b2],
    options: { head: b3.signed },
  },
  {
    name: 'another newest block than the kept header',
    finds: ['differs-from-head', 2, 3],
    blocks: fork.blocks,
    options: { head: b2.signed },
  },
  {
    name: 'another block than the kept header, further down',
    finds: ['differs-from-head', 2, 3],
    blocks: golden.blocks,
    options: { head: (fork.blocks[2] as StoredBlock).signed },
  },
  {
    name: 'a kept header that is none',
    finds: ['head-invalid', 0, 0],
    blocks: golden.blocks,
    options: { head: new Uint8Array(3) },
  },
  {
    name: 'a kept header that another key signed',
    finds: ['head-invalid', 0, 0],
    blocks: golden.blocks,
    options: { head: (impostor.blocks[1] as StoredBlock).signed },
  },
  {
    name: 'a kept header under the signature of another',
    finds: ['head-invalid', 0, 0],
    blocks: golden.blocks,
    options: { head: headWithOtherPayload },
  },
]
