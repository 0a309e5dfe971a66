import assert from 'node:assert/strict'
import { createPrivateKey, sign } from 'node:crypto'
import { test } from 'node:test'
import {
  checkpointText,
  cosignatureTime,
  cosigner,
  encodeSignatureLines,
  nobleCrypto,
  openCheckpoint,
  signatureBy,
  signCheckpoint,
  toBase64url,
  toHex,
  withCosignatures,
} from '../../../protocol/index.ts'
import { withBitFlipped } from '../../helpers/bits.ts'
import { throwsNoteCode } from '../../helpers/note-codes.ts'
import { ed25519Key, logKey, witnessKey } from '../../helpers/notes.ts'

const origin = 'example.com/behind-the-sofa'
const log = logKey(origin, 1)
const timeSeconds = 1_679_315_147
const witness = witnessKey('witness.example.com/w1', 2, timeSeconds)
const checkpoint = { origin, treeSize: 20_852_163n, rootHash: new Uint8Array(32).fill(9) }
const text = checkpointText(checkpoint)

test('a cosignature is eight bytes of time and Ed25519 over the two lines of C2SP and the text', () => {
  const { seed, publicKey } = ed25519Key(2)
  const key = createPrivateKey({
    key: { kty: 'OKP', crv: 'Ed25519', d: toBase64url(seed), x: toBase64url(publicKey) },
    format: 'jwk',
  })
  const signed = sign(null, Buffer.from(`cosignature/v1\ntime 1679315147\n${text}`), key)
  assert.equal(toHex(signatureBy(witness.signer, text).signature), `00000000641850cb${toHex(signed)}`)
})

test('the id of a witness key is over type 04: the same key signs as a log under another id', () => {
  assert.notEqual(toHex(witness.signer.key.keyId), toHex(logKey('witness.example.com/w1', 2).signer.key.keyId))
})

test('a cosigned checkpoint opens with log and witness, and tells when it was cosigned', () => {
  const note = signCheckpoint(checkpoint, log.signer)
  const lines = encodeSignatureLines([signatureBy(witness.signer, text)])
  const cosigned = withCosignatures(note, lines, [witness.verifier])
  const { verified } = openCheckpoint(cosigned, [log.verifier], [witness.verifier])
  assert.deepEqual(
    verified.map(({ name }) => name),
    [origin, 'witness.example.com/w1'],
  )
  assert.equal(cosignatureTime(verified[1]?.signature ?? new Uint8Array()), timeSeconds)
})

test('with any bit of a cosignature flipped, its time included, it is not valid', () => {
  const { signature } = signatureBy(witness.signer, text)
  assert.equal(witness.verifier.isValid(text, signature), true)
  for (let bit = 0; bit < signature.length * 8; bit++) {
    const copy = withBitFlipped(signature, bit)
    assert.equal(witness.verifier.isValid(text, copy), false, `bit ${bit}`)
  }
  for (const length of [0, 8, 64, 71])
    assert.equal(witness.verifier.isValid(text, signature.subarray(0, length)), false)
})

test('a time is read from a view into a larger array, and not beyond 2^53', () => {
  const { signature } = signatureBy(witness.signer, text)
  assert.equal(cosignatureTime(Uint8Array.of(1, 2, 3, ...signature).subarray(3)), timeSeconds)
  assert.equal(cosignatureTime(new Uint8Array(72).fill(0xff)), undefined)
  for (const bad of [-1, 0.5, 2 ** 53]) assert.throws(() => cosigner('w', ed25519Key(2), bad, nobleCrypto), RangeError)
})

test('a witness cosigns checkpoints and nothing else', () => {
  throwsNoteCode(() => signatureBy(witness.signer, 'anything\n'), 'ERR_CHECKPOINT_MALFORMED')
})
