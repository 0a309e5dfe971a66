import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  checkpointText,
  encodeSignedNote,
  encodeVerifierKey,
  isQuorumMet,
  type NoteVerifier,
  nobleCrypto,
  noteKeyType,
  noteVerifierOf,
  openCheckpointUnder,
  openWitnessed,
  parseWitnessPolicy,
  signatureBy,
  verifierKey,
} from '../../../protocol/index.ts'
import { throwsNoteCode } from '../../helpers/note-codes.ts'
import { logKey, type TestNoteKey, witnessKey } from '../../helpers/notes.ts'

const origin = 'example.com/log'
const log = logKey(origin, 1)
const [x1, x2, x3, y1, y2] = [2, 3, 4, 5, 6].map((n) => witnessKey(`example.com/w${n}`, n)) as [
  TestNoteKey,
  TestNoteKey,
  TestNoteKey,
  TestNoteKey,
  TestNoteKey,
]
/** Two levels of groups, as the example of C2SP has them. */
const twoLevels = `# who watches us
log ${log.vkey} https://log.example/
 witness\tX1 ${x1.vkey} https://x1.example/prefix

witness X2 ${x2.vkey}
witness X3 ${x3.vkey}
group X-witnesses 2 X1 X2 X3
witness Y1 ${y1.vkey}
witness Y2 ${y2.vkey}
group Y-witnesses any Y1 Y2
group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
`
const policy = parseWitnessPolicy(twoLevels, nobleCrypto)
const text = checkpointText({ origin, treeSize: 5n, rootHash: new Uint8Array(32) })

function noteBy(...keys: readonly TestNoteKey[]): string {
  return encodeSignedNote({ text, signatures: keys.map(({ signer }) => signatureBy(signer, text)) })
}

describe('a policy', () => {
  test('is read line by line', () => {
    assert.deepEqual(
      policy.logs.map(({ verifier, url }) => [verifier.key.name, url]),
      [[origin, 'https://log.example/']],
    )
    assert.deepEqual(
      policy.witnesses.map(({ name, url }) => [name, url]),
      [['X1', 'https://x1.example/prefix'], ...['X2', 'X3', 'Y1', 'Y2'].map((name) => [name, undefined])],
    )
    assert.deepEqual(
      policy.groups.map(({ name, threshold }) => [name, threshold]),
      [
        ['X-witnesses', 2],
        ['Y-witnesses', 1],
        ['X-and-Y', 2],
      ],
    )
    assert.equal(policy.quorum, 'X-and-Y')
    assert.deepEqual(parseWitnessPolicy(new TextEncoder().encode(twoLevels), nobleCrypto).groups, policy.groups)
  })
  test('is met by k of n, through groups of groups', () => {
    const met = (...names: string[]) => isQuorumMet(policy, new Set(names))
    assert.deepEqual([met('X1', 'X3', 'Y2'), met('X1', 'X2', 'X3', 'Y1', 'Y2')], [true, true])
    assert.deepEqual(
      [met(), met('X1', 'Y1', 'Y2'), met('X1', 'X2', 'X3'), met('Y1', 'Y2')],
      [false, false, false, false],
    )
  })
  test('of one witness, or of none, needs no group', () => {
    const one = parseWitnessPolicy(`witness W ${x1.vkey}\nquorum W`, nobleCrypto)
    assert.deepEqual([isQuorumMet(one, new Set(['W'])), isQuorumMet(one, new Set())], [true, false])
    const none = parseWitnessPolicy('quorum none', nobleCrypto)
    assert.equal(isQuorumMet(none, new Set()), true)
  })
  test('may have 32 logs, witnesses and groups', () => {
    const numbers = Array.from({ length: 32 }, (_, i) => i)
    const lines = numbers.flatMap((n) => [
      `log ${logKey(`log${n}`, 100 + n).vkey}`,
      `witness W${n} ${witnessKey(`w${n}`, 100 + n).vkey}`,
      `group G${n} any W${n}${n === 0 ? '' : ` G${n - 1}`}`,
    ])
    const large = parseWitnessPolicy([...lines, 'quorum G31'].join('\n'), nobleCrypto)
    assert.equal(isQuorumMet(large, new Set(['W0'])), true)
  })
})

describe('a checkpoint', () => {
  test('is opened under a policy when its log and enough witnesses signed it, and tells which', () => {
    const opened = openCheckpointUnder(policy, noteBy(log, x1, x2, y2))
    assert.deepEqual([...opened.cosignedBy], ['X1', 'X2', 'Y2'])
    assert.equal(opened.checkpoint.treeSize, 5n)
  })
  test('is refused when too few cosigned it; one witness twice is one', () => {
    const note = noteBy(log, x1, x1, y1)
    throwsNoteCode(() => openCheckpointUnder(policy, note), 'ERR_WITNESS_QUORUM_NOT_MET')
    assert.deepEqual([...openWitnessed(policy, note).cosignedBy], ['X1', 'Y1'])
  })
  test('is refused when the witnesses signed it and the log did not', () => {
    throwsNoteCode(() => openCheckpointUnder(policy, noteBy(x1, x2, y1)), 'ERR_NOTE_UNTRUSTED')
  })
})

test('a witness with ML-DSA-44 is kept and never counts, unless somebody brings a verifier', () => {
  const key = verifierKey('pq', noteKeyType.mlDsa44Cosignature, new Uint8Array(1312), nobleCrypto)
  const lines = `log ${log.vkey}\nwitness PQ ${encodeVerifierKey(key)}\nquorum PQ`
  const cosignature = { name: 'pq', keyId: key.keyId, signature: new Uint8Array(2428) }
  const note = encodeSignedNote({ text, signatures: [signatureBy(log.signer, text), cosignature] })
  const without = parseWitnessPolicy(lines, nobleCrypto)
  throwsNoteCode(() => openCheckpointUnder(without, note), 'ERR_WITNESS_QUORUM_NOT_MET')
  const plugged = parseWitnessPolicy(lines, nobleCrypto, (of, crypto): NoteVerifier | undefined =>
    of.type === noteKeyType.mlDsa44Cosignature ? { key: of, isValid: () => true } : noteVerifierOf(of, crypto),
  )
  assert.deepEqual([...openCheckpointUnder(plugged, note).cosignedBy], ['PQ'])
})

describe('a policy is refused', () => {
  const [w, v] = [`witness W ${x1.vkey}`, `witness V ${x2.vkey}`]
  const refused: Record<string, readonly [number | undefined, string]> = {
    'without a quorum': [2, `${w}\n`],
    'with two': [3, `${w}\nquorum W\nquorum none`],
    'with a quorum that is defined later': [1, `quorum W\n${w}`],
    'with a quorum of two': [3, `${w}\n${v}\nquorum W V`],
    'with a word that it does not know': [1, 'witnesses none'],
    'with a log without a key': [1, 'log'],
    'with a log and too many words': [1, `log ${log.vkey} url more`],
    'with the key of a witness for a log': [1, `log ${x1.vkey}`],
    'with the key of a log for a witness': [1, `witness W ${log.vkey}`],
    'with a key that is damaged': [1, `witness W ${x1.vkey.replace(/.$/, '!')}`],
    'with one log twice': [2, `log ${log.vkey}\nlog ${logKey('other', 1).vkey}`],
    'with one witness under two names': [2, `${w}\nwitness V ${witnessKey('other', 2).vkey}`],
    'with one name for two witnesses': [2, `${w}\nwitness W ${x2.vkey}`],
    'with a witness called none': [1, `witness none ${x1.vkey}`],
    'with none in a group': [2, `${w}\ngroup G any W none`],
    'with a group before its members': [1, `group G any W\n${w}`],
    'with a group of itself': [2, `${w}\ngroup G any W G`],
    'with a group of nobody': [2, `${w}\ngroup G any`],
    'with a member of two groups': [3, `${w}\ngroup G any W\ngroup H any W`],
    'with one member twice in a group': [2, `${w}\ngroup G any W W`],
    'with a threshold of 0': [2, `${w}\ngroup G 0 W`],
    'with a threshold above the members': [2, `${w}\ngroup G 2 W`],
    'with a threshold that is no decimal': [2, `${w}\ngroup G 01 W`],
    'with a carriage return': [undefined, `${w}\r\nquorum W`],
    'with a DEL': [1, `# \u007f\nquorum none`],
  }
  for (const [why, [line, lines]] of Object.entries(refused)) {
    test(why, () => {
      const error = throwsNoteCode(() => parseWitnessPolicy(lines, nobleCrypto), 'ERR_WITNESS_POLICY_INVALID')
      assert.equal(error.details.line, line)
    })
  }
})
