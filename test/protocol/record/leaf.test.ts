import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { commitmentOf, decodeLeaf, encodeLeaf, leafHash, nobleCrypto, toHex } from '../../../protocol/index.ts'
import { bytesOf, fcSeed, unsigned } from '../../helpers/arbitraries.ts'
import { throwsCode } from '../../helpers/codes.ts'
import { hex } from '../../helpers/vectors.ts'

test('the check value of formats.md section 2 comes out: commitment, leaf and leaf hash', () => {
  const commitment = commitmentOf(new Uint8Array(16).fill(0xaa), hex('a0'), nobleCrypto)
  const leaf = encodeLeaf({ timeMs: 1_767_225_600_000, commitment })
  assert.equal(
    toHex(leaf),
    '83011b0000019b76daa800582005d2822de62c2c17941bb9375ab7884df3e06b2f45329b733d483fad7b652e8b',
  )
  assert.equal(leaf.length, 45)
  assert.equal(toHex(leafHash(leaf, nobleCrypto)), 'ee4edc00559872fee6a8bdd2b82d9c0f4614d1410ea17f9a655e7f35dd757e55')
})

test('a leaf is decoded to what was encoded', () => {
  const property = fc.property(unsigned, bytesOf(32), (timeMs, commitment) => {
    assert.deepEqual(decodeLeaf(encodeLeaf({ timeMs, commitment })), { timeMs, commitment })
  })
  fc.assert(property, { seed: fcSeed, numRuns: 300 })
})

test('a leaf of another version, shape or length is refused', () => {
  const commitment = `5820 ${'00'.repeat(32)}`
  throwsCode(() => decodeLeaf(hex(`83 02 00 ${commitment}`)), 'ERR_RECORD_MALFORMED')
  throwsCode(() => decodeLeaf(hex(`82 01 ${commitment}`)), 'ERR_CBOR_UNEXPECTED')
  throwsCode(() => decodeLeaf(hex(`83 01 20 ${commitment}`)), 'ERR_CBOR_UNEXPECTED')
  throwsCode(() => decodeLeaf(hex(`83 01 00 581f ${'00'.repeat(31)}`)), 'ERR_CBOR_UNEXPECTED')
  throwsCode(() => decodeLeaf(hex(`83 01 00 ${commitment} 00`)), 'ERR_CBOR_TRAILING_BYTES')
})

test('another salt or another record is another commitment', () => {
  const salt = new Uint8Array(16)
  const base = toHex(commitmentOf(salt, hex('a0'), nobleCrypto))
  assert.notEqual(toHex(commitmentOf(Uint8Array.from(salt).fill(1), hex('a0'), nobleCrypto)), base)
  assert.notEqual(toHex(commitmentOf(salt, hex('a1'), nobleCrypto)), base)
})
