import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { type PasswordDerivation, ThreadedDerivation } from '../../../plugins/authentication/derivation.ts'
import { AuthenticationError, type AuthenticationErrorCode } from '../../../plugins/authentication/errors.ts'
import {
  PasswordAuthenticator,
  type PasswordAuthenticatorOptions,
} from '../../../plugins/authentication/password-authenticator.ts'
import { parsePasswordFile } from '../../../plugins/authentication/password-file.ts'
import type { PasswordHash } from '../../../plugins/authentication/password-hash.ts'
import { formatPasswordHash } from '../../../plugins/authentication/password-hash.ts'
import { atEnd } from '../../helpers/cleanup.ts'

function isError(code: AuthenticationErrorCode) {
  return (error: unknown) => error instanceof AuthenticationError && error.code === code
}

const fileOf = (...lines: readonly string[]) => parsePasswordFile(Buffer.from(lines.join('\n')), 'p')

/** Lines that the real tools wrote: 2.0 (`$7$`, `$6$`) and 2.1 (argon2id). */
const written = {
  pbkdf2:
    'alice:$7$101$OM9pW8kDVu1ZpncL$DYx5RSTi0GrGNBerTR4naUhHsYFtrGFukLeqWicRioK3kdCGrSxFEpkxaRQj/dGtG8BhZZFaLSvwWh6TJhKlhQ==',
  sha512:
    'dave:$6$M1W2lFO7uKgqYxhh$0zV9SjKSIb6loIykyCyVnTB6wS4UzIg5+2isxDFG3tYE8Mb4vV24lVE1cWfbr58QCdkfOtBnRcPCV1Tf3GiwGA==',
  argon2id:
    'carol:$argon2id$v=19$m=47104,t=1,p=1$oHhxmG4bQPzqgUDeRF8mu8CvpXfgEcusQt37iCuWKWKmqTb0dqN94WaTxMI3IYDLODFHI3Fsxs6wqUF5/AFsEg$J1PWjb4wxSNvMd+0X/36pcaLdQQYRRxoj1mzvI0XydX1XfBRCxwHbBgAr78dRL8GUnyiZQVgn0NnTk2UUMlXXQ',
}

function authenticatorOf(t: TestContext, lines: readonly string[], options?: PasswordAuthenticatorOptions) {
  const authenticator = new PasswordAuthenticator(fileOf(...lines), options)
  atEnd(t, () => authenticator.close())
  return authenticator
}

/** A stand-in for the slow functions: SHA-512 of password and salt. Counts, and holds back what it is told to. */
class CountedDerivation implements PasswordDerivation {
  readonly derived: PasswordHash[] = []
  running = 0
  mostRunning = 0
  isClosed = false
  readonly #held: (() => void)[] = []
  #isHolding = false

  async derive(like: PasswordHash, password: Uint8Array): Promise<Uint8Array> {
    this.derived.push(like)
    this.mostRunning = Math.max(this.mostRunning, ++this.running)
    if (this.#isHolding) await new Promise<void>((resolve) => this.#held.push(resolve))
    this.running--
    return quick(password, like.salt).subarray(0, like.hash.length)
  }

  hold(): void {
    this.#isHolding = true
  }

  release(): void {
    this.#isHolding = false
    for (const resolve of this.#held.splice(0)) resolve()
  }

  releaseOne(): void {
    this.#held.shift()?.()
  }

  async close(): Promise<void> {
    this.isClosed = true
  }
}

const quick = (password: Uint8Array, salt: Uint8Array) => createHash('sha512').update(password).update(salt).digest()

const costs = (derivation: CountedDerivation) =>
  derivation.derived.map((like) => (like.kind === 'sha512-pbkdf2' ? like.iterations : like.kind))

/** A line that `CountedDerivation` verifies. */
function lineOf(username: string, password: string, iterations: number, fill = 1): string {
  const salt = new Uint8Array(12).fill(fill)
  const hash = new Uint8Array(quick(Buffer.from(password), salt))
  return `${username}:${formatPasswordHash({ kind: 'sha512-pbkdf2', iterations, salt, hash })}`
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

test('hashes that the real tools of Mosquitto wrote verify, and only with their password', async (t) => {
  const authenticator = authenticatorOf(t, Object.values(written))
  const passwords = { alice: 'correct horse', dave: 'six', carol: 'correct horse' }
  for (const [username, password] of Object.entries(passwords)) {
    assert.equal(await authenticator.verify(username, Buffer.from('wrong')), false, username)
    assert.equal(await authenticator.verify(username, Buffer.from(password)), true, username)
    // A derivation of argon2id takes most of a second on a busy machine.
    if (username === 'carol') continue
    assert.equal(await authenticator.verify(username, Buffer.from(`${password} `)), false, username)
    assert.equal(await authenticator.verify(username, Buffer.alloc(0)), false, username)
  }
})

test('a salt of 64 bytes and a thousand iterations, as Mosquitto 2.1 writes, verify', async (t) => {
  const derivation = new ThreadedDerivation()
  const like = {
    kind: 'sha512-pbkdf2',
    iterations: 1000,
    salt: new Uint8Array(64).fill(5),
    hash: new Uint8Array(64),
  } as const
  const hash = await derivation.derive(like, Buffer.from('pw'))
  const authenticator = authenticatorOf(t, [`eve:${formatPasswordHash({ ...like, hash })}`], { derivation })
  assert.equal(await authenticator.verify('eve', Buffer.from('pw')), true)
  assert.equal(await authenticator.verify('eve', Buffer.from('pW')), false)
})

test('no password, an unknown user and an empty file never log in', async (t) => {
  const authenticator = authenticatorOf(t, [written.pbkdf2])
  assert.equal(await authenticator.verify('alice', undefined), false)
  assert.equal(await authenticator.verify('bob', Buffer.from('correct horse')), false)
  assert.equal(await authenticator.verify('', Buffer.from('correct horse')), false)
  assert.equal(await authenticatorOf(t, []).verify('alice', Buffer.from('correct horse')), false)
})

test('a user who does not exist costs one derivation of the commonest cost, as a wrong password does', async (t) => {
  const derivation = new CountedDerivation()
  const lines = [lineOf('old', 'x', 7), lineOf('a', 'x', 5), lineOf('b', 'x', 5), 'plain:x']
  const authenticator = authenticatorOf(t, lines, { derivation })
  for (const username of ['a', 'nobody', 'plain', 'old']) await authenticator.verify(username, Buffer.from('wrong'))
  assert.deepEqual(costs(derivation), [5, 5, 5, 7])
})

test('the cost of a user who does not exist follows the file', async (t) => {
  const derivation = new CountedDerivation()
  const authenticator = authenticatorOf(t, [lineOf('a', 'x', 5)], { derivation })
  authenticator.replace(fileOf(lineOf('a', 'x', 9)))
  await authenticator.verify('nobody', Buffer.from('x'))
  authenticator.replace(fileOf(written.argon2id))
  await authenticator.verify('nobody', Buffer.from('x'))
  assert.deepEqual(costs(derivation), [9, 'argon2id'])
})

test('a right password is derived once, a wrong one every time', async (t) => {
  const derivation = new CountedDerivation()
  const authenticator = authenticatorOf(t, [lineOf('a', 'right', 5), lineOf('b', 'right', 5, 2)], { derivation })
  const derivationsOf = async (username: string, password: string, expected: boolean) => {
    const before = derivation.derived.length
    assert.equal(await authenticator.verify(username, Buffer.from(password)), expected)
    return derivation.derived.length - before
  }
  assert.equal(await derivationsOf('a', 'right', true), 1)
  assert.equal(await derivationsOf('a', 'right', true), 0)
  assert.equal(await derivationsOf('a', 'wrong', false), 1)
  assert.equal(await derivationsOf('a', 'wrong', false), 1)
  assert.equal(await derivationsOf('a', 'right', true), 0)
  assert.equal(await derivationsOf('b', 'right', true), 1)
  authenticator.replace(fileOf(lineOf('a', 'right', 5)))
  assert.equal(await derivationsOf('a', 'right', true), 1)
})

test('as many users are remembered as asked for; with none every login is derived', async (t) => {
  const lines = ['a', 'b', 'c'].map((name, i) => lineOf(name, 'x', 5, i))
  const counts: number[] = []
  for (const maxRemembered of [2, 0]) {
    const derivation = new CountedDerivation()
    const authenticator = authenticatorOf(t, lines, { derivation, maxRemembered })
    for (const name of ['a', 'b', 'c', 'c', 'b', 'a']) assert.ok(await authenticator.verify(name, Buffer.from('x')))
    counts.push(derivation.derived.length)
  }
  assert.deepEqual(counts, [4, 6])
})

test('at most so many derivations run at once, so many wait, and the next login is ERR_AUTHENTICATION_BUSY', async (t) => {
  const derivation = new CountedDerivation()
  const lines = Array.from({ length: 6 }, (_, i) => lineOf(`u${i}`, 'x', 5, i))
  const authenticator = authenticatorOf(t, lines, { derivation, concurrency: 2, maxWaiting: 3 })
  derivation.hold()
  const verifies = lines.slice(1).map((_, i) => authenticator.verify(`u${i}`, Buffer.from('x')))
  await assert.rejects(authenticator.verify('u5', Buffer.from('x')), isError('ERR_AUTHENTICATION_BUSY'))
  await nextTurn()
  assert.equal(derivation.derived.length, 2)
  derivation.releaseOne()
  await nextTurn()
  assert.equal(derivation.derived.length, 3)
  derivation.release()
  assert.deepEqual(await Promise.all(verifies), [true, true, true, true, true])
  assert.equal(derivation.mostRunning, 2)
  assert.equal(await authenticator.verify('u5', Buffer.from('x')), true)
})

test('a login on its way is decided by the file that is in force when it ends', async (t) => {
  const derivation = new CountedDerivation()
  const authenticator = authenticatorOf(t, [lineOf('gone', 'x', 5), lineOf('changed', 'x', 5, 2)], { derivation })
  derivation.hold()
  const verifies = ['gone', 'changed', 'changed'].map((name, i) =>
    authenticator.verify(name, Buffer.from(i < 2 ? 'x' : 'y')),
  )
  authenticator.replace(fileOf(lineOf('changed', 'y', 5, 3)))
  derivation.release()
  assert.deepEqual(await Promise.all(verifies), [false, false, true])
})

test('a record keeps its name while its line stays, and tells nothing', (t) => {
  const authenticator = authenticatorOf(t, [lineOf('a', 'x', 5), lineOf('b', 'x', 5, 2)])
  const before = authenticator.recordOf('a')
  assert.ok(before !== undefined && before.length === 43)
  assert.notEqual(authenticator.recordOf('b'), before)
  authenticator.replace(fileOf('# moved', lineOf('a', 'x', 5)))
  assert.equal(authenticator.recordOf('a'), before)
  assert.equal(authenticator.recordOf('b'), undefined)
  authenticator.replace(fileOf(lineOf('a', 'y', 5)))
  assert.notEqual(authenticator.recordOf('a'), before)
})

test('close refuses who waits and who comes later, lets what runs end without an answer, and closes the threads', async (t) => {
  const derivation = new CountedDerivation()
  const authenticator = authenticatorOf(t, [lineOf('a', 'x', 5)], { derivation, concurrency: 1 })
  derivation.hold()
  const verifies = [1, 2].map(() => authenticator.verify('a', Buffer.from('x')))
  const refused = verifies.map((verify) => assert.rejects(verify, isError('ERR_AUTHENTICATION_CLOSED')))
  let hasClosed = false
  const closing = authenticator.close().then(() => {
    hasClosed = true
  })
  await refused[1]
  await nextTurn()
  assert.equal(hasClosed, false)
  derivation.release()
  await Promise.all([...refused, closing])
  assert.ok(derivation.isClosed)
  await assert.rejects(authenticator.verify('a', Buffer.from('x')), isError('ERR_AUTHENTICATION_CLOSED'))
})

test('close ends an argon2id derivation on its way with ERR_AUTHENTICATION_CLOSED', async (t) => {
  const authenticator = authenticatorOf(t, [written.argon2id])
  const verifies = [1, 2, 3].map(() => authenticator.verify('carol', Buffer.from('correct horse')))
  const refused = verifies.map((verify) => assert.rejects(verify, isError('ERR_AUTHENTICATION_CLOSED')))
  await authenticator.close()
  await Promise.all(refused)
})
