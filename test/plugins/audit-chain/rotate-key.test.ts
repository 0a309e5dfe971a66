import assert from 'node:assert/strict'
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { makeNextBrokerKey } from '../../../plugins/audit-chain/broker-keys.ts'
import {
  AuditChain,
  type KeyRole,
  LevelAuditStore,
  nativeCrypto,
  openStoreDatabase,
  parsePublicKeyPem,
  rotateKey,
  verifyStore,
} from '../../../plugins/index.ts'
import {
  decodeBlock,
  type P256PublicKey,
  parseSign1,
  signBrokerKeyProof,
  thumbprintOfP256,
  toHex,
} from '../../../protocol/index.ts'
import { numberedKey, publicOf } from '../../helpers/keys.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

const quiet = () => {
  // What it says is not what is tested.
}

const unexpected = (error: unknown) => assert.fail(String(error))

/** Data directory of a closed chain of four records. */
async function stoppedChain(t: TestContext): Promise<string> {
  const location = join(temporaryDirectory(t), 'data')
  const chain = await AuditChain.open({ location, origin: 'example.com/plant' })
  for (const number of [61, 62, 63]) await chain.enroll(publicOf(numberedKey(number)), `device-${number}`)
  await chain.close()
  return location
}

/** Opens, records once more, and closes. @returns thumbprint that the chain was signed with */
async function goOn(location: string, number: number): Promise<string> {
  const chain = await AuditChain.open({ location, onError: unexpected })
  await chain.enroll(publicOf(numberedKey(number)), `device-${number}`)
  await chain.close()
  return toHex(chain.brokerThumbprint)
}

const pemAt = (location: string, name: string) => readFileSync(join(location, 'keys', name), 'utf8')
const publicKeyAt = (location: string, name = 'broker.pub.pem') =>
  parsePublicKeyPem(pemAt(location, name), nativeCrypto)

async function verify(location: string, brokerKey?: P256PublicKey) {
  const database = await openStoreDatabase(location, false)
  const head = readFileSync(join(location, 'head'))
  try {
    return await verifyStore({
      store: new LevelAuditStore(database),
      head,
      ...(brokerKey === undefined ? undefined : { brokerKey }),
    })
  } finally {
    await database.close()
  }
}

/** Short kids that signed the headers, in the order of the blocks. */
async function signers(location: string): Promise<readonly string[]> {
  const database = await openStoreDatabase(location, false)
  const kids: string[] = []
  for await (const { encoded } of new LevelAuditStore(database).blocks()) {
    kids.push(toHex(parseSign1(decodeBlock(encoded).signed).protectedHeaders.get(4) as Uint8Array))
  }
  await database.close()
  return kids
}

test('the block of a rotation is signed by the old key, and all after it by the new one', async (t) => {
  const location = await stoppedChain(t)
  const { index, thumbprint, replaces } = await rotateKey(location, 'broker', {}, unexpected)
  assert.equal(await goOn(location, 71), toHex(thumbprint))
  const kids = await signers(location)
  const [old, next] = [toHex(replaces.subarray(0, 8)), toHex(thumbprint.subarray(0, 8))]
  assert.deepEqual(kids, [...Array(kids.length - 1).fill(old), next])
  assert.equal(index, kids.length - 2, 'one record to a block here')
})

test('a chain with rotations verifies from the first key, from the newest and from none, and not from another', async (t) => {
  const location = await stoppedChain(t)
  const first = publicKeyAt(location)
  await rotateKey(location, 'broker', {}, unexpected)
  const second = publicKeyAt(location)
  assert.equal((await verify(location, second)).ok, true, 'before the new key signed a header')
  await goOn(location, 71)
  await rotateKey(location, 'log', {}, unexpected)
  await rotateKey(location, 'broker', {}, unexpected)
  await goOn(location, 72)
  for (const key of [first, second, publicKeyAt(location), undefined]) {
    const { ok, firstBad } = await verify(location, key)
    assert.deepEqual([ok, firstBad], [true, undefined])
  }
  const { checked, firstBad } = await verify(location, publicOf(numberedKey(99)))
  assert.deepEqual([checked, firstBad], [0, { cause: 'genesis-invalid', block: 0, index: 0 }])
})

test('keys that were replaced stay published, numbered', async (t) => {
  const location = await stoppedChain(t)
  const [broker, log] = [pemAt(location, 'broker.pub.pem'), pemAt(location, 'log.vkey')]
  await rotateKey(location, 'broker', {}, unexpected)
  await rotateKey(location, 'log', {}, unexpected)
  assert.equal(pemAt(location, 'broker.pub.pem.1'), broker)
  assert.equal(pemAt(location, 'log.vkey.1'), log)
  assert.notEqual(pemAt(location, 'broker.pub.pem'), broker)
  assert.match(pemAt(location, 'log.vkey'), /^example\.com\/plant\+/)
  assert.notEqual(pemAt(location, 'log.vkey'), log)
  assert.ok(!readdirSync(join(location, 'keys')).some((name) => name.includes('next')))
})

test('a key that the broker had before cannot be enrolled', async (t) => {
  const location = await stoppedChain(t)
  const old = publicKeyAt(location)
  await rotateKey(location, 'broker', {}, unexpected)
  const chain = await AuditChain.open({ location })
  for (const key of [old, publicKeyAt(location)]) {
    await assert.rejects(chain.enroll(key, 'me'), { code: 'ERR_KEY_RESERVED' })
  }
  await chain.close()
})

test('after a rotation the old private key does not open the chain', async (t) => {
  const location = await stoppedChain(t)
  const old = pemAt(location, 'broker.pem')
  await rotateKey(location, 'broker', {}, unexpected)
  writeFileSync(join(location, 'keys', 'broker.pem'), old)
  await assert.rejects(AuditChain.open({ location }), { code: 'ERR_CHAIN_KEY_MISMATCH' })
})

test('a directory without a chain is refused, and none is begun', async (t) => {
  const location = temporaryDirectory(t)
  await assert.rejects(rotateKey(location, 'broker', {}, quiet), { code: 'ERR_STORE_NOT_FOUND' })
  assert.deepEqual(readdirSync(location), [])
})

test('the keys of a running broker cannot be rotated', async (t) => {
  const location = await stoppedChain(t)
  const chain = await AuditChain.open({ location })
  await assert.rejects(rotateKey(location, 'log', {}, quiet), { code: 'ERR_STORE_LOCKED' })
  await chain.close()
})

test('crashed before the record was written, the broker goes on with the old key and can rotate later', async (t) => {
  const location = await stoppedChain(t)
  await makeNextBrokerKey(location, {})
  const before = pemAt(location, 'broker.pem')
  await goOn(location, 71)
  assert.equal(pemAt(location, 'broker.pem'), before)
  const { thumbprint } = await rotateKey(location, 'broker', {}, unexpected)
  assert.equal(await goOn(location, 72), toHex(thumbprint))
})

test('crashed when the record was written and nothing else, the broker goes on with the new key', async (t) => {
  const location = await stoppedChain(t)
  const chain = await AuditChain.open({ location })
  const [key, [term]] = [await makeNextBrokerKey(location, {}), chain.registry.notary.brokers]
  const thumbprint = thumbprintOfP256(key, nativeCrypto)
  const replaces = (term as NonNullable<typeof term>).thumbprint
  await chain.rotate((place) => {
    const proof = signBrokerKeyProof(key, place, nativeCrypto)
    return { action: 'broker-key', thumbprint, key: publicOf(key), proof, replaces }
  })
  assert.equal(await goOn(location, 71), toHex(thumbprint))
  assert.equal(await goOn(location, 72), toHex(thumbprint))
  assert.equal((await verify(location, publicKeyAt(location))).ok, true)
})

for (const role of ['broker', 'log'] as const satisfies readonly KeyRole[]) {
  const publicName = role === 'broker' ? 'broker.pub.pem' : 'log.vkey'
  /** What a crash leaves undone of what follows the record, latest first. */
  const undone: Readonly<Record<string, readonly ('rename' | 'publish' | 'archive')[]>> = {
    'the new private key still waits, all public ones are there': ['rename'],
    'the new private key still waits, the old public one is published': ['rename', 'publish'],
    'nothing but the record was written': ['rename', 'publish', 'archive'],
    'the private key is in its place, the old public one is published': ['publish'],
    'the private key is in its place, nothing is published': ['publish', 'archive'],
  }
  for (const [point, steps] of Object.entries(undone)) {
    test(`${role}: crashed when ${point}, the next start finds the key that fits`, async (t) => {
      const location = await stoppedChain(t)
      const original = join(temporaryDirectory(t), 'copy')
      cpSync(location, original, { recursive: true })
      await rotateKey(location, role, {}, unexpected)
      const [keys, old] = [join(location, 'keys'), join(original, 'keys')]
      const expected = readdirSync(keys).map((name) => [name, pemAt(location, name)])
      if (steps.includes('rename')) {
        renameSync(join(keys, `${role}.pem`), join(keys, `${role}.next.pem`))
        cpSync(join(old, `${role}.pem`), join(keys, `${role}.pem`))
      }
      if (steps.includes('publish')) cpSync(join(old, publicName), join(keys, publicName))
      if (steps.includes('archive')) rmSync(join(keys, `${publicName}.1`))
      await goOn(location, 71)
      assert.deepEqual(
        readdirSync(keys).map((name) => [name, pemAt(location, name)]),
        expected,
      )
      assert.equal(existsSync(join(keys, `${role}.next.pem`)), false)
      assert.equal((await verify(location, publicKeyAt(location))).ok, true)
    })
  }
}
