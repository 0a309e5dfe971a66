import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CborReader, decodeCbor, maxDepth, type ProtocolErrorCode } from '../../../protocol/index.ts'
import { throwsCode } from '../../helpers/codes.ts'
import { hex } from '../../helpers/vectors.ts'

function refused(code: ProtocolErrorCode, cases: readonly (readonly [string, string])[]): void {
  for (const [name, bytes] of cases) {
    test(`refuses ${name} with ${code}`, () => throwsCode(() => decodeCbor(hex(bytes)), code))
  }
}

describe('lengths and counts (RFC 8949 section 4.2.1)', () => {
  refused('ERR_CBOR_NOT_DETERMINISTIC', [
    ['an indefinite byte string', '5f 41 00 ff'],
    ['an indefinite text string', '7f 61 61 ff'],
    ['an indefinite array', '9f 00 ff'],
    ['an indefinite map', 'bf 00 00 ff'],
    ['an indefinite array in an array', '81 9f ff'],
    ['a reserved head', '1c'],
    ['24 or less in one more byte', '18 17'],
    ['255 in two bytes', '19 00ff'],
    ['65535 in four bytes', '1a 0000ffff'],
    ['2^32 - 1 in eight bytes', '1b 00000000ffffffff'],
    ['a negative integer in a longer form', '38 00'],
    ['a byte string length in a longer form', '58 01 00'],
    ['a text string length in a longer form', '79 0001 61'],
    ['an array count in a longer form', '98 01 00'],
    ['a map count in a longer form', 'b8 01 00 00'],
  ])
  refused('ERR_CBOR_TRUNCATED', [
    ['no bytes at all', ''],
    ['a head without its argument', '19 01'],
    ['a byte string that ends early', '43 0102'],
    ['a text string that ends early', '63 6162'],
    ['an array that ends early', '82 00'],
    ['a map that ends after a key', 'a1 00'],
    ['an array of 2^32 items in five more bytes', '9b 0000000100000000 0000000000'],
    ['a map of 2^31 pairs', 'ba 80000000 0000'],
  ])
  refused('ERR_CBOR_TRAILING_BYTES', [
    ['a byte after the item', '00 00'],
    ['a second item', '80 80'],
  ])
})

describe('maps', () => {
  refused('ERR_CBOR_NOT_DETERMINISTIC', [
    ['a key twice', 'a2 01 00 01 00'],
    ['a text key twice', 'a2 6161 00 6161 00'],
    ['integer keys in descending order', 'a2 02 00 01 00'],
    ['a negative key before a positive one', 'a2 20 00 01 00'],
    ['a text key before an integer', 'a2 6161 00 01 00'],
    ['a longer text key before a shorter one', 'a2 626161 00 6162 00'],
  ])
  refused('ERR_CBOR_UNSUPPORTED', [
    ['a byte string as key', 'a1 40 00'],
    ['an array as key', 'a1 80 00'],
    ['true as key', 'a1 f5 00'],
    ['nil as key', 'a1 f6 00'],
  ])
})

describe('types', () => {
  refused('ERR_CBOR_UNSUPPORTED', [
    ['a half float', 'f9 3c00'],
    ['a single float', 'fa 3f800000'],
    ['a double float', 'fb 3ff0000000000000'],
    ['undefined', 'f7'],
    ['simple value 0', 'e0'],
    ['simple value 32', 'f8 20'],
    ['a break where an item belongs', 'ff'],
    ['a tag where none belongs', 'd2 00'],
    ['2^53', '1b 0020000000000000'],
    ['-2^53, which is not a safe integer', '3b 001fffffffffffff'],
    ['-2^53 - 1', '3b 0020000000000000'],
  ])
  refused('ERR_CBOR_NOT_UTF8', [
    ['a stray continuation byte', '61 80'],
    ['an overlong form', '62 c0af'],
    ['half of a surrogate pair', '63 eda080'],
    ['a character cut in two', '61 c3'],
  ])
  test('accepts 2^53 - 1 and -(2^53 - 1)', () => {
    assert.equal(decodeCbor(hex('1b 001fffffffffffff')), Number.MAX_SAFE_INTEGER)
    assert.equal(decodeCbor(hex('3b 001ffffffffffffe')), Number.MIN_SAFE_INTEGER)
  })
  test('keeps a byte order mark, since dropping it would make two texts one', () => {
    assert.equal(decodeCbor(hex('63 efbbbf')), '\ufeff')
  })
})

describe('nesting', () => {
  const arrays = (depth: number) => hex(`${'81'.repeat(depth - 1)}80`)
  const maps = (depth: number) => hex(`${'a100'.repeat(depth - 1)}a0`)

  test('accepts arrays and maps nested 8 deep, with a scalar in the innermost', () => {
    decodeCbor(arrays(maxDepth))
    decodeCbor(maps(maxDepth))
    decodeCbor(hex(`${'81'.repeat(maxDepth)}00`))
  })
  test('refuses arrays and maps nested 9 deep', () => {
    throwsCode(() => decodeCbor(arrays(maxDepth + 1)), 'ERR_CBOR_TOO_DEEP')
    throwsCode(() => decodeCbor(maps(maxDepth + 1)), 'ERR_CBOR_TOO_DEEP')
  })
  test('refuses 100,000 nested arrays before it runs out of stack', () => {
    throwsCode(() => decodeCbor(arrays(100_000)), 'ERR_CBOR_TOO_DEEP')
  })
})

describe('lies about size', () => {
  test('refuses a byte string of 300 MB in ten bytes without allocating', () => {
    const lie = hex('5a 11e1a300 0000000000')
    const before = process.memoryUsage().arrayBuffers
    for (let i = 0; i < 100; i++) throwsCode(() => decodeCbor(lie), 'ERR_CBOR_TRUNCATED')
    assert.ok(process.memoryUsage().arrayBuffers - before < 1_000_000)
  })
  test('refuses an array of 2^32 items without allocating', () => {
    const lie = hex('9b 0000000100000000 00')
    const before = process.memoryUsage().heapUsed
    throwsCode(() => decodeCbor(lie), 'ERR_CBOR_TRUNCATED')
    assert.ok(process.memoryUsage().heapUsed - before < 10_000_000)
  })
  test('gives byte strings as views into the input', () => {
    const input = hex('43 010203')
    const view = decodeCbor(input)
    assert.ok(view instanceof Uint8Array)
    assert.equal(view.buffer, input.buffer)
  })
})

describe('a reader of a known shape', () => {
  const reader = (bytes: string) => new CborReader(hex(bytes))

  test('refuses another type than it was asked for', () => {
    throwsCode(() => reader('20').uint(), 'ERR_CBOR_UNEXPECTED')
    throwsCode(() => reader('60').int(), 'ERR_CBOR_UNEXPECTED')
    throwsCode(() => reader('60').bytes(), 'ERR_CBOR_UNEXPECTED')
    throwsCode(() => reader('40').text(), 'ERR_CBOR_UNEXPECTED')
    throwsCode(() => reader('a0').array(), 'ERR_CBOR_UNEXPECTED')
    throwsCode(() => reader('80').map(), 'ERR_CBOR_UNEXPECTED')
    throwsCode(() => reader('f6').bool(), 'ERR_CBOR_UNEXPECTED')
    throwsCode(() => reader('f5').nil(), 'ERR_CBOR_UNEXPECTED')
    throwsCode(() => reader('d1 00').tag(18), 'ERR_CBOR_UNEXPECTED')
    throwsCode(() => reader('00').tag(18), 'ERR_CBOR_UNEXPECTED')
  })
  test('refuses another length or count than it was asked for', () => {
    throwsCode(() => reader('42 0102').bytes(3), 'ERR_CBOR_UNEXPECTED')
    throwsCode(() => reader('82 0102').array(3), 'ERR_CBOR_UNEXPECTED')
  })
})
