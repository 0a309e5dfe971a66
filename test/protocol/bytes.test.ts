import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bytesEqual, fromBase64url, fromHex, toBase64url, toHex } from '../../protocol/index.ts'
import { bytes, fcSeed } from '../helpers/arbitraries.ts'

test('hexadecimal and base64url are those of Node, and come back as the same bytes', () => {
  const property = fc.property(bytes(), (value) => {
    assert.equal(toHex(value), Buffer.from(value).toString('hex'))
    assert.equal(toBase64url(value), Buffer.from(value).toString('base64url'))
    assert.ok(bytesEqual(fromHex(toHex(value)), value))
    assert.ok(bytesEqual(fromBase64url(toBase64url(value)), value))
  })
  fc.assert(property, { seed: fcSeed, numRuns: 500 })
})

test('base64url that is accepted is the only text for its bytes', () => {
  const text = fc.string({ unit: fc.constantFrom(...'AQgw_-Zz09+/= \x7fÁŁ€😀'), maxLength: 9 })
  const property = fc.property(text, (candidate) => {
    let decoded: Uint8Array
    try {
      decoded = fromBase64url(candidate)
    } catch (error) {
      assert.ok(error instanceof RangeError)
      return
    }
    assert.equal(toBase64url(decoded), candidate)
  })
  fc.assert(property, { seed: fcSeed, numRuns: 3000 })
})

test('half a byte and other digits are not hexadecimal', () => {
  for (const text of ['0', 'abc', '0g', ' 00', '0x00', '-1']) assert.throws(() => fromHex(text), RangeError)
})

test('bytes are equal only when length and content are', () => {
  assert.ok(bytesEqual(Uint8Array.of(1, 2), Uint8Array.of(1, 2)))
  assert.equal(bytesEqual(Uint8Array.of(1, 2), Uint8Array.of(1, 3)), false)
  assert.equal(bytesEqual(Uint8Array.of(1, 2), Uint8Array.of(1)), false)
})
