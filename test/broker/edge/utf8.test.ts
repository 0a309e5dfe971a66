import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readUtf8 } from '../../../broker/edge/utf8.ts'
import { throwsMqtt } from './helpers.ts'

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function read(content: Uint8Array | string): string {
  // With bytes before and after that must not be read.
  const buffer = Buffer.concat([Buffer.from([0xff]), Buffer.from(content as string), Buffer.from([0x80])])
  return readUtf8(buffer, 1, buffer.length - 1)
}

/** What may stand in a string: all but U+0000, control characters and noncharacters. */
function isAllowed(codePoint: number): boolean {
  const isControl = codePoint < 0x20 || (codePoint >= 0x7f && codePoint < 0xa0)
  const isNoncharacter = (codePoint >= 0xfdd0 && codePoint <= 0xfdef) || (codePoint & 0xffff) >= 0xfffe
  return !isControl && !isNoncharacter
}

test('every code point is read as what it is, or refused as Mosquitto does', () => {
  for (let codePoint = 0; codePoint <= 0x10ffff; codePoint++) {
    if (codePoint >= 0xd800 && codePoint <= 0xdfff) continue
    const character = String.fromCodePoint(codePoint)
    if (isAllowed(codePoint)) assert.equal(read(character), character)
    else throwsMqtt(() => read(character), 'ERR_MQTT_MALFORMED_PACKET', codePoint.toString(16))
  }
})

for (const [what, hex] of [
  ['[MQTT-5.0 1.5.4-1] a surrogate', 'eda080'],
  ['[MQTT-5.0 1.5.4-1] a pair of surrogates', 'eda081edb080'],
  ['[MQTT-5.0 1.5.4-2] U+0000', '610062'],
  ['U+0000 in two bytes', 'c080'],
  ['an ASCII letter in two bytes', 'c1a1'],
  ['a letter in three bytes that takes two', 'e083a4'],
  ['a letter in four bytes that takes three', 'f08882ac'],
  ['a code point beyond U+10FFFF', 'f4908080'],
  ['five bytes', 'f888808080'],
  ['a continuation byte alone', '80'],
  ['a first byte without continuation', 'c3'],
  ['a first byte and a letter', 'c361'],
  ['three bytes of four', 'f09f98'],
  ['0xff', 'ff'],
] as const) {
  test(`refuses ${what}`, () => {
    throwsMqtt(() => read(Buffer.from(hex, 'hex')), 'ERR_MQTT_MALFORMED_PACKET')
    throwsMqtt(() => read(Buffer.from(`61${hex}62`, 'hex')), 'ERR_MQTT_MALFORMED_PACKET')
  })
}

test('[MQTT-5.0 1.5.4-3] a BOM is kept, at the beginning too', () => {
  assert.equal(read('\ufeffa\ufeff'), '\ufeffa\ufeff')
})

test('agrees with the decoder of Node on random bytes and random text', () => {
  const byteOfInterest = fc.oneof(
    fc.nat(255),
    fc.constantFrom(0xc2, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0x80, 0xbf, 0x9f, 0x41),
  )
  const anyBytes = fc.oneof(
    fc.array(byteOfInterest, { maxLength: 8 }).map((list) => Buffer.from(list)),
    fc.string({ unit: 'binary', maxLength: 20 }).map((text) => Buffer.from(text)),
  )
  fc.assert(
    fc.property(anyBytes, (content) => {
      const decoded = decodeStrictly(content)
      const isReadable = decoded !== undefined && [...decoded].every((char) => isAllowed(char.codePointAt(0) as number))
      if (isReadable) assert.equal(read(content), decoded)
      else throwsMqtt(() => read(content), 'ERR_MQTT_MALFORMED_PACKET')
    }),
    { seed: 2, numRuns: 20_000 },
  )
})

function decodeStrictly(content: Uint8Array): string | undefined {
  try {
    return strict.decode(content)
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}
