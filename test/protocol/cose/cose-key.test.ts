import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import {
  type CborValue,
  coseKeyOfEd25519,
  coseKeyOfP256,
  decodeP256CoseKey,
  encodeCbor,
  fromHex,
  isKidOf,
  kidOf,
  nobleCrypto,
  type ProtocolErrorCode,
  p256FromCoseKey,
  p256FromJwk,
  p256ToJwk,
  thumbprintOfP256,
  toHex,
  uncompressedPoint,
} from '../../../protocol/index.ts'
import { throwsCode } from '../../helpers/codes.ts'
import { key11, keyMeriadoc, logPublicKey, publicOf } from '../../helpers/keys.ts'

describe('thumbprint (RFC 9679)', () => {
  test('is the published check value', () => {
    assert.equal(toHex(keyMeriadoc.x), '65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d')
    assert.equal(toHex(keyMeriadoc.y), '1e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19c')
    const expected = '496bd8afadf307e5b08c64b0421bf9dc01528a344a43bda88fadd1669da253ec'
    assert.equal(toHex(thumbprintOfP256(keyMeriadoc, nobleCrypto)), expected)
    assert.equal(toHex(thumbprintOfP256(keyMeriadoc, nativeCrypto)), expected)
  })
  test('of key "11" is that of the worked example', () => {
    assert.equal(toHex(key11.x), 'bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff')
    assert.equal(toHex(key11.thumbprint), 'b71d9fc27ee9ce61a60560b2eeeef7f6934a6b9d57ce122b2b12e932cacbf1d9')
  })
  test('is taken over A4 01 02 20 01 21 5820 x 22 5820 y', () => {
    const encoded = encodeCbor(coseKeyOfP256(key11))
    assert.equal(toHex(encoded), `a401022001215820${toHex(key11.x)}225820${toHex(key11.y)}`)
  })
  test('has as kid each of its prefixes from 8 to 32 bytes, and no other bytes', () => {
    const { thumbprint } = key11
    assert.equal(toHex(kidOf(thumbprint)), 'b71d9fc27ee9ce61')
    for (let length = 0; length <= 32; length++) {
      assert.equal(isKidOf(thumbprint.subarray(0, length), thumbprint), length >= 8, `${length} bytes`)
    }
    assert.equal(isKidOf(new Uint8Array([...thumbprint, 0]), thumbprint), false)
    assert.equal(isKidOf(fromHex('b71d9fc27ee9ce60'), thumbprint), false)
  })
})

describe('COSE_Key', () => {
  const members = (changes: readonly (readonly [number, CborValue | undefined])[] = []) => {
    const map = new Map<number, CborValue>(coseKeyOfP256(key11))
    for (const [label, value] of changes) {
      if (value === undefined) map.delete(label)
      else map.set(label, value)
    }
    return map
  }
  const offCurve = Uint8Array.from(key11.y, (byte, i) => (i === 31 ? byte ^ 1 : byte))

  test('of a P-256 key is read back as the same key', () => {
    for (const crypto of [nobleCrypto, nativeCrypto]) {
      const key = decodeP256CoseKey(encodeCbor(coseKeyOfP256(key11)), crypto)
      assert.equal(toHex(uncompressedPoint(key)), toHex(uncompressedPoint(key11)))
    }
  })

  const refused: readonly (readonly [string, ProtocolErrorCode, CborValue])[] = [
    ['a point off the curve', 'ERR_KEY_INVALID', members([[-3, offCurve]])],
    [
      'the point (0, 0)',
      'ERR_KEY_INVALID',
      members([...([-2, -3] as const).map((l) => [l, new Uint8Array(32)] as const)]),
    ],
    ['coordinates beyond the field', 'ERR_KEY_INVALID', members([[-2, new Uint8Array(32).fill(0xff)]])],
    ['a coordinate of 31 bytes', 'ERR_KEY_INVALID', members([[-2, key11.x.subarray(1)]])],
    ['a coordinate of 33 bytes', 'ERR_KEY_INVALID', members([[-3, Uint8Array.of(0, ...key11.y)]])],
    ['y as a sign bit', 'ERR_KEY_INVALID', members([[-3, true]])],
    ['no y', 'ERR_KEY_UNSUPPORTED', members([[-3, undefined]])],
    ['a private key', 'ERR_KEY_UNSUPPORTED', members([[-4, key11.d]])],
    ['a key with a kid of its own', 'ERR_KEY_UNSUPPORTED', members([[2, Uint8Array.of(1)]])],
    ['P-384', 'ERR_KEY_UNSUPPORTED', members([[-1, 2]])],
    ['an octet key pair', 'ERR_KEY_UNSUPPORTED', members([[1, 1]])],
    ['an Ed25519 key', 'ERR_KEY_UNSUPPORTED', coseKeyOfEd25519(logPublicKey)],
    ['something else than a map', 'ERR_KEY_UNSUPPORTED', [1, 2]],
  ]
  for (const [name, code, value] of refused) {
    test(`is refused with ${name} (${code}), by either provider`, () => {
      for (const crypto of [nobleCrypto, nativeCrypto]) {
        throwsCode(() => p256FromCoseKey(value, crypto), code)
        throwsCode(() => decodeP256CoseKey(encodeCbor(value), crypto), code)
      }
    })
  }
  test('is refused when it is not CBOR', () => {
    throwsCode(() => decodeP256CoseKey(Uint8Array.of(0xa4), nobleCrypto), 'ERR_CBOR_TRUNCATED')
  })
})

describe('JWK', () => {
  const jwk = p256ToJwk(key11)

  test('of a P-256 key is read back as the same key', () => {
    assert.deepEqual(p256FromJwk(jwk, nobleCrypto), publicOf(key11))
    assert.equal(jwk.x, 'usWxHK2PmfnHKwXPS54m0kTcGJ90UiglWiGahtagnv8')
    assert.equal(jwk.y, 'IBOL-C3BttVivg-lSreASjpkttcsz-1rb7btKLv8EX4')
  })
  test('may have members that say nothing about the point', () => {
    p256FromJwk({ ...jwk, kid: '11', use: 'sig', alg: 'ES256' }, nobleCrypto)
  })

  const refused: readonly (readonly [string, ProtocolErrorCode, unknown])[] = [
    ['a private part', 'ERR_KEY_UNSUPPORTED', { ...jwk, d: 'V8kgd2ZBRuh2dgyVINBUqpPDr7BOMGcF22CQMIUHtNM' }],
    ['another curve', 'ERR_KEY_UNSUPPORTED', { ...jwk, crv: 'P-384' }],
    ['another key type', 'ERR_KEY_UNSUPPORTED', { ...jwk, kty: 'OKP' }],
    ['null', 'ERR_KEY_UNSUPPORTED', null],
    ['text', 'ERR_KEY_UNSUPPORTED', 'key'],
    ['no x', 'ERR_KEY_INVALID', { kty: 'EC', crv: 'P-256', y: jwk.y }],
    ['padding', 'ERR_KEY_INVALID', { ...jwk, x: `${jwk.x}=` }],
    ['the alphabet of plain base64', 'ERR_KEY_INVALID', { ...jwk, y: jwk.y.replaceAll('-', '+') }],
    ['bits beyond the last byte', 'ERR_KEY_INVALID', { ...jwk, x: `${jwk.x.slice(0, -1)}9` }],
    ['a coordinate of 31 bytes', 'ERR_KEY_INVALID', { ...jwk, x: jwk.x.slice(0, 42) }],
    ['a point off the curve', 'ERR_KEY_INVALID', { ...jwk, x: jwk.y }],
  ]
  for (const [name, code, value] of refused) {
    test(`is refused with ${name} (${code})`, () => throwsCode(() => p256FromJwk(value, nobleCrypto), code))
  }
})
