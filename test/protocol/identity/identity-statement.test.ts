import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import {
  isIdentityNonce,
  nobleCrypto,
  ProtocolError,
  signIdentityStatement,
  verifyIdentityStatement,
} from '../../../protocol/index.ts'
import { bytesOf, fcSeed } from '../../helpers/arbitraries.ts'
import { key11, keyMeriadoc, publicOf } from '../../helpers/keys.ts'

const nonce = new Uint8Array(32).fill(7)
const statement = {
  nonce,
  brokerId: 'notarymq/test',
  checkpoint: undefined,
  certificateSha256: new Uint8Array(32).fill(9),
}

const isMismatch = (error: unknown) => error instanceof ProtocolError && error.code === 'ERR_IDENTITY_MISMATCH'

test('what a broker signs of itself is what its client reads, on either provider', async () => {
  const variants = fc.record({
    nonce: fc.uint8Array({ minLength: 16, maxLength: 64 }),
    brokerId: fc.string({ maxLength: 40 }),
    checkpoint: fc.option(fc.string({ maxLength: 200 }), { nil: undefined }),
    certificateSha256: fc.option(bytesOf(32), { nil: undefined }),
  })
  await fc.assert(
    fc.asyncProperty(variants, fc.string({ maxLength: 20 }), async (given, clientId) => {
      const message = signIdentityStatement(keyMeriadoc, clientId, given, nobleCrypto)
      const read = await verifyIdentityStatement(message, { nonce: given.nonce, clientId }, nativeCrypto)
      assert.deepEqual(read, { ...given, brokerKey: publicOf(keyMeriadoc) })
    }),
    { seed: fcSeed, numRuns: 40 },
  )
})

test('an answer by another key than the known one is refused', async () => {
  const message = signIdentityStatement(key11, 'press-7', statement, nativeCrypto)
  const expected = { nonce, clientId: 'press-7', brokerKey: publicOf(keyMeriadoc) }
  await assert.rejects(verifyIdentityStatement(message, expected, nativeCrypto), isMismatch)
})

test('an answer to an earlier nonce is refused', async () => {
  const message = signIdentityStatement(key11, 'press-7', statement, nativeCrypto)
  const expected = { nonce: new Uint8Array(32), clientId: 'press-7' }
  await assert.rejects(verifyIdentityStatement(message, expected, nativeCrypto), isMismatch)
})

test('an answer for another client is refused', async () => {
  const message = signIdentityStatement(key11, 'press-8', statement, nativeCrypto)
  await assert.rejects(verifyIdentityStatement(message, { nonce, clientId: 'press-7' }, nativeCrypto), {
    code: 'ERR_COSE_SIGNATURE_INVALID',
  })
})

test('every flipped bit of an answer is refused, and nothing but a ProtocolError is thrown', async () => {
  const message = signIdentityStatement(key11, 'press-7', statement, nativeCrypto)
  for (let bit = 0; bit < message.length * 8; bit += 3) {
    const copy = Uint8Array.from(message)
    copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7))
    const verifying = verifyIdentityStatement(copy, { nonce, clientId: 'press-7' }, nativeCrypto)
    await assert.rejects(verifying, (error) => error instanceof ProtocolError, `bit ${bit}`)
  }
})

test('a nonce has 16 to 64 bytes', () => {
  assert.deepEqual(
    [15, 16, 64, 65].map((length) => isIdentityNonce(new Uint8Array(length))),
    [false, true, true, false],
  )
})
