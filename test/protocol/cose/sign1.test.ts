import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  algEs256,
  type CborValue,
  encodeCbor,
  encodeSign1,
  externalAad,
  fromHex,
  nobleCrypto,
  type ProtocolErrorCode,
  parseProtectedHeaders,
  parseSign1,
  signSign1,
  toHex,
  verifySign1,
} from '../../../protocol/index.ts'
import { rejectsCode, throwsCode } from '../../helpers/codes.ts'
import { key11, keyMeriadoc } from '../../helpers/keys.ts'
import { hex } from '../../helpers/vectors.ts'

const aad = externalAad('test')
const payload = Uint8Array.of(1, 2, 3)

function signed(headers: ReadonlyMap<number, CborValue>): Uint8Array {
  return signSign1(key11, encodeCbor(headers), aad, payload, nobleCrypto)
}

describe('verification of a COSE_Sign1', () => {
  test('accepts ES256 (-7) as the same algorithm as ESP256 for a P-256 key', async () => {
    await verifySign1(parseSign1(signed(new Map([[1, algEs256]]))), key11, aad, nobleCrypto)
  })
  test('refuses every other algorithm, however valid the signature', async () => {
    for (const alg of [-8, -19, -35, -36, -51, 5, 0]) {
      const sign1 = parseSign1(signed(new Map([[1, alg]])))
      await rejectsCode(verifySign1(sign1, key11, aad, nobleCrypto), 'ERR_COSE_ALG_NOT_ALLOWED', String(alg))
    }
  })
  test('refuses a message whose alg is only in the unprotected header', async () => {
    const kidOnly = encodeCbor(new Map([[4, Uint8Array.of(1)]]))
    const { protectedBytes, signature } = parseSign1(signSign1(key11, kidOnly, aad, payload, nobleCrypto))
    const message = encodeSign1({ protectedBytes, unprotectedBytes: hex('a1 01 28'), signature }, payload)
    await rejectsCode(verifySign1(parseSign1(message), key11, aad, nobleCrypto), 'ERR_COSE_ALG_NOT_ALLOWED')
  })
  test('refuses another key, another external_aad and another payload', async () => {
    const sign1 = parseSign1(signed(new Map([[1, -9]])))
    const code: ProtocolErrorCode = 'ERR_COSE_SIGNATURE_INVALID'
    await rejectsCode(verifySign1(sign1, keyMeriadoc, aad, nobleCrypto), code)
    await rejectsCode(verifySign1(sign1, key11, externalAad('tesu'), nobleCrypto), code)
    await rejectsCode(verifySign1(sign1, key11, aad, nobleCrypto, Uint8Array.of(1, 2, 4)), code)
  })
  test('verifies a detached payload that is supplied, and refuses to guess one that is not', async () => {
    const detached = parseSign1(encodeSign1(parseSign1(signed(new Map([[1, -9]]))), undefined))
    assert.equal(detached.payload, undefined)
    await verifySign1(detached, key11, aad, nobleCrypto, payload)
    await rejectsCode(verifySign1(detached, key11, aad, nobleCrypto), 'ERR_COSE_MALFORMED')
  })
  test('takes a signature of any other length than 64 bytes for invalid', async () => {
    const sign1 = parseSign1(signed(new Map([[1, -9]])))
    for (const signature of [sign1.signature.subarray(1), new Uint8Array(65), new Uint8Array(0)]) {
      await rejectsCode(verifySign1({ ...sign1, signature }, key11, aad, nobleCrypto), 'ERR_COSE_SIGNATURE_INVALID')
    }
  })
})

describe('parsing of a COSE_Sign1', () => {
  const refused: readonly (readonly [string, ProtocolErrorCode, string])[] = [
    ['no tag', 'ERR_CBOR_UNEXPECTED', '84 40 a0 40 40'],
    ['COSE_Sign (tag 98)', 'ERR_CBOR_UNEXPECTED', 'd862 84 40 a0 40 40'],
    ['tag 18 in a longer form', 'ERR_CBOR_NOT_DETERMINISTIC', 'd812 84 40 a0 40 40'],
    ['tag 18 twice', 'ERR_CBOR_UNEXPECTED', 'd2d2 84 40 a0 40 40'],
    ['three elements', 'ERR_CBOR_UNEXPECTED', 'd2 83 40 a0 40'],
    ['five elements', 'ERR_CBOR_UNEXPECTED', 'd2 85 40 a0 40 40 40'],
    ['a protected header that is a map', 'ERR_CBOR_UNEXPECTED', 'd2 84 a0 a0 40 40'],
    ['an unprotected header that is a byte string', 'ERR_CBOR_UNEXPECTED', 'd2 84 40 40 40 40'],
    ['a payload that is text', 'ERR_CBOR_UNEXPECTED', 'd2 84 40 a0 60 40'],
    ['a signature that is nil', 'ERR_CBOR_UNEXPECTED', 'd2 84 40 a0 40 f6'],
    ['a byte after it', 'ERR_CBOR_TRAILING_BYTES', 'd2 84 40 a0 40 40 00'],
    ["empty protected headers as h'a0'", 'ERR_COSE_MALFORMED', 'd2 84 41a0 a0 40 40'],
    ['a byte after the protected map', 'ERR_CBOR_TRAILING_BYTES', 'd2 84 44a1012800 a0 40 40'],
    ['alg twice', 'ERR_CBOR_NOT_DETERMINISTIC', 'd2 84 45a201280128 a0 40 40'],
    ['unprotected labels out of order', 'ERR_CBOR_NOT_DETERMINISTIC', 'd2 84 40 a204400100 40 40'],
  ]
  for (const [name, code, message] of refused) {
    test(`refuses ${name} with ${code}`, () => throwsCode(() => parseSign1(hex(message)), code))
  }
  test('takes zero bytes for absent protected headers', () => {
    assert.equal(parseSign1(hex('d2 84 40 a0 40 40')).protectedHeaders.size, 0)
  })
  test('keeps the unprotected headers as they were encoded', () => {
    assert.equal(toHex(parseSign1(hex('d2 84 40 a10441ff 40 40')).unprotectedBytes), 'a10441ff')
  })
})

describe('crit (RFC 9052 section 3.1)', () => {
  const withCrit = (crit: CborValue, more: readonly (readonly [number, CborValue])[] = []) =>
    encodeCbor(new Map<number, CborValue>([[1, -9], [2, crit], ...more]))
  const mark = [-65537, [1, 2]] as const

  test('is accepted when it names the label of a signed publish, and that label is there', () => {
    assert.equal(parseProtectedHeaders(withCrit([-65537], [mark])).size, 3)
  })
  test('is refused when it names anything else, is empty or no list', () => {
    const refused: readonly CborValue[] = [[4], [-65537, 15], ['x'], [], -65537, null, new Map()]
    for (const crit of refused) {
      throwsCode(() => parseProtectedHeaders(withCrit(crit, [mark])), 'ERR_COSE_MALFORMED', JSON.stringify(crit))
    }
  })
  test('is refused when the label that it names is absent', () => {
    throwsCode(() => parseProtectedHeaders(withCrit([-65537])), 'ERR_COSE_MALFORMED')
  })
})

test('external_aad is the CBOR array of "notarymq/1" and the purpose', () => {
  assert.equal(toHex(externalAad('plant/1/temp')), '826a6e6f746172796d712f316c706c616e742f312f74656d70')
  assert.equal(toHex(externalAad('')), '826a6e6f746172796d712f3160')
  assert.equal(toHex(externalAad('é'.repeat(40))), `826a6e6f746172796d712f317850${'c3a9'.repeat(40)}`)
  assert.deepEqual(fromHex(toHex(aad)), aad)
})
