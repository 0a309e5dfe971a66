import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  checkpointText,
  ed25519NoteVerifier,
  encodeSignedNote,
  nobleCrypto,
  openCheckpoint,
  parseCheckpointText,
  parseSignedNote,
  parseVerifierKey,
  signatureBy,
  signCheckpoint,
  signNote,
  toHex,
} from '../../../protocol/index.ts'
import { bytesOf, fcSeed } from '../../helpers/arbitraries.ts'
import { withBitFlipped } from '../../helpers/bits.ts'
import { naiveRoot } from '../../helpers/naive-tree.ts'
import { throwsNoteCode } from '../../helpers/note-codes.ts'
import { logKey, witnessKey } from '../../helpers/notes.ts'
import { readTesseraLeafHashes } from '../../helpers/tessera.ts'
import { vectorText } from '../../helpers/vectors.ts'

/** From the script that built the log of the vectors, `testdata/build_log.sh` upstream. */
const tesseraKey = 'example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx'

test('all 16 checkpoints of Tessera are signed by its log, and their roots are those of its entries', () => {
  const verifier = ed25519NoteVerifier(parseVerifierKey(tesseraKey, nobleCrypto), nobleCrypto)
  for (let size = 0; size <= 15; size++) {
    const note = vectorText(`tessera-log/checkpoint.${size}`)
    const { checkpoint, text } = openCheckpoint(note, [verifier])
    assert.equal(checkpoint.treeSize, BigInt(size))
    const leafHashes = size === 0 ? [] : readTesseraLeafHashes(size)
    assert.equal(toHex(checkpoint.rootHash), toHex(naiveRoot(leafHashes)))
    assert.equal(checkpointText(checkpoint), text)
    assert.equal(encodeSignedNote(parseSignedNote(note)), note)
  }
})

const origin = 'example.com/log'
const log = logKey(origin, 1)
const witness = witnessKey('witness.example/w1', 2)
const checkpoint = { origin, treeSize: 5n, rootHash: new Uint8Array(32).fill(7) }
const text = checkpointText(checkpoint)

test('a checkpoint is read as what was signed, of any size below 2^64', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 2n ** 64n - 1n), bytesOf(32), (treeSize, rootHash) => {
      const note = signCheckpoint({ origin, treeSize, rootHash }, log.signer)
      assert.deepEqual(openCheckpoint(note, [log.verifier]).checkpoint, { origin, treeSize, rootHash, extensions: [] })
    }),
    { seed: fcSeed, numRuns: 30 },
  )
})

test('with any single bit flipped a checkpoint is not opened', () => {
  const note = new TextEncoder().encode(signCheckpoint(checkpoint, log.signer))
  for (let bit = 0; bit < note.length * 8; bit++) {
    const copy = withBitFlipped(note, bit)
    assert.throws(() => openCheckpoint(copy, [log.verifier]), { name: 'NoteError' }, `bit ${bit}`)
  }
})

describe('a checkpoint is not opened', () => {
  test('without the signature of its log, whoever else signed it', () => {
    const other = logKey('example.com/other', 3)
    for (const key of [witness, other]) {
      const note = signNote(text, [key.signer])
      throwsNoteCode(
        () => openCheckpoint(note, [log.verifier, other.verifier], [witness.verifier]),
        'ERR_NOTE_UNTRUSTED',
      )
    }
  })
  test('when the log signed it under another name than its origin', () => {
    const renamed = logKey('example.com/log2', 1)
    const note = signNote(text, [renamed.signer])
    throwsNoteCode(() => openCheckpoint(note, [renamed.verifier]), 'ERR_NOTE_UNTRUSTED')
    assert.throws(() => signCheckpoint(checkpoint, renamed.signer), RangeError)
  })
  test('when a witness that is known did not cosign what it is said to have', () => {
    const cosignature = signatureBy(witness.signer, checkpointText({ ...checkpoint, treeSize: 6n }))
    const note = encodeSignedNote({ text, signatures: [signatureBy(log.signer, text), cosignature] })
    throwsNoteCode(() => openCheckpoint(note, [log.verifier], [witness.verifier]), 'ERR_NOTE_SIGNATURE_INVALID')
    openCheckpoint(note, [log.verifier])
  })
  test('when the log signed a text that is none', () => {
    const note = signNote('hello\n', [log.signer])
    throwsNoteCode(() => openCheckpoint(note, [log.verifier]), 'ERR_CHECKPOINT_MALFORMED')
  })
})

test('the text of a checkpoint is three lines in one form', () => {
  const [, , root = ''] = text.split('\n')
  assert.deepEqual(parseCheckpointText(`${text}more\n`).extensions, ['more'])
  const refused = [
    '',
    text.slice(0, -1),
    `\n5\n${root}\n`,
    `a b\n5\n${root}\n`,
    ...['', '05', '+5', '-5', '5 ', '0x5', '1e3', '18446744073709551616'].map(
      (size) => `${origin}\n${size}\n${root}\n`,
    ),
    `${origin}\n5\n`,
    `${origin}\n5\n${root.slice(4)}\n`,
    `${origin}\n5\n${root.replace('=', '')}\n`,
    `${origin}\n5\n${root.replaceAll('B', '-')}\n`,
    `${text}\nmore\n`,
  ]
  for (const bad of refused)
    throwsNoteCode(() => parseCheckpointText(bad), 'ERR_CHECKPOINT_MALFORMED', JSON.stringify(bad))
})

test('a checkpoint that nobody could read is not written', () => {
  const bad = [{ origin: 'a b' }, { treeSize: -1n }, { treeSize: 2n ** 64n }, { rootHash: new Uint8Array(31) }]
  for (const change of bad) assert.throws(() => checkpointText({ ...checkpoint, ...change }), RangeError)
})
