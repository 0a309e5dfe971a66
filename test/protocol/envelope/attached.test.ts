import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import { type CborValue, encodeSign1, parseAttachedEnvelope, parseSign1, toHex } from '../../../protocol/index.ts'
import { example, exampleSign1, headersWith, isGenuine, signedEnvelope } from '../../helpers/envelopes.ts'
import { key11 } from '../../helpers/keys.ts'
import { hex } from '../../helpers/vectors.ts'

type HeaderChange = readonly [number | string, CborValue | undefined]

const sign1 = parseSign1(exampleSign1)
const withHeaders = (...changes: readonly HeaderChange[]) =>
  signedEnvelope({ protectedHeaders: headersWith(changes) }, nativeCrypto)
const withUnprotected = (unprotected: string) => signedEnvelope({ unprotected: hex(unprotected) }, nativeCrypto)
const mark = (seq: CborValue, timeMs: CborValue): HeaderChange => [-65537, [seq, timeMs]]
const twoTo53 = hex('1b 0020000000000000')

/** The example with the eight bytes of its time, or the one of its sequence number, replaced. */
function patched(from: string, to: string): Uint8Array {
  const protectedBytes = hex(toHex(example.protectedBytes).replace(from, to))
  return encodeSign1({ ...sign1, protectedBytes }, example.payload)
}

const opaque: readonly (readonly [string, Uint8Array])[] = [
  ['nothing', new Uint8Array(0)],
  ['a tag alone', hex('d2')],
  ['plain text', hex('32312e35')],
  ['a nil payload', encodeSign1(sign1, undefined)],
  ['a kid of 7 bytes', withHeaders([4, key11.thumbprint.subarray(0, 7)])],
  ['a kid of 33 bytes', withHeaders([4, Uint8Array.of(...key11.thumbprint, 0)])],
  ['a kid that is text', withHeaders([4, 'b71d9fc27ee9ce61'])],
  ['no kid', withHeaders([4, undefined])],
  ['no alg', withHeaders([1, undefined])],
  ['an alg that is text', withHeaders([1, 'ES256'])],
  ['a signature of 63 bytes', encodeSign1({ ...sign1, signature: example.signature.subarray(1) }, example.payload)],
  ['a signature of 65 bytes', encodeSign1({ ...sign1, signature: new Uint8Array(65) }, example.payload)],
  ['an unknown label in crit', withHeaders([2, [15]], [15, 'x'])],
  ['a crit that is no list', withHeaders([2, -65537])],
  ['no label -65537', withHeaders([-65537, undefined])],
  ['seq alone in -65537', withHeaders([-65537, [1]])],
  ['three numbers in -65537', withHeaders([-65537, [1, 2, 3]])],
  ['a map in -65537', withHeaders([-65537, new Map([[1, 2]])])],
  ['seq as text', withHeaders(mark('1', 2))],
  ['a negative seq', withHeaders(mark(-1, 2))],
  ['a negative time', withHeaders(mark(1, -2))],
  ['seq as nil', withHeaders(mark(null, 2))],
  ['time as a byte string', withHeaders(mark(1, twoTo53))],
  ['seq 2^53', patched('82011b0000019b76daa800', `82${toHex(twoTo53)}00`)],
  ['time 2^53', patched('1b0000019b76daa800', toHex(twoTo53))],
  ['seq in a longer form', patched('8201', '821801')],
  ['seq as a float', patched('8201', '82f93c00')],
  ['a kid in the unprotected header', withUnprotected('a1 04 48 b71d9fc27ee9ce61')],
  ['a content type in the unprotected header', withUnprotected('a1 03 00')],
  ['receipts and another unprotected header', withUnprotected('a2 03 00 19018a 81 40')],
  ['receipts that are a map', withUnprotected('a1 19018a a0')],
  ['receipts that are one byte string', withUnprotected('a1 19018a 40')],
  ['an empty list of receipts', withUnprotected('a1 19018a 80')],
  ['a receipt that is no byte string', withUnprotected('a1 19018a 82 40 00')],
  ['tag 98 (COSE_Sign)', hex(`d862 ${toHex(exampleSign1.subarray(1))}`)],
  ['tag 16 (COSE_Encrypt0)', hex(`d0 ${toHex(exampleSign1.subarray(1))}`)],
  ['tag 17 around four elements of a COSE_Sign1', hex(`d1 ${toHex(exampleSign1.subarray(1))}`)],
  ['no tag', exampleSign1.subarray(1)],
  ['a trailing byte', Uint8Array.of(...exampleSign1, 0)],
  ['the last byte missing', exampleSign1.subarray(0, -1)],
]

describe('what is not an envelope of ours is an opaque payload', () => {
  for (const [name, message] of opaque) {
    test(`with ${name}`, () => assert.equal(parseAttachedEnvelope(message), undefined))
  }
})

describe('a hop MAC', () => {
  const inner = `5869 ${toHex(exampleSign1)}`
  const tag = `5820 ${toHex(example.macTag)}`
  const refused: readonly (readonly [string, string])[] = [
    ['of 31 bytes', `d184 4d a201050448 0102030405060708 a0 ${inner} 581f ${'00'.repeat(31)}`],
    ['of the truncated HMAC 256/64', `d184 4d a201040448 0102030405060708 a0 ${inner} ${tag}`],
    ['without a sid', `d184 43 a10105 a0 ${inner} ${tag}`],
    ['whose sid is text', `d184 46 a20105046161 a0 ${inner} ${tag}`],
    ['with a third protected header', `d184 4f a301050300 0448 0102030405060708 a0 ${inner} ${tag}`],
    ['with its headers unprotected', `d184 40 a2010504480102030405060708 ${inner} ${tag}`],
    ['with an unprotected header beside', `d184 4d a201050448 0102030405060708 a1 0300 ${inner} ${tag}`],
    ['around nothing', `d184 4d a201050448 0102030405060708 a0 f6 ${tag}`],
    ['around plain bytes', `d184 4d a201050448 0102030405060708 a0 4432312e35 ${tag}`],
    ['with a trailing byte', `d184 4d a201050448 0102030405060708 a0 ${inner} ${tag} 00`],
  ]
  for (const [name, message] of refused) {
    test(`${name} makes the message opaque`, () => assert.equal(parseAttachedEnvelope(hex(message)), undefined))
  }
  test('around a hop MAC makes the message opaque', () => {
    const once = `d184 4d a201050448 0102030405060708 a0 ${inner} ${tag}`
    assert.notEqual(parseAttachedEnvelope(hex(once))?.mac, undefined)
    const twice = `d184 4d a201050448 0102030405060708 a0 589e ${toHex(hex(once))} ${tag}`
    assert.equal(parseAttachedEnvelope(hex(twice)), undefined)
  })
})

describe('what is an envelope', () => {
  const admitted: readonly (readonly [string, Uint8Array])[] = [
    ['a kid of 8 bytes', withHeaders()],
    ['a kid of 32 bytes', withHeaders([4, key11.thumbprint])],
    ['ES256 as alg', withHeaders([1, -7])],
    ['-65537 named as critical', withHeaders([2, [-65537]])],
    ['the headers of a SCITT statement', withHeaders([3, 'text/plain'], [15, new Map([[1, 'iss']])])],
    ['seq and time of 0', withHeaders(mark(0, 0))],
    ['seq and time of 2^53 - 1', withHeaders(mark(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER))],
    ['an empty payload', signedEnvelope({ payload: new Uint8Array(0) }, nativeCrypto)],
    ['a payload of 70,000 bytes', signedEnvelope({ payload: new Uint8Array(70_000) }, nativeCrypto)],
    ['a payload that is an envelope itself', signedEnvelope({ payload: exampleSign1 }, nativeCrypto)],
    ['one receipt (394)', withUnprotected('a1 19018a 81 43 010203')],
    ['two receipts (394)', withUnprotected('a1 19018a 82 43 010203 40')],
  ]
  for (const [name, message] of admitted) {
    test(`may have ${name}`, async () => {
      const envelope = parseAttachedEnvelope(message)
      assert.ok(envelope !== undefined)
      assert.equal(await isGenuine(envelope, example.topic, key11, nativeCrypto), true)
    })
  }
  test('may name another algorithm, which its key then refuses', async () => {
    const envelope = parseAttachedEnvelope(withHeaders([1, -19]))
    assert.equal(envelope?.alg, -19)
    assert.ok(envelope !== undefined)
    assert.equal(await isGenuine(envelope, example.topic, key11, nativeCrypto), false)
  })
})
