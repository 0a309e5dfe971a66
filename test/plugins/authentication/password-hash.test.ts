import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createPasswordHash, ThreadedDerivation } from '../../../plugins/authentication/derivation.ts'
import { AuthenticationError, type AuthenticationErrorCode } from '../../../plugins/authentication/errors.ts'
import {
  formatPasswordHash,
  type PasswordHash,
  parsePasswordHash,
} from '../../../plugins/authentication/password-hash.ts'
import { bytesOf, fcSeed } from '../../helpers/arbitraries.ts'
import { atEnd } from '../../helpers/cleanup.ts'

function isError(code: AuthenticationErrorCode) {
  return (error: unknown) => error instanceof AuthenticationError && error.code === code
}

const b64 = (length: number) => Buffer.alloc(length, 7).toString('base64')
const unpadded = (length: number) => b64(length).replace(/=+$/, '')

test('a hash of each kind reads back as what was written', () => {
  const salts = fc.oneof(bytesOf(12), bytesOf(64))
  const hash = bytesOf(64)
  const anyHash: fc.Arbitrary<PasswordHash> = fc.oneof(
    fc.record({ kind: fc.constant('sha512' as const), salt: salts, hash }),
    fc.record({
      kind: fc.constant('sha512-pbkdf2' as const),
      iterations: fc.integer({ min: 1, max: 10_000_000 }),
      salt: salts,
      hash,
    }),
    fc.record({
      kind: fc.constant('argon2id' as const),
      memoryKib: fc.integer({ min: 128, max: 262_144 }),
      passes: fc.integer({ min: 1, max: 4 }),
      lanes: fc.integer({ min: 1, max: 16 }),
      salt: fc.uint8Array({ minLength: 8, maxLength: 64 }),
      hash: fc.uint8Array({ minLength: 16, maxLength: 64 }),
    }),
  )
  const property = fc.property(anyHash, (value) => {
    assert.deepEqual(parsePasswordHash(formatPasswordHash(value)), { ...value })
  })
  fc.assert(property, { seed: fcSeed, numRuns: 300 })
})

const wrong: Readonly<Record<string, string>> = {
  'iterations of 0': `$7$0$${b64(12)}$${b64(64)}`,
  'more iterations than the cap': `$7$10000001$${b64(12)}$${b64(64)}`,
  'iterations with a sign': `$7$+101$${b64(12)}$${b64(64)}`,
  'iterations with letters behind': `$7$101abc$${b64(12)}$${b64(64)}`,
  'a salt of 16 bytes, which no Mosquitto reads': `$7$101$${b64(16)}$${b64(64)}`,
  'a hash of 32 bytes': `$7$101$${b64(12)}$${b64(32)}`,
  'base64 without padding': `$7$101$${b64(12)}$${unpadded(64)}`,
  'base64 with a character that is none': `$7$101$${b64(12)}$${b64(64).replace('B', '*')}`,
  'a missing hash': `$7$101$${b64(12)}`,
  'a field too many': `$7$101$${b64(12)}$${b64(64)}$x`,
  'a $6$ without salt': `$6$$${b64(64)}`,
  'a $6$ with iterations': `$6$101$${b64(12)}$${b64(64)}`,
  'an unknown kind': `$9$${b64(12)}$${b64(64)}`,
  argon2i: `$argon2i$v=19$m=64,t=1,p=1$${unpadded(16)}$${unpadded(32)}`,
  'argon2id of another version': `$argon2id$v=16$m=64,t=1,p=1$${unpadded(16)}$${unpadded(32)}`,
  'argon2id with more memory than 256 MiB': `$argon2id$v=19$m=262145,t=1,p=1$${unpadded(16)}$${unpadded(32)}`,
  'argon2id with more passes than the work allows': `$argon2id$v=19$m=262144,t=5,p=1$${unpadded(16)}$${unpadded(32)}`,
  'argon2id with less than eight blocks a lane': `$argon2id$v=19$m=15,t=1,p=2$${unpadded(16)}$${unpadded(32)}`,
  'argon2id with 17 lanes': `$argon2id$v=19$m=1024,t=1,p=17$${unpadded(16)}$${unpadded(32)}`,
  'argon2id with padding': `$argon2id$v=19$m=64,t=1,p=1$${b64(16)}$${unpadded(32)}`,
  'argon2id with a salt of 7 bytes': `$argon2id$v=19$m=64,t=1,p=1$${unpadded(7)}$${unpadded(32)}`,
  'argon2id with a hash of 15 bytes': `$argon2id$v=19$m=64,t=1,p=1$${unpadded(16)}$${unpadded(15)}`,
  'argon2id with its costs in another order': `$argon2id$v=19$t=1,m=64,p=1$${unpadded(16)}$${unpadded(32)}`,
}

for (const [name, text] of Object.entries(wrong)) {
  test(`${name} is ERR_PASSWORD_HASH, and the message holds nothing of it`, () => {
    assert.throws(
      () => parsePasswordHash(text),
      (error) => {
        assert.ok(isError('ERR_PASSWORD_HASH')(error))
        assert.ok(error instanceof Error && !/[A-Za-z0-9+/]{20}/.test(error.message), 'no salt, no hash')
        return true
      },
    )
  })
}

test('a password in plain text is ERR_PASSWORD_NOT_HASHED, and the message does not hold it', () => {
  for (const text of ['hunter2', '$', '$$', '$ecret', '6', '']) {
    assert.throws(() => parsePasswordHash(text), isError('ERR_PASSWORD_NOT_HASHED'), text)
  }
  assert.throws(
    () => parsePasswordHash('hunter2'),
    (error) => error instanceof Error && !error.message.includes('hunter2'),
  )
})

test('what stands behind a user never makes the parser throw anything but its own errors', () => {
  const field = fc.oneof(
    fc.string(),
    fc.constantFrom('6', '7', 'argon2id', '101', 'v=19', 'm=64,t=1,p=1', b64(12), b64(64)),
  )
  const property = fc.property(fc.array(field, { maxLength: 7 }), (fields) => {
    try {
      parsePasswordHash(fields.join('$'))
    } catch (error) {
      assert.ok(error instanceof AuthenticationError)
    }
  })
  fc.assert(property, { seed: fcSeed, numRuns: 1000 })
})

test('a new hash has a salt of its own, of 12 bytes as both Mosquitto 2.0 and 2.1 read', async (t) => {
  const derivation = new ThreadedDerivation()
  atEnd(t, () => derivation.close())
  const password = Buffer.from('x')
  const [a, b] = await Promise.all([1, 2].map(() => createPasswordHash(password, 'sha512-pbkdf2', derivation, 3)))
  assert.ok(a?.kind === 'sha512-pbkdf2' && b !== undefined)
  assert.deepEqual([a.iterations, a.salt.length, a.hash.length], [3, 12, 64])
  assert.notDeepEqual(a.salt, b.salt)
  assert.notDeepEqual(a.hash, b.hash)
})

test('a hash made without a wish for iterations has a hundred thousand', async () => {
  const derivation = { derive: async () => new Uint8Array(64), close: async () => {} }
  const made = await createPasswordHash(Buffer.from('x'), 'sha512-pbkdf2', derivation)
  assert.equal(made.kind === 'sha512-pbkdf2' && made.iterations, 100_000)
})

test('a new password that is empty or longer than 65535 bytes is ERR_PASSWORD_INVALID', async () => {
  const derivation = { derive: async () => new Uint8Array(64), close: async () => {} }
  for (const length of [0, 65_536]) {
    const made = createPasswordHash(new Uint8Array(length), 'sha512', derivation)
    await assert.rejects(made, isError('ERR_PASSWORD_INVALID'))
  }
  await createPasswordHash(new Uint8Array(65_535), 'sha512', derivation)
})
