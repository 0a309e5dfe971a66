import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import {
  checkpointText,
  encodeSignedNote,
  encodeTlogProof,
  parseTlogProof,
  parseWitnessPolicy,
  signatureBy,
  verifyTlogProof,
} from '../../../protocol/index.ts'
import { bytesOf, fcSeed } from '../../helpers/arbitraries.ts'
import { withBitFlipped } from '../../helpers/bits.ts'
import { throwsCode } from '../../helpers/codes.ts'
import { naiveInclusion, naiveRoot, numberedLeafHashes } from '../../helpers/naive-tree.ts'
import { throwsNoteCode } from '../../helpers/note-codes.ts'
import { logKey, witnessKey } from '../../helpers/notes.ts'
import { vectorText } from '../../helpers/vectors.ts'

const origin = 'example.com/log'
const log = logKey(origin, 1)
const witness = witnessKey('example.com/w', 2)
const lines = `log ${log.vkey}\nwitness W ${witness.vkey}\nquorum W\n`
const policy = parseWitnessPolicy(lines, nativeCrypto)
const leaves = numberedLeafHashes(13)
const leaf = (index: number) => leaves[index] as Uint8Array
const text = checkpointText({ origin, treeSize: 13n, rootHash: naiveRoot(leaves) })
const signatures = [signatureBy(log.signer, text), signatureBy(witness.signer, text)]
const checkpoint = encodeSignedNote({ text, signatures })
const proofOf = (index: number) =>
  encodeTlogProof({ leafIndex: BigInt(index), path: naiveInclusion(index, leaves), checkpoint })

test('a proof is read as what it was written from', () => {
  const extra = fc.option(fc.uint8Array({ minLength: 1, maxLength: 40 }), { nil: undefined })
  const path = fc.array(bytesOf(32), { maxLength: 8 })
  fc.assert(
    fc.property(fc.bigInt(0n, 2n ** 64n - 1n), path, extra, (leafIndex, hashes, given) => {
      const proof = { leafIndex, path: hashes, checkpoint, ...(given === undefined ? {} : { extra: given }) }
      assert.deepEqual(parseTlogProof(encodeTlogProof(proof)), proof)
    }),
    { seed: fcSeed, numRuns: 40 },
  )
})

describe('a proof verifies', () => {
  test('for each leaf, and for no other', () => {
    for (let index = 0; index < leaves.length; index++) {
      const verified = verifyTlogProof(proofOf(index), leaf(index), policy, nativeCrypto)
      assert.deepEqual([verified.leafIndex, verified.opened.checkpoint.treeSize], [BigInt(index), 13n])
      const other = leaf((index + 1) % 13)
      throwsCode(() => verifyTlogProof(proofOf(index), other, policy, nativeCrypto), 'ERR_PROOF_INVALID')
    }
  })
  test('at its own index only', () => {
    for (let index = 1; index < leaves.length; index++) {
      const moved = proofOf(0).replace('\nindex 0\n', `\nindex ${index}\n`)
      throwsCode(() => verifyTlogProof(moved, leaf(0), policy, nativeCrypto), 'ERR_PROOF_INVALID')
    }
  })
  test('only with the witnesses that the policy demands', () => {
    const alone = encodeSignedNote({ text, signatures: signatures.slice(0, 1) })
    const proof = encodeTlogProof({ leafIndex: 3n, path: naiveInclusion(3, leaves), checkpoint: alone })
    throwsNoteCode(() => verifyTlogProof(proof, leaf(3), policy, nativeCrypto), 'ERR_WITNESS_QUORUM_NOT_MET')
  })
  test('with extra data, which nothing authenticates', () => {
    const parts = { leafIndex: 3n, path: naiveInclusion(3, leaves), checkpoint, extra: Uint8Array.of(1) }
    const { extra } = verifyTlogProof(encodeTlogProof(parts), leaf(3), policy, nativeCrypto)
    assert.deepEqual(extra, Uint8Array.of(1))
  })
})

test('with any single bit flipped a proof fails', () => {
  const proof = new TextEncoder().encode(proofOf(6))
  for (let bit = 0; bit < proof.length * 8; bit++) {
    const copy = withBitFlipped(proof, bit)
    assert.throws(
      () => verifyTlogProof(copy, leaf(6), policy, nativeCrypto),
      ({ name }: Error) => name === 'NoteError' || name === 'ProtocolError',
      `bit ${bit}`,
    )
  }
})

test('a proof is lines in one order and one form', () => {
  const good = proofOf(3)
  parseTlogProof(good)
  const refused = [
    '',
    good.replace('@v1', '@v2'),
    good.replace('index 3\n', ''),
    good.replace('index 3', 'index 03'),
    good.replace('index 3', 'index  3'),
    good.replace('index 3', 'extra \nindex 3'),
    good.replace('index 3', 'extra A\nindex 3'),
    good.replace('index 3', 'index 3\nextra AA=='),
    good.replace('index 3\n', 'index 3\nAAAA\n'),
    good.replace('index 3\n', `index 3\n${`${'A'.repeat(43)}=\n`.repeat(64)}`),
    good.slice(0, good.indexOf('\n\n')),
    good.replaceAll('\n', '\r\n'),
  ]
  for (const bad of refused) throwsNoteCode(() => parseTlogProof(bad), 'ERR_TLOG_PROOF_MALFORMED', JSON.stringify(bad))
  throwsNoteCode(() => parseTlogProof(good.slice(0, -1)), 'ERR_NOTE_MALFORMED')
})

test('a proof around a checkpoint of Tessera is read, and refused by a policy that does not know its log', () => {
  const foreign = encodeTlogProof({ leafIndex: 0n, path: [], checkpoint: vectorText('tessera-log/checkpoint.1') })
  throwsNoteCode(() => verifyTlogProof(foreign, leaf(0), policy, nativeCrypto), 'ERR_NOTE_UNTRUSTED')
})
