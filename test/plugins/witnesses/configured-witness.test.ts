import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faultOfWitness, faultOfWitnesses, nativeCrypto } from '../../../plugins/index.ts'
import { retryDelayMs } from '../../../plugins/witnesses/retry-delay.ts'
import { logKey, witnessKey } from '../../helpers/notes.ts'

const { vkey } = witnessKey('example.com/w1', 2)

test('a witness has a name of one word, a key that makes cosignatures, and a URL of nothing but a place', () => {
  const url = 'https://witness.example:8443/some/prefix'
  assert.equal(faultOfWitness({ name: 'w1', vkey }, nativeCrypto), undefined)
  assert.equal(faultOfWitness({ name: 'w1', vkey, url }, nativeCrypto), undefined)
  const wrong = [
    { name: '', vkey },
    { name: 'two words', vkey },
    { name: 'x'.repeat(65), vkey },
    { name: 'w1', vkey: logKey('example.com/w1', 2).vkey },
    { name: 'w1', vkey: vkey.slice(0, -4) },
    ...['', 'witness.example', 'ftp://witness.example', 'https://user:pw@witness.example', `${url}?a`, `${url}#a`].map(
      (other) => ({ name: 'w1', vkey, url: other }),
    ),
  ]
  for (const witness of wrong)
    assert.notEqual(faultOfWitness(witness, nativeCrypto), undefined, JSON.stringify(witness))
})

test('no witness counts twice, and a quorum is one that can be met', () => {
  const other = { name: 'w2', vkey: witnessKey('example.com/w2', 3).vkey }
  const first = { name: 'w1', vkey }
  assert.equal(faultOfWitnesses([], 0), undefined)
  assert.equal(faultOfWitnesses([first, other], 1), undefined)
  assert.equal(faultOfWitnesses([first, other], 2), undefined)
  for (const quorum of [0, 3, 1.5, -1]) assert.notEqual(faultOfWitnesses([first, other], quorum), undefined)
  assert.notEqual(faultOfWitnesses([], 1), undefined)
  assert.notEqual(faultOfWitnesses([first, { ...other, name: 'w1' }], 1), undefined)
  assert.notEqual(faultOfWitnesses([first, { ...first, name: 'w2' }], 1), undefined)
  const renamed = witnessKey('example.com/other-name', 2).vkey
  assert.notEqual(faultOfWitnesses([first, { name: 'w2', vkey: renamed }], 1), undefined, 'one key under two names')
})

test('waits double from a second to five minutes, give or take a half', () => {
  assert.deepEqual(
    [1, 2, 3, 9, 10, 1000].map((failures) => retryDelayMs(failures, 0.5)),
    [1000, 2000, 4000, 256_000, 300_000, 300_000],
  )
  assert.equal(retryDelayMs(1, 0), 500)
  assert.equal(retryDelayMs(1, 0.999), 1499)
})
