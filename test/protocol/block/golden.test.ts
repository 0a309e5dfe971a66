import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import {
  ChainVerifier,
  decodeBlock,
  encodeBlock,
  encodeBlockHeader,
  encodeChainState,
  Frontier,
  fromHex,
  leafHash,
  nobleCrypto,
  noPreviousHash,
  toHex,
} from '../../../protocol/index.ts'
import { genesis, goldenChain } from '../../helpers/golden-chain.ts'
import { keyMeriadoc, publicOf } from '../../helpers/keys.ts'
import { repositoryText } from '../../helpers/vectors.ts'

interface Golden {
  readonly blocks: readonly string[]
  readonly state: string
}

const golden = JSON.parse(repositoryText('test/protocol/block/golden.json')) as Golden
const stored = golden.blocks.map(fromHex)

test('building the golden chain gives its bytes, and its state at the end', () => {
  const chain = goldenChain()
  assert.deepEqual(
    chain.blocks.map(({ encoded }) => toHex(encoded)),
    golden.blocks,
  )
  assert.equal(toHex(encodeChainState(chain.state)), golden.state)
})

test('the golden chain is without fault for both providers, with and without the key given', async () => {
  for (const crypto of [nobleCrypto, nativeCrypto]) {
    for (const options of [{ crypto }, { crypto, brokerKey: publicOf(keyMeriadoc) }]) {
      const verifier = new ChainVerifier(options)
      for (const encoded of stored) {
        assert.equal(await verifier.add(decodeBlock(encoded).header.firstIndex, encoded), undefined)
      }
      assert.equal(await verifier.finish(), undefined)
      assert.deepEqual(verifier.summary, {
        blocks: 4,
        records: 6,
        signatures: 1,
        erased: { bodies: 0, records: 0 },
        genesis,
      })
    }
  }
})

test('a decoded block is encoded to the bytes it was decoded from, its header too', () => {
  for (const encoded of stored) {
    const block = decodeBlock(encoded)
    assert.equal(toHex(encodeBlock(block.signed, block.entries)), toHex(encoded))
    assert.equal(toHex(encodeBlockHeader(block.header)), toHex(block.encodedHeader))
  }
})

test('each golden header links to the one before it, counts on, and has the root over all leaves so far', () => {
  const frontier = new Frontier(nobleCrypto)
  let previousHash = noPreviousHash
  for (const [height, encoded] of stored.entries()) {
    const { header, encodedHeader, entries } = decodeBlock(encoded)
    assert.equal(header.height, height)
    assert.equal(header.firstIndex, frontier.size)
    assert.equal(toHex(header.previousHash), toHex(previousHash))
    for (const { leaf } of entries) frontier.append(leafHash(leaf, nobleCrypto))
    assert.equal(header.count, entries.length)
    assert.equal(header.treeSize, frontier.size)
    assert.equal(toHex(header.rootHash), toHex(frontier.root()))
    previousHash = nobleCrypto.sha256(encodedHeader)
  }
})

test('the chain goes on from its stored state as if it had never stopped', () => {
  const chain = goldenChain()
  const again = goldenChain()
  assert.equal(toHex(encodeChainState(chain.state)), toHex(encodeChainState(again.state)))
  const root = toHex(chain.state.frontier.root())
  const fork = chain.fork()
  fork.appendForged({ entries: [fork.entry(Uint8Array.of(0xa0))], timeMs: fork.state.timeMs })
  assert.equal(toHex(chain.state.frontier.root()), root, 'building a block left the state it was built on alone')
})
