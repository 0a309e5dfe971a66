import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type CborValue,
  CborWriter,
  decodeCbor,
  encodeCbor,
  maxDepth,
  ProtocolError,
  toHex,
} from '../../../protocol/index.ts'
import { cborValue, fcSeed, wellFormedText } from '../../helpers/arbitraries.ts'
import { mutated, SeededRandom } from '../../helpers/random.ts'

const parameters = { seed: fcSeed, numRuns: 1000 }

test('decoding an encoded value gives the value', () => {
  const property = fc.property(cborValue(4), (value) => {
    assert.deepEqual(decodeCbor(encodeCbor(value)), value)
  })
  fc.assert(property, parameters)
})

test('encoding does not depend on the order in which a map was filled', () => {
  const property = fc.property(fc.dictionary(fc.string(), fc.nat()), (object) => {
    const pairs = Object.entries(object)
    assert.equal(toHex(encodeCbor(new Map(pairs))), toHex(encodeCbor(new Map(pairs.reverse()))))
  })
  fc.assert(property, parameters)
})

test('whatever random bytes decode, encoding gives them back', () => {
  const property = fc.property(fc.uint8Array({ minLength: 1, maxLength: 24 }), (input) => {
    assertExactInverse(input)
  })
  fc.assert(property, { ...parameters, numRuns: 5000 })
})

test('whatever mutated encodings decode, encoding gives them back', () => {
  const random = new SeededRandom(fcSeed)
  const originals = fc.sample(cborValue(3), { seed: fcSeed, numRuns: 500 }).map(encodeCbor)
  let accepted = 0
  for (let round = 0; round < 40; round++) {
    for (const original of originals) if (assertExactInverse(mutated(original, random))) accepted++
  }
  assert.ok(accepted > 1000, `only ${accepted} mutations were still CBOR: the property was hardly tried`)
})

test('text survives wherever it falls in the buffer of the writer', () => {
  const property = fc.property(wellFormedText, fc.nat({ max: 80 }), fc.nat({ max: 80 }), (text, initial, before) => {
    const writer = new CborWriter(initial).raw(new Uint8Array(before)).text(text)
    assert.equal(decodeCbor(writer.finish().subarray(before)), text)
  })
  fc.assert(property, { ...parameters, numRuns: 3000 })
})

test('short text survives at every distance from the end of the buffer of the writer', () => {
  for (let initial = 0; initial <= 40; initial++) {
    for (let length = 0; length <= 30; length++) {
      const text = 'abcdefghijklmnopqrstuvwxyz0123'.slice(0, length)
      assert.equal(decodeCbor(new CborWriter(initial).text(text).finish()), text, `${length} in ${initial}`)
      assert.equal(decodeCbor(new CborWriter(initial).text(`${text}\u00e9`).finish()), `${text}\u00e9`)
    }
  }
})

test('refuses to write what it would refuse to read', () => {
  for (const value of [2 ** 53, -(2 ** 53), 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => encodeCbor(value), RangeError)
  }
})

test('a value nested as deep as admitted goes both ways', () => {
  let value: CborValue = 1
  for (let depth = 0; depth < maxDepth; depth++) value = depth % 2 === 0 ? [value] : new Map([[depth, value]])
  assert.deepEqual(decodeCbor(encodeCbor(value)), value)
})

/** @returns whether the bytes decode at all */
function assertExactInverse(input: Uint8Array): boolean {
  let value: CborValue
  try {
    value = decodeCbor(input)
  } catch (error) {
    if (error instanceof ProtocolError) return false
    throw error
  }
  assert.equal(toHex(encodeCbor(value)), toHex(input))
  return true
}

test('a head put in where a byte was skipped is the one that would have been written there', () => {
  for (let pairs = 0; pairs < 24; pairs++) {
    const written = new CborWriter().nil().map(pairs).nil().finish()
    const patched = new CborWriter().nil().skip(1).nil().patchHead(1, 5, pairs).finish()
    assert.deepEqual(patched, written)
  }
  assert.throws(() => new CborWriter().skip(1).patchHead(0, 5, 24), RangeError)
  assert.throws(() => new CborWriter().skip(1).patchHead(1, 5, 1), RangeError)
})
