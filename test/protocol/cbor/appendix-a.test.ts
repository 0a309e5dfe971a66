import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type CborValue,
  decodeCbor,
  encodeCbor,
  fromHex,
  type ProtocolErrorCode,
  toHex,
} from '../../../protocol/index.ts'
import { throwsCode } from '../../helpers/codes.ts'

// All examples of RFC 8949 appendix A: those of the supported types here, the others below with the code they get.
const oneTo25 = Array.from({ length: 25 }, (_, i) => i + 1)

const supported: readonly (readonly [string, CborValue])[] = [
  ['00', 0],
  ['01', 1],
  ['0a', 10],
  ['17', 23],
  ['1818', 24],
  ['1819', 25],
  ['1864', 100],
  ['1903e8', 1000],
  ['1a000f4240', 1_000_000],
  ['1b000000e8d4a51000', 1_000_000_000_000],
  ['20', -1],
  ['29', -10],
  ['3863', -100],
  ['3903e7', -1000],
  ['f4', false],
  ['f5', true],
  ['f6', null],
  ['40', new Uint8Array(0)],
  ['4401020304', Uint8Array.of(1, 2, 3, 4)],
  ['60', ''],
  ['6161', 'a'],
  ['6449455446', 'IETF'],
  ['62225c', '"\\'],
  ['62c3bc', '\u00fc'],
  ['63e6b0b4', '\u6c34'],
  ['64f0908591', '\ud800\udd51'],
  ['80', []],
  ['83010203', [1, 2, 3]],
  ['8301820203820405', [1, [2, 3], [4, 5]]],
  ['98190102030405060708090a0b0c0d0e0f101112131415161718181819', oneTo25],
  ['a0', new Map()],
  [
    'a201020304',
    new Map([
      [1, 2],
      [3, 4],
    ]),
  ],
  [
    'a26161016162820203',
    new Map<string, CborValue>([
      ['a', 1],
      ['b', [2, 3]],
    ]),
  ],
  ['826161a161626163', ['a', new Map([['b', 'c']])]],
  ['a56161614161626142616361436164614461656145', new Map([...'abcde'].map((key) => [key, key.toUpperCase()]))],
]

const unsupported: readonly (readonly [ProtocolErrorCode, string, readonly string[]])[] = [
  ['ERR_CBOR_UNSUPPORTED', 'integer beyond 2^53', ['1bffffffffffffffff', '3bffffffffffffffff']],
  ['ERR_CBOR_UNSUPPORTED', 'big number', ['c249010000000000000000', 'c349010000000000000000']],
  ['ERR_CBOR_UNSUPPORTED', 'half-precision float', ['f90000', 'f98000', 'f93c00', 'f93e00', 'f97bff', 'f90001']],
  ['ERR_CBOR_UNSUPPORTED', 'half-precision float', ['f90400', 'f9c400', 'f97c00', 'f97e00', 'f9fc00']],
  ['ERR_CBOR_UNSUPPORTED', 'single-precision float', ['fa47c35000', 'fa7f7fffff']],
  ['ERR_CBOR_UNSUPPORTED', 'single-precision infinity', ['fa7f800000', 'fa7fc00000', 'faff800000']],
  [
    'ERR_CBOR_UNSUPPORTED',
    'double-precision float',
    ['fb3ff199999999999a', 'fb7e37e43c8800759c', 'fbc010666666666666'],
  ],
  ['ERR_CBOR_UNSUPPORTED', 'double infinity', ['fb7ff0000000000000', 'fb7ff8000000000000', 'fbfff0000000000000']],
  ['ERR_CBOR_UNSUPPORTED', 'undefined', ['f7']],
  ['ERR_CBOR_UNSUPPORTED', 'other simple value', ['f0', 'f8ff']],
  ['ERR_CBOR_UNSUPPORTED', 'date tag', ['c074323031332d30332d32315432303a30343a30305a', 'c11a514b67b0']],
  ['ERR_CBOR_UNSUPPORTED', 'date as a float', ['c1fb41d452d9ec200000']],
  ['ERR_CBOR_UNSUPPORTED', 'tags 23, 24, 32', ['d74401020304', 'd818456449455446']],
  ['ERR_CBOR_UNSUPPORTED', 'tag 32', ['d82076687474703a2f2f7777772e6578616d706c652e636f6d']],
  ['ERR_CBOR_NOT_DETERMINISTIC', 'indefinite strings', ['5f42010243030405ff', '7f657374726561646d696e67ff']],
  ['ERR_CBOR_NOT_DETERMINISTIC', 'indefinite array', ['9fff', '9f018202039f0405ffff', '9f01820203820405ff']],
  ['ERR_CBOR_NOT_DETERMINISTIC', 'indefinite inner array', ['83018202039f0405ff', '83019f0203ff820405']],
  ['ERR_CBOR_NOT_DETERMINISTIC', 'long', ['9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff']],
  ['ERR_CBOR_NOT_DETERMINISTIC', 'indefinite map', ['bf61610161629f0203ffff', '826161bf61626163ff']],
  ['ERR_CBOR_NOT_DETERMINISTIC', 'indefinite map', ['bf6346756ef563416d7421ff']],
]

test('decodes every RFC 8949 appendix A example of a supported type to its value', () => {
  for (const [hex, value] of supported) assert.deepEqual(decodeCbor(fromHex(hex)), value, hex)
})

test('encodes the value of every RFC 8949 appendix A example of a supported type to its bytes', () => {
  for (const [hex, value] of supported) assert.equal(toHex(encodeCbor(value)), hex)
})

test('refuses every RFC 8949 appendix A example that is not deterministic or of a type that no structure has', () => {
  for (const [code, what, examples] of unsupported) {
    for (const example of examples) throwsCode(() => decodeCbor(fromHex(example)), code, `${what} ${example}`)
  }
})

test('covers all 81 examples of RFC 8949 appendix A', () => {
  const refused = unsupported.reduce((sum, [, , examples]) => sum + examples.length, 0)
  assert.equal(supported.length + refused, 81)
})
