import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openBrokerKeys, publishVerifierKey } from '../../../plugins/audit-chain/broker-keys.ts'
import { AuditChain, nativeCrypto, parsePublicKeyPem } from '../../../plugins/index.ts'
import { toHex } from '../../../protocol/index.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

const pemOf = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString()
const newKey = () => pemOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
const newLogKey = () => pemOf(generateKeyPairSync('ed25519').privateKey)
const modeOf = (path: string) => statSync(path).mode & 0o777

test('the first start makes two private keys that only their owner can read, and a public one', async (t) => {
  const location = temporaryDirectory(t)
  const keys = await openBrokerKeys(location, true)
  const directory = join(location, 'keys')
  assert.deepEqual(readdirSync(directory).sort(), ['broker.pem', 'broker.pub.pem', 'log.pem'])
  assert.equal(modeOf(directory), 0o700)
  assert.deepEqual([modeOf(join(directory, 'broker.pem')), modeOf(join(directory, 'log.pem'))], [0o600, 0o600])
  const published = parsePublicKeyPem(readFileSync(join(directory, 'broker.pub.pem'), 'utf8'), nativeCrypto)
  assert.deepEqual([toHex(published.x), toHex(published.y)], [toHex(keys.broker.x), toHex(keys.broker.y)])
  const log = createPublicKey(readFileSync(join(directory, 'log.pem'))).export({ format: 'jwk' })
  assert.deepEqual([log.crv, log.x], ['Ed25519', Buffer.from(keys.logPublicKey).toString('base64url')])
})

test('later starts use the same keys and overwrite nothing', async (t) => {
  const location = temporaryDirectory(t)
  const first = await openBrokerKeys(location, true)
  const contents = () =>
    readdirSync(join(location, 'keys')).map((name) => readFileSync(join(location, 'keys', name), 'utf8'))
  const before = contents()
  for (const create of [true, false]) assert.deepEqual(await openBrokerKeys(location, create), first)
  assert.deepEqual(contents(), before)
})

for (const name of ['broker.pem', 'log.pem']) {
  test(`a missing ${name} is refused where there is a chain already`, async (t) => {
    const location = temporaryDirectory(t)
    const chain = await AuditChain.open({ location })
    await chain.close()
    rmSync(join(location, 'keys', name))
    await assert.rejects(AuditChain.open({ location }), { code: 'ERR_KEY_FILE' })
    assert.deepEqual(
      readdirSync(join(location, 'keys')).filter((file) => file === name),
      [],
      'and not made anew',
    )
  })

  test(`another ${name} than the one of the genesis record is refused`, async (t) => {
    const location = temporaryDirectory(t)
    const chain = await AuditChain.open({ location })
    await chain.close()
    writeFileSync(join(location, 'keys', name), name === 'broker.pem' ? newKey() : newLogKey())
    // The whole pair is another one: a mixed pair is noticed before the chain is looked at.
    rmSync(join(location, 'keys', 'broker.pub.pem'))
    await assert.rejects(AuditChain.open({ location }), { code: 'ERR_CHAIN_KEY_MISMATCH' })
  })

  test(`${name} of another kind, or garbage, is refused`, async (t) => {
    const location = temporaryDirectory(t)
    await openBrokerKeys(location, true)
    const others = [
      name === 'broker.pem' ? newLogKey() : newKey(),
      pemOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey),
      pemOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey),
      'garbage',
      '',
      readFileSync(join(location, 'keys', 'broker.pub.pem'), 'utf8'),
    ]
    for (const pem of others) {
      writeFileSync(join(location, 'keys', name), pem)
      await assert.rejects(openBrokerKeys(location, false), { code: 'ERR_KEY_FILE' }, pem.slice(0, 40))
    }
  })
}

test('a public key that is not the one of the private key beside it is refused', async (t) => {
  const [location, other] = [temporaryDirectory(t), temporaryDirectory(t)]
  for (const directory of [location, other]) await openBrokerKeys(directory, true)
  const path = join('keys', 'broker.pub.pem')
  writeFileSync(join(location, path), readFileSync(join(other, path)))
  await assert.rejects(openBrokerKeys(location, false), { code: 'ERR_KEY_FILE' })
})

test('a missing public key is written again from the private one', async (t) => {
  const location = temporaryDirectory(t)
  await openBrokerKeys(location, true)
  const path = join(location, 'keys', 'broker.pub.pem')
  const before = readFileSync(path, 'utf8')
  rmSync(path)
  await openBrokerKeys(location, false)
  assert.equal(readFileSync(path, 'utf8'), before)
})

test('the verifier key of the log is written once and names the log', async (t) => {
  const location = temporaryDirectory(t)
  const chain = await AuditChain.open({ location, origin: 'example.com/plant' })
  await chain.close()
  const path = join(location, 'keys', 'log.vkey')
  assert.match(readFileSync(path, 'utf8'), /^example\.com\/plant\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+\n$/)
  assert.equal(readFileSync(path, 'utf8'), `${chain.logVkey}\n`)
  writeFileSync(path, 'mine')
  await publishVerifierKey(location, 'example.com/plant', chain.genesis.logKey)
  assert.equal(readFileSync(path, 'utf8'), 'mine')
})

test('a chain keeps the name that it was begun with', async (t) => {
  const location = temporaryDirectory(t)
  const chain = await AuditChain.open({ location, origin: 'example.com/plant' })
  await chain.close()
  await assert.rejects(AuditChain.open({ location, origin: 'example.com/other' }), {
    code: 'ERR_CHAIN_ORIGIN_MISMATCH',
  })
  const again = await AuditChain.open({ location })
  assert.equal(again.genesis.origin, 'example.com/plant')
  await again.close()
})
