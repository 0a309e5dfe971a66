import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import {
  checkpointText,
  emptyRoot,
  encodeAddCheckpoint,
  encodeSignatureLines,
  encodeTreeSize,
  parseAddCheckpoint,
  parseTreeSize,
  signatureBy,
  signCheckpoint,
  verifySubmittedTree,
  withCosignatures,
} from '../../../protocol/index.ts'
import { bytesOf, fcSeed } from '../../helpers/arbitraries.ts'
import { throwsCode } from '../../helpers/codes.ts'
import { naiveConsistency, naiveRoot, numberedLeafHashes } from '../../helpers/naive-tree.ts'
import { throwsNoteCode } from '../../helpers/note-codes.ts'
import { logKey, witnessKey } from '../../helpers/notes.ts'

const origin = 'example.com/log'
const log = logKey(origin, 1)
const witness = witnessKey('example.com/w1', 2)
const checkpoint = { origin, treeSize: 9n, rootHash: new Uint8Array(32).fill(1) }
const text = checkpointText(checkpoint)
const note = signCheckpoint(checkpoint, log.signer)

test('a request is read as what it was written from, with up to 63 hashes', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 2n ** 64n - 1n), fc.array(bytesOf(32), { maxLength: 63 }), (oldSize, path) => {
      const request = { oldSize, path, checkpoint: note }
      assert.deepEqual(parseAddCheckpoint(encodeAddCheckpoint(request)), request)
    }),
    { seed: fcSeed, numRuns: 30 },
  )
})

test('a request is lines in one form', () => {
  const hash = `${'A'.repeat(43)}=\n`
  assert.equal(
    encodeAddCheckpoint({ oldSize: 4n, path: [new Uint8Array(32)], checkpoint: note }),
    `old 4\n${hash}\n${note}`,
  )
  const refused = [
    '',
    note,
    `old\n\n${note}`,
    `old 04\n\n${note}`,
    `old -1\n\n${note}`,
    `Old 4\n\n${note}`,
    `old 4\nAAAA\n\n${note}`,
    `old 4\n${hash.repeat(64)}\n${note}`,
    `old 4\r\n\r\n${note}`,
  ]
  for (const bad of refused) throwsNoteCode(() => parseAddCheckpoint(bad), 'ERR_WITNESS_MESSAGE_MALFORMED', bad)
  throwsNoteCode(() => parseAddCheckpoint(`old 4\n\n${text}`), 'ERR_NOTE_MALFORMED')
})

describe('the tree of a request', () => {
  const leaves = numberedLeafHashes(9)
  const head = (size: number) => ({ treeSize: BigInt(size), rootHash: naiveRoot(leaves.slice(0, size)) })
  const submit = (oldSize: number, path: readonly Uint8Array[], oldRoot = head(oldSize).rootHash, newer = head(9)) =>
    verifySubmittedTree({ oldSize: BigInt(oldSize), path }, oldRoot, newer, nativeCrypto)
  test('extends any older one by its consistency proof', () => {
    for (let size = 1; size <= 9; size++) submit(size, naiveConsistency(size, leaves))
  })
  test('follows from nothing with an empty path only', () => {
    submit(0, [])
    throwsCode(() => submit(0, [leaves[0] as Uint8Array]), 'ERR_PROOF_INVALID')
  })
  test('is refused when it does not extend the older one, is smaller, or has another root at the same size', () => {
    const other = new Uint8Array(32)
    throwsCode(() => submit(5, naiveConsistency(5, leaves), other), 'ERR_PROOF_INVALID')
    throwsCode(() => submit(9, [], other), 'ERR_PROOF_INVALID')
    throwsCode(() => submit(9, [], undefined, head(8)), 'ERR_PROOF_INVALID')
  })
  test('without leaves has the root of the empty tree', () => {
    submit(0, [], undefined, { treeSize: 0n, rootHash: emptyRoot(nativeCrypto) })
    const forged = { treeSize: 0n, rootHash: new Uint8Array(32) }
    throwsCode(() => submit(0, [], undefined, forged), 'ERR_PROOF_INVALID')
  })
})

test('the size of an answer 409 is decimal and a line end', () => {
  for (const size of [0n, 20_852_014n, 2n ** 64n - 1n]) assert.equal(parseTreeSize(encodeTreeSize(size)), size)
  for (const bad of ['', '5', '05\n', '5\n\n', ' 5\n', '-1\n', '\n', '18446744073709551616\n']) {
    throwsNoteCode(() => parseTreeSize(bad), 'ERR_WITNESS_MESSAGE_MALFORMED', JSON.stringify(bad))
  }
})

describe('an answer 200', () => {
  const cosignature = signatureBy(witness.signer, text)
  const stranger = signatureBy(witnessKey('example.com/stranger', 7).signer, text)
  test('adds the cosignatures of known witnesses to the checkpoint, and no others', () => {
    const cosigned = withCosignatures(note, encodeSignatureLines([stranger, cosignature]), [witness.verifier])
    assert.equal(cosigned, note + encodeSignatureLines([cosignature]))
  })
  test('takes the place of an older cosignature of the same witness', () => {
    const earlier = signatureBy(witnessKey('example.com/w1', 2, 1_000).signer, text)
    const before = withCosignatures(note, encodeSignatureLines([earlier]), [witness.verifier])
    const after = withCosignatures(before, encodeSignatureLines([cosignature]), [witness.verifier])
    assert.equal(after, note + encodeSignatureLines([cosignature]))
  })
  test('is refused when a known witness signed something else, or it is no signature lines', () => {
    const other = signatureBy(witness.signer, checkpointText({ ...checkpoint, treeSize: 10n }))
    const answer = encodeSignatureLines([other])
    throwsNoteCode(() => withCosignatures(note, answer, [witness.verifier]), 'ERR_NOTE_SIGNATURE_INVALID')
    for (const bad of ['', '\n', 'hello\n']) {
      throwsNoteCode(() => withCosignatures(note, bad, [witness.verifier]), 'ERR_NOTE_MALFORMED', JSON.stringify(bad))
    }
    throwsNoteCode(() => withCosignatures(note, '\r\n', [witness.verifier]), 'ERR_WITNESS_MESSAGE_MALFORMED')
  })
})
