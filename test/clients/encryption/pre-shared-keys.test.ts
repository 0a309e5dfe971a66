import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { cipherByTopic, parsePreSharedKeys, preSharedKeyCipher } from '../../../clients/encryption/index.ts'
import { loadPreSharedKeys } from '../../../clients/identity/index.ts'
import { isEncryptedForm, maxMessagesPerKey, utf8 } from '../../../protocol/index.ts'
import { isClientError } from '../../helpers/client-codes.ts'
import { TestMemory } from '../../helpers/encryption-memory.ts'
import { key11, keyMeriadoc } from '../../helpers/keys.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

const hex16 = '000102030405060708090a0b0c0d0e0f'
const hex32 = hex16 + hex16
const payload = utf8('21.5')
const sender = key11.thumbprint

const cipherOf = (text: string, topics: readonly string[] = ['plant/#'], memory = new TestMemory()) =>
  preSharedKeyCipher({ keys: parsePreSharedKeys(text), topics, memory })

test('a file of pre-shared keys has 128 and 256 bits, in hexadecimal and both kinds of base64', () => {
  const bytes = Buffer.from(hex32, 'hex')
  const text = `# keys\n\na:${hex16}\nb b:${hex32.toUpperCase()}\r\nc:${bytes.toString('base64')}\nd:${bytes.toString('base64url')}\n`
  const keys = parsePreSharedKeys(text)
  assert.deepEqual(
    keys.map(({ id }) => Buffer.from(id).toString()),
    ['a', 'b b', 'c', 'd'],
  )
  assert.deepEqual(
    keys.map(({ key }) => Buffer.from(key).toString('hex')),
    [hex16, hex32, hex32, hex32],
  )
})

test('a file of pre-shared keys with a line that is none, or with none at all, is refused, and its content not told', () => {
  for (const text of [
    '',
    '# a',
    hex16,
    `:${hex16}`,
    'a:',
    'a:0001',
    `a:${hex16}00`,
    `a:${hex16}g`,
    `a:${hex16}\na:${hex32}`,
  ]) {
    assert.throws(
      () => parsePreSharedKeys(text),
      (error: Error) => isClientError('ERR_ENCRYPTION_KEYS')(error) && !error.message.includes(hex16),
      text,
    )
  }
  assert.throws(() => parsePreSharedKeys(`${'a'.repeat(65)}:${hex16}`), isClientError('ERR_ENCRYPTION_KEYS'))
})

test('a file of pre-shared keys that others may read, that is missing or a directory, is refused', (t) => {
  const path = join(temporaryDirectory(t), 'keys')
  assert.throws(() => loadPreSharedKeys(path), isClientError('ERR_ENCRYPTION_KEYS'))
  writeFileSync(path, `a:${hex16}\n`, { mode: 0o600 })
  assert.equal(loadPreSharedKeys(path).length, 1)
  for (const mode of [0o640, 0o604, 0o620]) {
    chmodSync(path, mode)
    assert.throws(() => loadPreSharedKeys(path), isClientError('ERR_ENCRYPTION_KEYS'), mode.toString(8))
  }
  const directory = join(temporaryDirectory(t), 'directory')
  mkdirSync(directory, { mode: 0o700 })
  assert.throws(() => loadPreSharedKeys(directory), isClientError('ERR_ENCRYPTION_KEYS'))
})

test('clients with the same key read each other, with A128GCM and A256GCM, and messages that nobody signs', async () => {
  for (const text of [`k:${hex16}`, `k:${hex32}`]) {
    for (const from of [sender, undefined]) {
      const message = await cipherOf(text).seal('plant/1', payload, from)
      assert.equal(isEncryptedForm(message), true)
      assert.equal(Buffer.from(await cipherOf(text).open('plant/1', message, from)).toString(), '21.5')
      const others = cipherOf(text).open('plant/1', message, keyMeriadoc.thumbprint)
      await assert.rejects(others, isClientError('ERR_NOT_DECRYPTED'))
    }
  }
})

test('a new key is handed out by adding it at the end, then moving it to the top: all keys decrypt, the first encrypts', async () => {
  const [before, during, after] = [`a:${hex16}`, `a:${hex16}\nb:${hex32}`, `b:${hex32}\na:${hex16}`].map((text) =>
    cipherOf(text),
  )
  assert.ok(before && during && after)
  const old = await during.seal('plant/1', payload, sender)
  assert.equal((await before.open('plant/1', old, sender)).length, 4)
  assert.equal((await after.open('plant/1', old, sender)).length, 4)
  const fresh = await after.seal('plant/1', payload, sender)
  assert.equal((await during.open('plant/1', fresh, sender)).length, 4)
  await assert.rejects(before.open('plant/1', fresh, sender), isClientError('ERR_NO_ENCRYPTION_KEY'))
})

test('what is not encrypted, or is cut off, does not open', async () => {
  const cipher = cipherOf(`k:${hex16}`)
  const message = await cipher.seal('plant/1', payload, sender)
  for (const wrong of [payload, new Uint8Array(0), message.subarray(0, -1)]) {
    await assert.rejects(cipher.open('plant/1', wrong, sender), isClientError('ERR_NOT_DECRYPTED'))
  }
})

test('a cipher covers its topics, but never those that carry keys; for others it has no key', async () => {
  const cipher = cipherOf(`k:${hex16}`, ['#'])
  assert.ok(cipher.covers('plant/1') && !cipher.covers('$SYS/x'))
  for (const topic of ['notarymq/pairwise/a/b/offer', 'notarymq/topic-key/a/b', '$notary/admin/request']) {
    assert.equal(cipher.covers(topic), false, topic)
    await assert.rejects(cipher.seal(topic, payload, sender), isClientError('ERR_NO_ENCRYPTION_KEY'))
  }
  assert.throws(() => cipherOf(`k:${hex16}`, ['a/#/b']), isClientError('ERR_ENCRYPTION_KEYS'))
})

test('of several ciphers the first that covers a topic is used, and none other instead', async () => {
  const [narrow, wide] = [cipherOf(`narrow:${hex16}`, ['plant/1']), cipherOf(`wide:${hex32}`)]
  const both = cipherByTopic(narrow, wide)
  assert.deepEqual(
    ['plant/1', 'plant/2', 'home'].map((topic) => both.covers(topic)),
    [true, true, false],
  )
  for (const [topic, cipher] of [
    ['plant/1', narrow],
    ['plant/2', wide],
  ] as const) {
    const message = await both.seal(topic, payload, sender)
    assert.equal(Buffer.from(await cipher.open(topic, message, sender)).toString(), '21.5')
    assert.equal(Buffer.from(await both.open(topic, message, sender)).toString(), '21.5')
  }
  await assert.rejects(both.seal('home', payload, sender), isClientError('ERR_NO_ENCRYPTION_KEY'))
})

test('messages under a key are counted before they are made, each sender its own, and end at 2^32', async () => {
  const memory = new TestMemory()
  const cipher = cipherOf(`k:${hex16}`, ['plant/#'], memory)
  for (let i = 0; i < 3; i++) await cipher.seal('plant/1', payload, sender)
  await cipher.seal('plant/1', payload, undefined)
  const counted = [...memory.counts.values()]
  assert.equal(counted.length, 2)
  assert.ok(counted.every((count) => count >= 3 && count <= 1024))
  // The same key from a file that was written again, under another name.
  for (const name of memory.counts.keys()) memory.counts.set(name, maxMessagesPerKey)
  const renamed = cipherOf(`other:${hex16}`, ['plant/#'], memory)
  await assert.rejects(renamed.seal('plant/1', payload, sender), isClientError('ERR_KEY_EXHAUSTED'))
})
