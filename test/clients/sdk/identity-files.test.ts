import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { generateIdentity } from '../../../clients/identity/index.ts'
import { connectAsync } from '../../../clients/sdk/index.ts'
import { toBase64url } from '../../../protocol/index.ts'
import { TestAdmin } from '../../helpers/admin.ts'
import { startBroker } from '../../helpers/broker.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { run } from '../../helpers/processes.ts'
import { programArguments } from '../../helpers/program.ts'
import { signerOf } from '../../helpers/sdk.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

const passphrase = 'correct horse bättery staple'
const nowhere = 'mqtt://127.0.0.1:1'

function keyFile(t: TestContext, protectedBy?: string) {
  const path = join(temporaryDirectory(t), 'device.pem')
  return { path, ...generateIdentity(path, protectedBy) }
}

for (const [what, words] of [
  ['a key file', []],
  ['an encrypted key file', [passphrase]],
] as const) {
  test(`${what} as identity signs, and its number goes on in the next process, beside the file`, async (t) => {
    const { port } = await startBroker(t)
    const admin = await TestAdmin.connect(t, port)
    const { path, publicKey, thumbprint } = keyFile(t, ...words)
    await admin.request('keys.enroll', { key: publicKey, name: 'device' })
    const home = temporaryDirectory(t)
    const args = [...programArguments('test/clients/sdk/publish-process.ts'), `${port}`, path, ...words]
    for (let i = 0; i < 2; i++) {
      const ended = await run(t, process.execPath, args, { env: { HOME: home } })
      assert.deepEqual(ended, { code: 0, stdout: '', stderr: '' })
    }
    const records = await admin.publishes({ topic: 'plant/1' })
    assert.deepEqual(
      records.map(({ outcome, kid, seq }) => [outcome, kid, seq]),
      [1, 2].map((seq) => ['signed', toBase64url(thumbprint), seq]),
    )
    assert.match(readFileSync(`${path}.seq`, 'utf8'), /^3\b/)
  })
}

test('an encrypted key file without its passphrase, or with another one, is ERR_PASSPHRASE before anything is connected to', async (t) => {
  const { path } = keyFile(t, passphrase)
  for (const given of [{}, { passphrase: 'guess-4711' }]) {
    await assert.rejects(connectAsync(nowhere, { identity: path, ...given }), (error: Error & { code?: string }) => {
      return error.code === 'ERR_PASSPHRASE' && !error.message.includes('4711')
    })
  }
  assert.equal(existsSync(`${path}.seq`), false, 'no number was used')
})

test('a passphrase without a key file is ERR_OPTIONS', async () => {
  for (const options of [{}, { identity: signerOf(numberedKey(1)) }]) {
    await assert.rejects(connectAsync(nowhere, { ...options, passphrase }), { code: 'ERR_OPTIONS' })
  }
})
