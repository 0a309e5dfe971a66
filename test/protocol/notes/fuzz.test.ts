import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import {
  checkpointText,
  encodeAddCheckpoint,
  encodeSignatureLines,
  encodeTlogProof,
  encodeTreeSize,
  parseAddCheckpoint,
  parseCheckpointText,
  parseSignedNote,
  parseTlogProof,
  parseTreeSize,
  parseVerifierKey,
  parseWitnessPolicy,
  signatureBy,
  signCheckpoint,
  withCosignatures,
} from '../../../protocol/index.ts'
import { noteErrorOf } from '../../helpers/note-codes.ts'
import { logKey, witnessKey } from '../../helpers/notes.ts'
import { mutated, SeededRandom } from '../../helpers/random.ts'

const log = logKey('example.com/log', 1)
const witness = witnessKey('example.com/w', 2)
const head = { origin: 'example.com/log', treeSize: 9n, rootHash: new Uint8Array(32).fill(200) }
const checkpoint = signCheckpoint(head, log.signer)
const path = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(255)]
const latin1 = new TextDecoder('latin1')

/** What each parser reads, and a good input of it. */
const parsers: Record<string, readonly [string, (input: Uint8Array) => unknown]> = {
  'signed note': [checkpoint, parseSignedNote],
  'text of a checkpoint': [checkpointText(head), (input) => parseCheckpointText(latin1.decode(input))],
  'verifier key': [log.vkey, (input) => parseVerifierKey(latin1.decode(input), nativeCrypto)],
  '.tlog-proof': [encodeTlogProof({ extra: path[0] as Uint8Array, leafIndex: 5n, path, checkpoint }), parseTlogProof],
  'witness policy': [
    `log ${log.vkey}\nwitness W ${witness.vkey} url\ngroup G 1 W\nquorum G\n`,
    (input) => parseWitnessPolicy(input, nativeCrypto),
  ],
  'add-checkpoint': [encodeAddCheckpoint({ oldSize: 5n, path, checkpoint }), parseAddCheckpoint],
  'answer 200': [
    encodeSignatureLines([signatureBy(witness.signer, checkpointText(head))]),
    (input) => withCosignatures(checkpoint, input, [witness.verifier]),
  ],
  'answer 409': [encodeTreeSize(123n), parseTreeSize],
}

for (const [name, [good, parse]] of Object.entries(parsers)) {
  test(`${name}: whatever the bytes, they are read or refused with a code`, () => {
    const random = new SeededRandom(6)
    const original = new TextEncoder().encode(good)
    assert.equal(
      noteErrorOf(() => parse(original)),
      undefined,
    )
    let refused = 0
    for (let i = 0; i < 400; i++) {
      const input = i % 4 === 0 ? random.bytes(random.below(200)) : mutated(original, random)
      if (noteErrorOf(() => parse(input)) !== undefined) refused++
    }
    assert.ok(refused >= 200, String(refused))
  })
}
