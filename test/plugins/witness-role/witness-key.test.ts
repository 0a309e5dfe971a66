import assert from 'node:assert/strict'
import { readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { nativeCrypto, openWitnessIdentity, type PluginErrorCode, WitnessState } from '../../../plugins/index.ts'
import { noteKeyType, parseVerifierKey } from '../../../protocol/index.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

/** Opens what is in a directory as a start does, and closes it again. */
async function open(directory: string, { name, key = 'witness.pem', db = 'db' }: Names = {}) {
  const state = await WitnessState.open(join(directory, db))
  try {
    return await openWitnessIdentity(join(directory, key), name, state)
  } finally {
    await state.close()
  }
}

interface Names {
  readonly name?: string
  readonly key?: string
  readonly db?: string
}

const refused = (promise: Promise<unknown>, code: PluginErrorCode) => assert.rejects(promise, { code })
const scene = async (t: TestContext, names?: Names) => {
  const directory = temporaryDirectory(t)
  return { directory, first: await open(directory, names) }
}

test('the first start makes an Ed25519 key that only its owner may read, and its verifier key of type 04', async (t) => {
  const { directory, first } = await scene(t)
  assert.equal(statSync(join(directory, 'witness.pem')).mode & 0o777, 0o600)
  const vkey = readFileSync(join(directory, 'witness.pem.vkey'), 'utf8').trim()
  const { type, name, publicKey } = parseVerifierKey(vkey, nativeCrypto)
  assert.equal(type, noteKeyType.cosignature)
  assert.deepEqual(publicKey, first.key.publicKey)
  assert.match(name, /^notarymq-witness\/[0-9a-f]{16}$/)
})

test('a later start has the same key and the name that was given at the first one', async (t) => {
  const { directory, first } = await scene(t, { name: 'example.com/w1' })
  assert.deepEqual(await open(directory), first)
  assert.deepEqual(await open(directory, { name: 'example.com/w1' }), first)
  assert.equal(first.name, 'example.com/w1')
})

test('another name or another key than the directory was begun with is refused', async (t) => {
  const { directory } = await scene(t, { name: 'example.com/w1' })
  await refused(open(directory, { name: 'example.com/w2' }), 'ERR_WITNESS_KEY_MISMATCH')
  await open(directory, { key: 'other.pem', db: 'other' })
  await refused(open(directory, { key: 'other.pem', name: 'example.com/w1' }), 'ERR_WITNESS_KEY_MISMATCH')
})

test('a key that cosigned before is refused where nobody knows what', async (t) => {
  const { directory } = await scene(t)
  await refused(open(directory, { db: 'empty' }), 'ERR_WITNESS_STATE_LOST')
})

test('no key is made for a directory that belongs to one', async (t) => {
  const { directory } = await scene(t)
  rmSync(join(directory, 'witness.pem'))
  await refused(open(directory), 'ERR_KEY_FILE')
  await refused(open(directory, { key: 'no-such-directory/witness.pem', db: 'other' }), 'ERR_KEY_FILE')
})

test('a name that no key may have is refused before anything is known by it', async (t) => {
  const directory = temporaryDirectory(t)
  await refused(open(directory, { name: 'not a name' }), 'ERR_KEY_NAME_INVALID')
  assert.equal((await open(directory, { name: 'a-name' })).name, 'a-name')
})

test('a second process cannot cosign from the same directory', async (t) => {
  const directory = temporaryDirectory(t)
  const state = await WitnessState.open(directory)
  await refused(WitnessState.open(directory), 'ERR_STORE_LOCKED')
  await state.close()
})
