import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import { type ChainFault, ChainVerifier, chainFaults, parseSignedHeader } from '../../../protocol/index.ts'
import { findingIn, type StoredBlock } from '../../helpers/chain.ts'
import { cachingCrypto } from '../../helpers/crypto.ts'
import { genesis, goldenChain, goldenRecords, startMs } from '../../helpers/golden-chain.ts'
import { faultsOfBlocks } from './faults-of-blocks.ts'
import { emptyPublish, erasedChain, faultsOfErasures, honestErasures } from './faults-of-erasures.ts'
import { faultsOfKinds, honestChains } from './faults-of-kinds.ts'
import { faultsOfRecords, signed } from './faults-of-records.ts'
import { faultsOfTrust } from './faults-of-trust.ts'

const crypto = cachingCrypto(nativeCrypto)
const scenarios = [...faultsOfBlocks, ...faultsOfTrust, ...faultsOfRecords, ...faultsOfKinds, ...faultsOfErasures]
const produced = new Set<ChainFault>()

describe('a fault is found with its cause, block and index', () => {
  for (const { name, finds, blocks, options } of scenarios) {
    const [cause, block, index] = finds
    test(`${cause}: ${name}`, async () => {
      assert.deepEqual(await findingIn(blocks, { crypto, ...options }), { cause, block, index })
      produced.add(cause)
    })
  }
})

describe('no fault is found in an honest chain', () => {
  const { blocks } = goldenChain()
  const head = (height: number) => (blocks[height] as StoredBlock).signed

  test('that enrols, signs and revokes', async () => {
    const verifier = new ChainVerifier({ crypto })
    for (const { key, encoded } of blocks) assert.equal(await verifier.add(key, encoded), undefined)
    assert.equal(await verifier.finish(), undefined)
    assert.deepEqual(verifier.summary, {
      blocks: 4,
      records: 6,
      signatures: 1,
      erased: { bodies: 0, records: 0 },
      genesis,
    })
  })
  for (const [name, chain] of [...honestChains, ...honestErasures]) {
    test(name, async () => assert.equal(await findingIn(chain, { crypto }), undefined))
  }
  test('in which what is erased is counted, and no signature over it', async () => {
    const all = { what: 'records', ranges: [[2, 3]], seqs: [] } as const
    const verifier = new ChainVerifier({ crypto })
    for (const { key, encoded } of erasedChain([all, { ranges: [[4, 5]] }], undefined, [emptyPublish])) {
      assert.equal(await verifier.add(key, encoded), undefined)
    }
    assert.equal(await verifier.finish(), undefined)
    // Of the three signed publishes one is gone, another one has lost its payload.
    const erased = { bodies: 2, records: 2 }
    assert.deepEqual(verifier.summary, { blocks: 7, records: 10, signatures: 1, erased, genesis })
  })
  test('that was not read to its end, where what is gone may be announced', async () => {
    const verifier = new ChainVerifier({ crypto })
    for (const { key, encoded } of erasedChain([{}]).slice(0, 4)) {
      assert.equal(await verifier.add(key, encoded), undefined)
    }
    assert.equal(await verifier.finish(false), undefined)
    assert.deepEqual(await verifier.finish(), { cause: 'erased-unannounced', block: 1, index: 2 })
  })
  test('of one block', async () => {
    assert.equal(await findingIn(blocks.slice(0, 1), { crypto }), undefined)
  })
  test('that contains the kept header, at its end or further down', async () => {
    for (const height of [0, 1, 2, 3]) {
      assert.equal(await findingIn(blocks, { crypto, head: head(height) }), undefined, `head ${height}`)
    }
  })
  test('whose kept header is the same header under another valid signature', async () => {
    const { signer } = goldenChain()
    const again = signer.sign(parseSignedHeader(head(3)).encodedHeader)
    assert.equal(await findingIn(blocks, { crypto, head: again }), undefined)
  })
  test('in which sequence numbers come out of order, each once, within the window', async () => {
    const chain = goldenChain(2)
    chain.append(
      [1024, 1, 500, 0x1_0000, 0x1_0000 - 1023, 0x1_0000 - 1].map((seq) => signed(seq)),
      startMs + 2000,
    )
    assert.equal(await findingIn(chain.blocks, { crypto }), undefined)
  })
  test('in which a key signs right after its enrolment and right before its revocation, in one block', async () => {
    const chain = goldenChain(1)
    const { 'key-enroll': enroll, 'key-revoke': revoke } = goldenRecords(crypto)
    const timeMs = startMs + 2000
    const at = <T extends { readonly record: object }>(r: T) => ({ ...r, record: { ...r.record, timeMs } })
    chain.append([at(enroll), signed(1), at(revoke)], timeMs)
    assert.equal(await findingIn(chain.blocks, { crypto }), undefined)
  })
})

describe('verification of signatures from an index on', () => {
  test('still finds every other fault', async () => {
    for (const { name, finds, blocks, options } of scenarios) {
      if (finds[0] === 'signature-invalid') continue
      const finding = await findingIn(blocks, { crypto, ...options, signaturesFrom: Number.MAX_SAFE_INTEGER })
      assert.deepEqual(finding, { cause: finds[0], block: finds[1], index: finds[2] }, name)
    }
  })
  test('passes over bad ones below that index, and finds them at it', async () => {
    const bad = scenarios.filter(({ name }) => name === 'a signature that was changed')
    assert.equal(bad.length, 1)
    for (const { finds, blocks } of bad) {
      const index = finds[2]
      assert.equal(await findingIn(blocks, { crypto, signaturesFrom: index + 1 }), undefined)
      assert.equal((await findingIn(blocks, { crypto, signaturesFrom: index }))?.cause, 'signature-invalid')
    }
  })
  test('counts only those that it verified', async () => {
    const verifier = new ChainVerifier({ crypto, signaturesFrom: 4 })
    for (const { key, encoded } of goldenChain().blocks) await verifier.add(key, encoded)
    assert.equal(verifier.summary.signatures, 0)
  })
})

test('every fault that verification can find was produced above', () => {
  assert.deepEqual([...produced].sort(), Object.keys(chainFaults).sort())
})
