import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { knownBrokerKey, rememberBroker } from '../../clients/identity/index.ts'
import { key11, keyMeriadoc, publicOf } from '../helpers/keys.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

test('a broker is known by the key it was first met with, in a file that only its owner reads', (t) => {
  const file = join(temporaryDirectory(t), 'deep', 'known-brokers')
  assert.equal(knownBrokerKey(file, 'a:1883'), undefined)
  rememberBroker(file, 'a:1883', key11)
  rememberBroker(file, 'b:1883', keyMeriadoc)
  assert.deepEqual(knownBrokerKey(file, 'a:1883'), publicOf(key11))
  assert.deepEqual(knownBrokerKey(file, 'b:1883'), publicOf(keyMeriadoc))
  assert.equal(knownBrokerKey(file, 'a:18830'), undefined)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  writeFileSync(file, `# mine\n\n${readFileSync(file, 'utf8')}`)
  assert.deepEqual(knownBrokerKey(file, 'a:1883'), publicOf(key11))
})

for (const line of ['a:1883', 'a:1883 !', 'a:1883 oWE', 'a:1883 x y']) {
  test(`the line ${JSON.stringify(line)} is no known broker`, (t) => {
    const file = join(temporaryDirectory(t), 'known-brokers')
    writeFileSync(file, `${line}\n`)
    assert.throws(() => knownBrokerKey(file, 'a:1883'), { code: 'ERR_KNOWN_BROKERS' })
  })
}

test('a file that cannot be written is said so', (t) => {
  const directory = temporaryDirectory(t)
  assert.throws(() => rememberBroker(directory, 'a:1883', key11), { code: 'ERR_KNOWN_BROKERS' })
})
