import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { argon2id } from '@noble/hashes/argon2.js'
import { Argon2Thread } from '../../../plugins/authentication/argon2-thread.ts'
import { ThreadedDerivation } from '../../../plugins/authentication/derivation.ts'
import { AuthenticationError, type AuthenticationErrorCode } from '../../../plugins/authentication/errors.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { run } from '../../helpers/processes.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

function isError(code: AuthenticationErrorCode) {
  return (error: unknown) => error instanceof AuthenticationError && error.code === code
}

const salt = new Uint8Array(16).fill(3)
const cheap = { m: 64, t: 2, p: 2, dkLen: 32 }

test('argon2id on the thread gives what it gives here, to each who waits', async (t) => {
  const thread = new Argon2Thread()
  atEnd(t, () => thread.close())
  const passwords = ['a', 'b', 'a'].map((text) => new Uint8Array(Buffer.from(text)))
  const hashes = await Promise.all(passwords.map((password) => thread.derive(password, salt, cheap)))
  assert.deepEqual(
    hashes,
    passwords.map((password) => argon2id(password, salt, cheap)),
  )
})

test('a thread that ends is ERR_AUTHENTICATION_FAILED for who waits; the next one gets another thread', async (t) => {
  const thread = new Argon2Thread()
  atEnd(t, () => thread.close())
  // Below eight blocks a lane, which the parser lets nobody ask for: the function throws.
  const refused = thread.derive(salt, salt, { ...cheap, m: 1 })
  await assert.rejects(refused, isError('ERR_AUTHENTICATION_FAILED'))
  assert.deepEqual(await thread.derive(salt, salt, cheap), argon2id(salt, salt, cheap))
})

test('a closed derivation is ERR_AUTHENTICATION_CLOSED, also when no thread was ever started', async () => {
  const derivation = new ThreadedDerivation()
  await derivation.close()
  const like = { kind: 'argon2id', memoryKib: 64, passes: 1, lanes: 1, salt, hash: new Uint8Array(32) } as const
  await assert.rejects(derivation.derive(like, salt), isError('ERR_AUTHENTICATION_CLOSED'))
})

test('an idle thread holds no process open, a busy one does', async (t) => {
  const thread = new URL('../../../plugins/authentication/argon2-thread.ts', import.meta.url)
  const script = join(temporaryDirectory(t), 'derive-twice.mjs')
  const lines = [
    `import { Argon2Thread } from ${JSON.stringify(thread)}`,
    'const thread = new Argon2Thread()',
    `const derive = () => thread.derive(new Uint8Array(1), new Uint8Array(16), ${JSON.stringify(cheap)})`,
    'for (let i = 0; i < 2; i++) console.log((await derive()).length)',
  ]
  writeFileSync(script, lines.join('\n'))
  const { code, stdout } = await run(t, process.execPath, ['--import', import.meta.resolve('tsx'), script])
  assert.deepEqual({ code, stdout }, { code: 0, stdout: '32\n32\n' })
})
