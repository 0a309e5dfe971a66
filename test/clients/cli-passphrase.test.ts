import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createPrivateKey } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { generateIdentity, loadIdentity, loadPublicKey } from '../../clients/identity/index.ts'
import { parsePassphrase, toBase64url } from '../../protocol/index.ts'
import { startBroker } from '../helpers/broker.ts'
import { runHere } from '../helpers/cli.ts'
import { writeProtected } from '../helpers/key-files.ts'
import { runPython } from '../helpers/python.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'
import { hasPython, hasTool } from '../helpers/tools.ts'

const passphrase = 'correct horse bättery staple'

/** Where a key is to be, and files with the right and a wrong passphrase. */
function places(t: TestContext) {
  const directory = temporaryDirectory(t)
  const [key, right, wrong] = ['key.pem', 'right', 'wrong'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ]
  writeFileSync(right, `${passphrase}\n`)
  writeFileSync(wrong, 'guess-4711\n')
  return { directory, key, right, wrong }
}

/** An encrypted key that keygen made. */
async function generatedKey(t: TestContext) {
  const { directory, key, right } = places(t)
  const made = await runHere('keygen', key, '--passphrase-file', right, '--json')
  assert.equal(made.code, 0)
  return { directory, key, kid: (JSON.parse(made.stdout) as { kid: string }).kid }
}

/** An encrypted key of another tool, which is cheaper to open. */
function encryptedKey(t: TestContext) {
  const found = places(t)
  const { thumbprint } = generateIdentity(found.key)
  writeProtected(found.key, readFileSync(found.key, 'utf8'), passphrase)
  return { ...found, kid: toBase64url(thumbprint) }
}

test('keygen writes an encrypted key that only its passphrase opens, for OpenSSL too', async (t) => {
  const { key, kid } = await generatedKey(t)
  const pem = readFileSync(key, 'utf8')
  assert.match(pem, /^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/)
  assert.equal(statSync(key).mode & 0o777, 0o600)
  assert.equal(createPrivateKey({ key: pem, passphrase }).asymmetricKeyType, 'ec')
  assert.equal(toBase64url(loadIdentity(key, passphrase).thumbprint), kid)
  assert.deepEqual(loadPublicKey(key, passphrase), loadPublicKey(key.replace('.pem', '.pub.pem')))
  assert.throws(() => loadIdentity(key), { code: 'ERR_PASSPHRASE' })
  assert.throws(() => loadIdentity(key, 'guess'), { code: 'ERR_PASSPHRASE' })
  assert.throws(() => loadPublicKey(key), { code: 'ERR_PASSPHRASE' })
})

test('pub and enroll --proof open an encrypted key with the passphrase of a file', async (t) => {
  const { key, right, kid } = encryptedKey(t)
  const { port, broker } = await startBroker(t)
  const at = ['-p', `${port}`, '-h', '127.0.0.1', '--passphrase-file', right]
  const enrolled = await runHere('enroll', key, '--name', 'device', '--proof', ...at)
  assert.deepEqual([enrolled.code, enrolled.stdout], [0, `enrolled ${kid}\n`])
  const published = await runHere('pub', '-t', 'a/b', '-m', '1', '--identity', key, '--json', ...at)
  assert.deepEqual([published.code, (JSON.parse(published.stdout) as { kid: string }).kid], [0, kid])
  assert.equal(broker.counters.accepted, 1)
})

test('without a passphrase, with a wrong one or none that can be read, one line says so and the exit code is 2', async (t) => {
  const { directory, key, wrong } = encryptedKey(t)
  const empty = join(directory, 'empty')
  writeFileSync(empty, '\n')
  for (const flags of [
    [],
    ['--passphrase-file', wrong],
    ['--passphrase-file', empty],
    ['--passphrase-file', `${key}.no`],
  ]) {
    const { code, stdout, stderr } = await runHere('pub', '-t', 'a', '-m', '1', '--identity', key, ...flags)
    assert.deepEqual([code, stdout], [2, ''])
    assert.match(stderr, /^notarymq pub: [^\n]+\n$/)
    assert.ok(!stderr.includes('guess-4711'))
  }
  assert.equal(existsSync(`${key}.seq`), false, 'no number was used')
})

test('a key without passphrase that others may read is used, with a warning', async (t) => {
  const key = join(temporaryDirectory(t), 'key.pem')
  await runHere('keygen', key)
  const { port } = await startBroker(t)
  const publish = () => runHere('pub', '-t', 'a', '-m', '1', '--identity', key, '-p', `${port}`, '-h', '127.0.0.1')
  assert.deepEqual((await publish()).stderr, '')
  chmodSync(key, 0o644)
  const { code, stderr } = await publish()
  assert.equal(code, 0)
  assert.match(stderr, /^warning: [^\n]+\n$/)
})

test('keys that openssl encrypts are read', (t) => {
  if (!hasTool(t, 'openssl', ['version'], 'openssl')) return
  const directory = temporaryDirectory(t)
  const plain = join(directory, 'plain.pem')
  execFileSync('openssl', ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', plain])
  const schemes = [[], ['-scrypt'], ['-v2', 'aes-128-cbc', '-v2prf', 'hmacWithSHA512']]
  for (const [i, scheme] of schemes.entries()) {
    const path = join(directory, `${i}.pem`)
    execFileSync('openssl', ['pkcs8', '-topk8', '-in', plain, '-out', path, '-passout', 'stdin', ...scheme], {
      input: `${passphrase}\n`,
    })
    assert.deepEqual(loadIdentity(path, passphrase).thumbprint, loadIdentity(plain).thumbprint)
  }
  const older = join(directory, 'older.pem')
  execFileSync('openssl', ['ec', '-aes256', '-in', plain, '-out', older, '-passout', 'stdin'], {
    input: `${passphrase}\n`,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  assert.match(readFileSync(older, 'utf8'), /^Proc-Type: 4,ENCRYPTED/m)
  assert.deepEqual(loadIdentity(older, passphrase).thumbprint, loadIdentity(plain).thumbprint)
})

test('keys go both ways between Python and keygen', async (t) => {
  if (!hasPython(t)) return
  const { directory, key } = await generatedKey(t)
  const written = join(directory, 'python.pem')
  const program = `
import sys
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives import serialization as s
ours, theirs, passphrase = sys.argv[1:]
key = s.load_pem_private_key(open(ours, 'rb').read(), passphrase.encode())
print(key.private_numbers().private_value)
key = ec.generate_private_key(ec.SECP256R1())
encryption = s.BestAvailableEncryption(passphrase.encode())
open(theirs, 'wb').write(key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, encryption))
print(key.private_numbers().private_value)
`
  const { code, stdout } = await runPython(t, ['-c', program, key, written, passphrase])
  assert.equal(code, 0)
  const scalarOf = (path: string) => BigInt(`0x${Buffer.from(loadIdentity(path, passphrase).key.d).toString('hex')}`)
  assert.deepEqual(
    stdout.trim().split('\n'),
    [key, written].map((path) => `${scalarOf(path)}`),
  )
})

test('a passphrase file is one line', () => {
  const parse = (text: string) => parsePassphrase(Buffer.from(text))
  assert.deepEqual(['a b', 'a\n', 'a\r\n', ' a '].map(parse), ['a b', 'a', 'a', ' a '])
  assert.deepEqual(['', '\n', 'a\nb', 'a\n\n', 'a'.repeat(1025)].map(parse), Array(5).fill(undefined))
  assert.equal(parsePassphrase(Uint8Array.of(0xff, 0x0a)), undefined)
})
