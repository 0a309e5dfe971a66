import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import { hashOneByOne, nobleCrypto, Sha256Lanes, toHex, type WebAssemblyEngine } from '../../../protocol/index.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'
import { SeededRandom } from '../../helpers/random.ts'

const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyEngine }
const lanes = Sha256Lanes.open(WebAssembly) ?? assert.fail('no vectors here')
const random = new SeededRandom(5)

/** By node:crypto, one by one. */
function expected(messages: readonly Uint8Array[]): string {
  return messages.map((message) => toHex(nativeCrypto.sha256(message))).join('')
}

function inLanes(messages: readonly Uint8Array[], hashLong = refuse): string {
  return toHex(lanes.hashEach(...sideBySide(messages), hashLong))
}

function sideBySide(messages: readonly Uint8Array[]): [data: Uint8Array, starts: number[], lengths: number[]] {
  const lengths = messages.map(({ length }) => length)
  let end = 0
  const starts = lengths.map((length) => {
    end += length
    return end - length
  })
  return [Buffer.concat(messages), starts, lengths]
}

function refuse(message: Uint8Array): Uint8Array {
  return assert.fail(`${message.length} bytes are not too long`)
}

test('hashes abc and the empty message as FIPS 180-4 has them', () => {
  const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
  const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
  assert.equal(inLanes([Buffer.from('abc'), Buffer.alloc(0), Buffer.from('abc')]), abc + empty + abc)
})

test('hashes every length from 0 to 300 in every lane as node:crypto and noble do', () => {
  for (let length = 0; length <= 300; length++) {
    const messages = Array.from({ length: 4 }, () => random.bytes(length))
    assert.equal(inLanes(messages), expected(messages), `${length} bytes`)
    assert.equal(inLanes(messages), messages.map((message) => toHex(nobleCrypto.sha256(message))).join(''))
  }
})

test('hashes any number of messages of any lengths beside one another, after any others', () => {
  const length = fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 4096 }))
  const messages = fc.array(
    length.chain((bytes) => fc.uint8Array({ minLength: bytes, maxLength: bytes })),
    { maxLength: 40 },
  )
  fc.assert(
    fc.property(messages, (some) => {
      assert.equal(inLanes(some), expected(some))
    }),
    { seed: fcSeed, numRuns: 60 },
  )
})

test('hashes more messages, and more bytes, than have room at once', () => {
  const many = Array.from({ length: 2500 }, (_, i) => random.bytes(i % 7))
  assert.equal(inLanes(many), expected(many))
  const large = Array.from({ length: 50 }, () => random.bytes(4096))
  assert.equal(inLanes(large), expected(large))
})

test('leaves messages of more than 4096 bytes to another one, and keeps the order', () => {
  const messages = [4096, 4097, 0, 100_000, 70_000, 3].map((length) => random.bytes(length))
  const long: number[] = []
  const found = inLanes(messages, (message) => {
    long.push(message.length)
    return nativeCrypto.sha256(message)
  })
  assert.equal(found, expected(messages))
  assert.deepEqual(long, [4097, 100_000, 70_000])
})

test('is not there without WebAssembly, or with one that has no vectors', () => {
  assert.equal(Sha256Lanes.open(undefined), undefined)
  assert.equal(Sha256Lanes.open({ ...WebAssembly, validate: () => false }), undefined)
})

test('both providers, and hashing one by one, give the same digests for the same messages', () => {
  const messages = [5, 64, 0, 9000, 65].map((length) => random.bytes(length))
  const places = sideBySide(messages)
  const byOne = hashOneByOne(...places, (message) => nativeCrypto.sha256(message))
  assert.equal(toHex(byOne), expected(messages))
  for (const provider of [nobleCrypto, nativeCrypto]) {
    assert.equal(toHex(provider.sha256Each(...places)), expected(messages))
    assert.equal(provider.sha256Each(new Uint8Array(0), [], []).length, 0)
  }
})

test('takes messages from anywhere in the data: in any order, overlapping, with gaps, the same one twice', () => {
  const data = random.bytes(200_000)
  const place = fc.oneof(fc.nat(1000), fc.nat(data.length)).chain((start) => {
    return fc.tuple(fc.constant(start), fc.nat(Math.min(5000, data.length - start)))
  })
  fc.assert(
    fc.property(fc.array(place, { maxLength: 40 }), (places) => {
      const [starts, lengths] = [places.map(([start]) => start), places.map(([, length]) => length)]
      const messages = places.map(([start, length]) => data.subarray(start, start + length))
      for (const provider of [nativeCrypto, nobleCrypto]) {
        assert.equal(toHex(provider.sha256Each(data, starts, lengths)), expected(messages))
      }
    }),
    { seed: fcSeed, numRuns: 60 },
  )
})

test('a message that goes beyond the data is refused, be it short or long', () => {
  for (const provider of [nativeCrypto, nobleCrypto]) {
    for (const length of [11, 5000]) {
      assert.throws(() => provider.sha256Each(random.bytes(length), [0, 1], [1, length]), RangeError)
    }
  }
})
