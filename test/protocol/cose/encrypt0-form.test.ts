import assert from 'node:assert/strict'
import { createCipheriv } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { isEncryptedForm } from '../../../protocol/cose/encrypt0-form.ts'
import { type CborValue, CborWriter, coseKeyOfP256, encodeCbor } from '../../../protocol/index.ts'
import { bytes, fcSeed } from '../../helpers/arbitraries.ts'
import { key11 } from '../../helpers/keys.ts'

const map = (...entries: readonly (readonly [number, CborValue])[]) => new Map(entries)
const tagged = (tag: number, value: CborValue) => new CborWriter().tag(tag).raw(encodeCbor(value)).finish()
const filled = (length: number) => new Uint8Array(length).fill(7)

const a256Gcm = encodeCbor(map([1, 3]))
const a128Gcm = encodeCbor(map([1, 1]))
const unprotected = map([4, filled(8)], [5, filled(12)])
const encrypt0 = (...parts: readonly CborValue[]) => tagged(16, parts)

const ecdhEs = encodeCbor(map([1, -31]))
const ephemeral = coseKeyOfP256(key11)
const recipientHeaders = map([4, filled(8)], [-1, ephemeral])
const recipient: CborValue = [ecdhEs, recipientHeaders, filled(40)]
const encrypt = (recipients: CborValue, protectedBytes = a256Gcm) =>
  tagged(96, [protectedBytes, unprotected, filled(48), recipients])

describe('the form of an encrypted payload', () => {
  test('is that of a COSE_Encrypt0 that AES-GCM made, whatever is inside', () => {
    const iv = filled(12)
    for (const [protectedBytes, algorithm, keyBytes] of [
      [a256Gcm, 'aes-256-gcm', 32],
      [a128Gcm, 'aes-128-gcm', 16],
    ] as const) {
      for (const plain of [0, 1, 5000]) {
        const cipher = createCipheriv(algorithm, filled(keyBytes), iv)
        const ciphertext = Buffer.concat([cipher.update(filled(plain)), cipher.final(), cipher.getAuthTag()])
        const message = encrypt0(protectedBytes, map([4, filled(1)], [5, iv]), new Uint8Array(ciphertext))
        assert.equal(isEncryptedForm(message), true, `${algorithm} ${plain}`)
      }
    }
  })

  test('is that of a COSE_Encrypt with one recipient or many', () => {
    assert.equal(isEncryptedForm(encrypt([recipient])), true)
    assert.equal(isEncryptedForm(encrypt(Array.from({ length: 1024 }, () => recipient))), true)
    assert.equal(isEncryptedForm(encrypt([[ecdhEs, recipientHeaders, filled(24)]], a128Gcm)), true)
  })

  const content = filled(16)
  for (const [what, payload] of Object.entries({
    nothing: new Uint8Array(),
    text: new TextEncoder().encode('21.5'),
    'a COSE_Sign1': tagged(18, [a256Gcm, map(), content, filled(64)]),
    'a COSE_Encrypt0 without its tag': encodeCbor([a256Gcm, unprotected, content]),
    'another tag that begins like 96': tagged(97, [a256Gcm, unprotected, content, [recipient]]),
    'an algorithm that is not AES-GCM': encrypt0(encodeCbor(map([1, 10])), unprotected, content),
    'A192GCM, which is not in the profile': encrypt0(encodeCbor(map([1, 2])), unprotected, content),
    'no algorithm': encrypt0(new Uint8Array(), unprotected, content),
    'another protected header': encrypt0(encodeCbor(map([1, 3], [4, filled(8)])), unprotected, content),
    'an algorithm outside the protected headers': encrypt0(new Uint8Array(), map([1, 3], [5, filled(12)]), content),
    'no initialisation vector': encrypt0(a256Gcm, map([4, filled(8)]), content),
    'no key id': encrypt0(a256Gcm, map([5, filled(12)]), content),
    'a key id that is text': encrypt0(a256Gcm, map([4, 'key'], [5, filled(12)]), content),
    'a short initialisation vector': encrypt0(a256Gcm, map([4, filled(8)], [5, filled(11)]), content),
    'a third unprotected header': encrypt0(a256Gcm, map([4, filled(8)], [5, filled(12)], [6, 1]), content),
    'a ciphertext without room for the tag': encrypt0(a256Gcm, unprotected, filled(15)),
    'a detached ciphertext': encrypt0(a256Gcm, unprotected, null),
    'four parts': encrypt0(a256Gcm, unprotected, content, content),
    'no recipient': encrypt([]),
    'more recipients than anybody has': encrypt(Array.from({ length: 1025 }, () => recipient)),
    'a recipient by another algorithm': encrypt([[encodeCbor(map([1, -29])), recipientHeaders, filled(40)]]),
    'a recipient without a name': encrypt([[ecdhEs, map([-1, ephemeral]), filled(40)]]),
    'a recipient without an ephemeral key': encrypt([[ecdhEs, map([4, filled(8)]), filled(40)]]),
    'an ephemeral key of another kind': encrypt([[ecdhEs, map([4, filled(8)], [-1, map([1, 1])]), filled(40)]]),
    'a wrapped key of another length than the content key has': encrypt([[ecdhEs, recipientHeaders, filled(24)]]),
    'one bad recipient among good ones': encrypt([recipient, [ecdhEs, recipientHeaders, filled(41)], recipient]),
    'recipients of recipients': encrypt([[ecdhEs, recipientHeaders, filled(40), [recipient]]]),
  })) {
    test(`is not that of ${what}`, () => assert.equal(isEncryptedForm(payload), false))
  }

  for (const [what, message] of Object.entries({
    encrypt0: encrypt0(a256Gcm, unprotected, content),
    encrypt: encrypt([recipient]),
  })) {
    test(`is lost with any byte cut off or added (${what})`, () => {
      for (let length = 0; length < message.length; length++) {
        assert.equal(isEncryptedForm(message.subarray(0, length)), false, String(length))
      }
      assert.equal(isEncryptedForm(Uint8Array.of(...message, 0)), false)
    })
  }

  test('is not that of CBOR that is not deterministic: a longer length, an indefinite one, another order of headers', () => {
    const [start, rest] = [
      [0xd0, 0x83],
      [0x43, 0xa1, 0x01, 0x03],
    ]
    const key = [0x04, 0x41, 0x07]
    const iv = [0x05, 0x4c, ...filled(12)]
    const end = [0x50, ...content]
    assert.equal(isEncryptedForm(Uint8Array.of(...start, ...rest, 0xa2, ...key, ...iv, ...end)), true)
    for (const wrong of [
      [...start, ...rest, 0xa2, ...iv, ...key, ...end],
      [...start, ...rest, 0xbf, ...key, ...iv, 0xff, ...end],
      [...start, ...rest, 0xa2, ...key, ...key, ...end],
      [...start, ...rest, 0xa2, ...key, ...iv, 0x58, ...end.with(0, 16)],
      [0xd0, 0x9f, ...rest, 0xa2, ...key, ...iv, ...end, 0xff],
      [0xd8, 16, 0x83, ...rest, 0xa2, ...key, ...iv, ...end],
      [...start, 0x44, 0xa1, 0x01, 0x18, 0x03, 0xa2, ...key, ...iv, ...end],
    ]) {
      assert.equal(isEncryptedForm(Uint8Array.from(wrong)), false, Buffer.from(wrong).toString('hex'))
    }
  })

  test('is not that of a length that claims a gigabyte', () => {
    const claims = [
      [0xd0, 0x5a, 0x40, 0, 0, 0],
      [0xd0, 0x83, 0x5a, 0x40, 0, 0, 0],
      [0xd8, 96, 0x84, 0x43, 0xa1, 1, 3, 0xba, 0x40, 0, 0, 0],
    ]
    for (const claim of claims) assert.equal(isEncryptedForm(Uint8Array.from(claim)), false)
  })

  test('is judged without failing, whatever the bytes are', () => {
    const start = fc.constantFrom([], [0xd0], [0xd0, 0x83, 0x43, 0xa1, 1, 3], [0xd8, 96, 0x84, 0x43, 0xa1, 1, 3])
    const property = fc.property(start, bytes(60), (first, rest) => {
      assert.equal(typeof isEncryptedForm(Uint8Array.of(...first, ...rest)), 'boolean')
    })
    fc.assert(property, { seed: fcSeed, numRuns: 2000 })
  })
})
