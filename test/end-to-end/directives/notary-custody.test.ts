import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { TestAdmin } from '../../helpers/admin.ts'
import { freePort } from '../../helpers/broker.ts'
import { type Identity, TestAuthority } from '../../helpers/certificates.ts'
import { testKey } from '../../helpers/keys.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { Signer } from '../../helpers/signing.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { covers, Program } from './support.ts'

test('notary_key_passphrase_file: the private keys of the broker are encrypted on disk, and without the file it does not start', async (t) => {
  covers('notary_key_passphrase_file')
  const location = temporaryDirectory(t)
  const file = join(temporaryDirectory(t), 'passphrase')
  writeFileSync(file, 'correct horse\n', { mode: 0o600 })
  const lines = [`persistence_location ${location}`, `listener ${await freePort()} 127.0.0.1`, 'allow_anonymous true']
  const withFile = [...lines, `notary_key_passphrase_file ${file}`]
  const first = await Program.start(t, withFile)
  assert.equal(await first.stop(), 0)
  for (const name of ['broker.pem', 'log.pem']) {
    assert.match(readFileSync(join(location, 'keys', name), 'utf8'), /^-----BEGIN ENCRYPTED PRIVATE KEY-----/)
  }
  const second = await Program.start(t, withFile)
  assert.equal(await second.stop(), 0)
  for (const refused of [lines, withFile]) {
    writeFileSync(file, 'wrong horse\n')
    const program = new Program(t, refused)
    assert.equal(await program.ended, 1)
    assert.match(program.stderr, /passphrase/)
    assert.doesNotMatch(program.stderr, /horse/)
  }
})

/** Signs with the key of a certificate. */
function signerOf({ key }: Identity): Signer {
  const { d = '' } = createPrivateKey(key).export({ format: 'jwk' })
  return new Signer(testKey(Buffer.from(d, 'base64url').toString('hex')))
}

test('notary_enroll_certificates: the key of a client certificate is enrolled under its common name when it comes in', async (t) => {
  covers('notary_enroll_certificates')
  const authority = await TestAuthority.create(temporaryDirectory(t))
  const server = await authority.issue({ name: '127.0.0.1', use: 'server' })
  const [press, renewed] = [
    await authority.issue({ name: 'press-7', use: 'client' }),
    await authority.issue({ name: 'press-7', use: 'client' }),
  ]
  const [port, plain] = [await freePort(), await freePort()]
  await Program.start(t, [
    `persistence_location ${temporaryDirectory(t)}`,
    'per_listener_settings false',
    'allow_anonymous true',
    'notary_admin anonymous',
    'notary_protect plant/# keys press-7*',
    'notary_enroll_certificates true',
    `listener ${plain} 127.0.0.1`,
    `listener ${port} 127.0.0.1`,
    `certfile ${server.certFile}`,
    `keyfile ${server.keyFile}`,
    `cafile ${authority.caFile}`,
    'require_certificate true',
  ])
  const admin = await TestAdmin.connect(t, plain)
  const names = async () => (await admin.request('keys.list', {})).keys.map(({ name }) => name)
  const publishAs = async (identity: Identity, signer = signerOf(identity)) => {
    const { cert, key } = identity
    const client = await TestClient.connect(t, `mqtts://127.0.0.1:${port}`, { cert, key, ca: authority.cert })
    const code = await client.publish('plant/1', signer.sign('plant/1', '21.5', { seq: Date.now() }))
    await client.end()
    return code
  }
  assert.deepEqual(await names(), [])
  assert.equal(await publishAs(press), 0)
  assert.deepEqual(await names(), ['press-7'])
  assert.equal(await publishAs(press), 0)
  // A name belongs to one key for ever: the next one has its kid behind it.
  assert.equal(await publishAs(renewed), 0)
  const [, second] = await names()
  assert.match(second ?? '', /^press-7#[0-9a-f]{16}$/)
  // The certificate does not bring back a key that was revoked.
  const [first] = (await admin.request('keys.list', {})).keys
  await admin.request('keys.revoke', { kid: first?.kid ?? '' })
  assert.equal(await publishAs(press), 0x87)
  assert.equal((await names()).length, 2)
})
