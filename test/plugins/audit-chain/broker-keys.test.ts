import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { changeKeyPassphrase, openKeyCandidates } from '../../../plugins/audit-chain/broker-keys.ts'
import { AuditChain, nativeCrypto, parsePublicKeyPem } from '../../../plugins/index.ts'
import { toHex } from '../../../protocol/index.ts'
import { writeProtected } from '../../helpers/key-files.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

const pemOf = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString()
const newKey = () => pemOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
const newLogKey = () => pemOf(generateKeyPairSync('ed25519').privateKey)
const modeOf = (path: string) => statSync(path).mode & 0o777
const passphrase = 'correct horse battery staple'

/** Data directory of a chain that was begun and closed. */
async function stoppedChain(t: TestContext, options: Partial<Parameters<typeof AuditChain.open>[0]> = {}) {
  const location = temporaryDirectory(t)
  const chain = await AuditChain.open({ location, ...options })
  await chain.close()
  return { location, keys: join(location, 'keys'), chain }
}

test('the first start makes two private keys that only their owner can read, and two public ones', async (t) => {
  const { keys, chain } = await stoppedChain(t)
  assert.deepEqual(readdirSync(keys).sort(), ['broker.pem', 'broker.pub.pem', 'log.pem', 'log.vkey'])
  assert.equal(modeOf(keys), 0o700)
  assert.deepEqual([modeOf(join(keys, 'broker.pem')), modeOf(join(keys, 'log.pem'))], [0o600, 0o600])
  const published = parsePublicKeyPem(readFileSync(join(keys, 'broker.pub.pem'), 'utf8'), nativeCrypto)
  assert.deepEqual([toHex(published.x), toHex(published.y)], [toHex(chain.brokerKey.x), toHex(chain.brokerKey.y)])
  const log = createPublicKey(readFileSync(join(keys, 'log.pem'))).export({ format: 'jwk' })
  assert.deepEqual([log.crv, log.x], ['Ed25519', Buffer.from(chain.genesis.logKey).toString('base64url')])
})

test('later starts use the same keys and overwrite nothing', async (t) => {
  const { location, keys } = await stoppedChain(t)
  const contents = () => readdirSync(keys).map((name) => [name, readFileSync(join(keys, name), 'utf8')])
  const before = contents()
  const again = await AuditChain.open({ location })
  await again.close()
  assert.deepEqual(contents(), before)
})

for (const name of ['broker.pem', 'log.pem']) {
  test(`a missing ${name} is refused where there is a chain already`, async (t) => {
    const { location, keys } = await stoppedChain(t)
    rmSync(join(keys, name))
    await assert.rejects(AuditChain.open({ location }), { code: 'ERR_KEY_FILE' })
    assert.ok(!readdirSync(keys).includes(name), 'and not made anew')
  })

  test(`another ${name} than the one of the genesis record is refused, and nothing is published`, async (t) => {
    const { location, keys } = await stoppedChain(t)
    const published = () => ['broker.pub.pem', 'log.vkey'].map((file) => readFileSync(join(keys, file), 'utf8'))
    const before = published()
    writeFileSync(join(keys, name), name === 'broker.pem' ? newKey() : newLogKey())
    await assert.rejects(AuditChain.open({ location }), { code: 'ERR_CHAIN_KEY_MISMATCH' })
    assert.deepEqual(published(), before)
  })

  test(`${name} of another kind, or garbage, is refused`, async (t) => {
    const { location, keys } = await stoppedChain(t)
    const others = [
      name === 'broker.pem' ? newLogKey() : newKey(),
      pemOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey),
      pemOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey),
      'garbage',
      '',
      readFileSync(join(keys, 'broker.pub.pem'), 'utf8'),
    ]
    for (const pem of others) {
      writeFileSync(join(keys, name), pem)
      await assert.rejects(openKeyCandidates(location, false, {}), { code: 'ERR_KEY_FILE' }, pem.slice(0, 40))
    }
  })
}

test('a public key that is none of this chain is refused', async (t) => {
  const { location, keys } = await stoppedChain(t)
  const other = await stoppedChain(t)
  writeFileSync(join(keys, 'broker.pub.pem'), readFileSync(join(other.keys, 'broker.pub.pem')))
  await assert.rejects(AuditChain.open({ location }), { code: 'ERR_KEY_FILE' })
})

test('a missing public key is written again from the chain', async (t) => {
  const { location, keys } = await stoppedChain(t)
  const path = join(keys, 'broker.pub.pem')
  const before = readFileSync(path, 'utf8')
  rmSync(path)
  await (await AuditChain.open({ location })).close()
  assert.equal(readFileSync(path, 'utf8'), before)
})

test('the verifier key of the log is written once and names the log', async (t) => {
  const { location, keys, chain } = await stoppedChain(t, { origin: 'example.com/plant' })
  const path = join(keys, 'log.vkey')
  assert.match(readFileSync(path, 'utf8'), /^example\.com\/plant\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+\n$/)
  assert.equal(readFileSync(path, 'utf8'), `${chain.logVkey}\n`)
  writeFileSync(path, 'mine')
  await (await AuditChain.open({ location })).close()
  assert.equal(readFileSync(path, 'utf8'), 'mine')
})

test('a chain keeps the name that it was begun with', async (t) => {
  const { location } = await stoppedChain(t, { origin: 'example.com/plant' })
  await assert.rejects(AuditChain.open({ location, origin: 'example.com/other' }), {
    code: 'ERR_CHAIN_ORIGIN_MISMATCH',
  })
  const again = await AuditChain.open({ location })
  assert.equal(again.genesis.origin, 'example.com/plant')
  await again.close()
})

test('with a passphrase the keys of a new chain are made encrypted, and only it opens them', async (t) => {
  const { location, keys, chain } = await stoppedChain(t, { custody: { passphrase } })
  for (const name of ['broker.pem', 'log.pem']) {
    assert.match(readFileSync(join(keys, name), 'utf8'), /^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/)
    assert.equal(modeOf(join(keys, name)), 0o600)
  }
  for (const custody of [{}, { passphrase: 'guessed' }]) {
    await assert.rejects(AuditChain.open({ location, custody }), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'ERR_KEY_PASSPHRASE')
      assert.ok(!error.message.includes('guessed'))
      return true
    })
  }
  const again = await AuditChain.open({ location, custody: { passphrase } })
  assert.deepEqual(again.brokerThumbprint, chain.brokerThumbprint)
  await again.close()
})

test('keys without protection go on working where a passphrase is given, with a notice for each', async (t) => {
  const { location } = await stoppedChain(t)
  const notices: string[] = []
  const chain = await AuditChain.open({ location, custody: { passphrase }, onNotice: (text) => notices.push(text) })
  await chain.close()
  assert.equal(notices.length, 2)
  assert.ok(notices[0]?.includes('broker.pem') && notices[1]?.includes('log.pem'))
  assert.ok(!notices.join().includes(passphrase))
})

test('the passphrase is set, changed and removed, and doing it twice is no mistake', async (t) => {
  const { location, keys } = await stoppedChain(t)
  const opensWith = async (given: string | undefined) => {
    const chain = await AuditChain.open({ location, custody: { passphrase: given } })
    await chain.close()
  }
  const files = ['broker.pem', 'log.pem'].map((name) => join(keys, name))
  const plain = files.map((file) => [file, readFileSync(file, 'utf8')] as const)
  for (const _ of [1, 2]) await changeKeyPassphrase(location, undefined, 'first')
  await opensWith('first')
  // The same, but cheaper to open.
  for (const [file, pem] of plain) writeProtected(file, pem, 'first')
  await assert.rejects(changeKeyPassphrase(location, 'wrong', 'second'), { code: 'ERR_KEY_PASSPHRASE' })
  await opensWith('first')
  await changeKeyPassphrase(location, 'first', undefined)
  await opensWith(undefined)
  assert.equal(modeOf(join(keys, 'broker.pem')), 0o600)
})

test('keys that systemd hands over come before those of the data directory', async (t) => {
  const credentialsDirectory = temporaryDirectory(t)
  writeFileSync(join(credentialsDirectory, 'notarymq-broker.pem'), newKey())
  writeFileSync(join(credentialsDirectory, 'notarymq-log.pem'), newLogKey())
  const custody = { credentialsDirectory }
  const { location, keys, chain } = await stoppedChain(t, { custody })
  assert.deepEqual(readdirSync(keys).sort(), ['broker.pub.pem', 'log.vkey'], 'no private key')
  const again = await AuditChain.open({ location, custody })
  assert.deepEqual(again.brokerThumbprint, chain.brokerThumbprint)
  await again.close()
  await assert.rejects(AuditChain.open({ location }), { code: 'ERR_KEY_FILE' })
})

test('there is nothing to protect where there are no keys', async (t) => {
  const location = temporaryDirectory(t)
  mkdirSync(join(location, 'keys'))
  await assert.rejects(changeKeyPassphrase(location, undefined, 'new'), { code: 'ERR_KEY_FILE' })
})
