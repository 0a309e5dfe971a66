import assert from 'node:assert/strict'
import { test } from 'node:test'
import { witnessKey } from '../../helpers/notes.ts'
import { assertRefused, interpretText } from './support.ts'

const [one, two, three] = [2, 3, 4].map((n) => witnessKey(`example.com/w${n}`, n).vkey)
const lines = `notary_witness w1 ${one}\nnotary_witness w2 ${two}\nnotary_witness w3 ${three}\n`

for (const [word, quorum] of [
  ['', 3],
  ['all', 3],
  ['any', 1],
  ['2', 2],
] as const) {
  test(`of three witnesses ${quorum} must cosign where the quorum is ${word === '' ? 'not said' : word}`, () => {
    const line = word === '' ? '' : `notary_witness_quorum ${word}\n`
    for (const text of [lines + line, line + lines]) {
      const { options, mistakes } = interpretText(text)
      assert.deepEqual(mistakes, [])
      assert.deepEqual([options?.witnessQuorum, options?.witnesses?.length], [quorum, 3])
    }
  })
}

test('a quorum of more witnesses than there are is refused at its line, a second witness of one name or key at its own', () => {
  assertRefused(`${lines}notary_witness_quorum 4\n`, 'ERR_CONFIG_VALUE_INVALID', 4)
  assertRefused(`notary_witness_quorum 4\n${lines}`, 'ERR_CONFIG_VALUE_INVALID', 1)
  assertRefused(`${lines}notary_witness w1 ${witnessKey('example.com/w9', 9).vkey}\n`, 'ERR_CONFIG_VALUE_INVALID', 4)
  assertRefused(`notary_witness_quorum 2\n${lines}notary_witness w4 ${one}\n`, 'ERR_CONFIG_VALUE_INVALID', 5)
})
