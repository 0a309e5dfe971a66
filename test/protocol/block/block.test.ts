import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  type BlockEntry,
  type BlockHeader,
  BlockSigner,
  decodeBlock,
  decodeBlockHeader,
  decodeEntry,
  decodeRecordsOfBlock,
  encodeBlock,
  encodeBlockHeader,
  encodeSign1,
  externalAad,
  nobleCrypto,
  type ProtocolErrorCode,
  parseSign1,
  parseSignedHeader,
  signSign1,
  toHex,
  verifySignedHeader,
} from '../../../protocol/index.ts'
import { bytes, bytesOf, fcSeed, unsigned } from '../../helpers/arbitraries.ts'
import { codeOf, rejectsCode, throwsCode } from '../../helpers/codes.ts'
import { goldenChain } from '../../helpers/golden-chain.ts'
import { key11, keyMeriadoc } from '../../helpers/keys.ts'
import { mutated, SeededRandom } from '../../helpers/random.ts'
import { hex } from '../../helpers/vectors.ts'

const header: fc.Arbitrary<BlockHeader> = fc.record(
  {
    height: unsigned,
    previousHash: bytesOf(32),
    firstIndex: unsigned,
    count: unsigned,
    timeMs: unsigned,
    treeSize: unsigned,
    rootHash: bytesOf(32),
  },
  { noNullPrototype: true },
)
const entry: fc.Arbitrary<BlockEntry> = fc.record({
  leaf: bytes(60),
  salt: bytesOf(16),
  record: bytes(80),
  body: fc.option(bytes(80), { nil: undefined }),
})
const plain = (entries: readonly BlockEntry[]) =>
  entries.map(({ leaf, salt, record, body }) => [leaf, salt, record, body].map((part) => part && toHex(part)))

const signer = new BlockSigner(keyMeriadoc, nobleCrypto)
const golden = goldenChain().blocks.map(({ encoded }) => encoded)
const first = parseSignedHeader(decodeBlock(golden[0] as Uint8Array).signed)

describe('a stored block', () => {
  const signed = `58a7 ${toHex(first.signed)}`
  test('is decoded to the header and entries that were encoded', () => {
    const property = fc.property(fc.array(entry, { minLength: 1, maxLength: 6 }), (entries) => {
      const block = decodeBlock(encodeBlock(first.signed, entries))
      assert.deepEqual(plain(block.entries), plain(entries))
      assert.deepEqual(block.header, first.header)
      assert.equal(toHex(block.signed), toHex(first.signed))
    })
    fc.assert(property, { seed: fcSeed, numRuns: 300 })
  })
  test('each entry, and all records, are decoded by themselves to what decoding all of it gives; there is none behind the last', () => {
    const erased = fc.record({ leaf: bytes(60) }).map(({ leaf }): BlockEntry => {
      return { leaf, salt: undefined, record: undefined, body: undefined }
    })
    const entries = fc.array(fc.oneof(entry, erased), { minLength: 1, maxLength: 6 })
    const property = fc.property(entries, (made) => {
      const encoded = encodeBlock(first.signed, made)
      const alone = made.map((_, at) => decodeEntry(encoded, at) ?? assert.fail(`no entry ${at}`))
      assert.deepEqual(plain(alone), plain(decodeBlock(encoded).entries))
      for (const at of [-1, made.length]) assert.equal(decodeEntry(encoded, at), undefined)
      const records = decodeBlock(encoded).entries.map(({ record }) => record)
      assert.deepEqual(decodeRecordsOfBlock(encoded), { ...first, entries: records })
    })
    fc.assert(property, { seed: fcSeed, numRuns: 300 })
  })
  test('of whatever mutated bytes decode, each entry does so by itself', () => {
    const random = new SeededRandom(fcSeed)
    let accepted = 0
    for (let i = 0; i < 8000; i++) {
      const input = mutated(golden[i % golden.length] as Uint8Array, random)
      let entries: readonly BlockEntry[] = []
      if (codeOf(() => ({ entries } = decodeBlock(input))) !== undefined) continue
      accepted++
      for (const [at, whole] of entries.entries()) assert.deepEqual(decodeEntry(input, at), whole)
      const records = entries.map(({ record }) => record)
      assert.deepEqual(decodeRecordsOfBlock(input).entries, records)
    }
    assert.ok(accepted > 500, `only ${accepted} mutations were still blocks: the property was hardly tried`)
  })
  test('an entry by itself is refused where what leads to it is none of a block', () => {
    const encoded = golden[2] as Uint8Array
    for (let length = 0; length < encoded.length; length++) {
      // The last entry ends with the block.
      throwsCode(() => decodeEntry(encoded.subarray(0, length), 1), 'ERR_CBOR_TRUNCATED')
      throwsCode(() => decodeRecordsOfBlock(encoded.subarray(0, length)), 'ERR_CBOR_TRUNCATED')
    }
    throwsCode(() => decodeRecordsOfBlock(Buffer.concat([encoded, Buffer.alloc(1)])), 'ERR_CBOR_TRAILING_BYTES')
    throwsCode(() => decodeRecordsOfBlock(hex(`84 01 ${signed} 80 80`)), 'ERR_BLOCK_MALFORMED')
    throwsCode(() => decodeEntry(hex('84 02 40 81 40 81 f6'), 0), 'ERR_BLOCK_MALFORMED')
  })
  test('whatever mutated bytes decode, encoding gives them back', () => {
    const random = new SeededRandom(fcSeed)
    let accepted = 0
    for (let i = 0; i < 8000; i++) {
      const input = mutated(golden[i % golden.length] as Uint8Array, random)
      let again: Uint8Array | undefined
      const code = codeOf(() => {
        const block = decodeBlock(input)
        again = encodeBlock(block.signed, block.entries)
      })
      if (code !== undefined) continue
      accepted++
      assert.equal(toHex(again as Uint8Array), toHex(input))
    }
    assert.ok(accepted > 500, `only ${accepted} mutations were still blocks: the property was hardly tried`)
  })

  const salt = `50 ${'00'.repeat(16)}`
  const refused: readonly (readonly [string, ProtocolErrorCode, string])[] = [
    ['another version', 'ERR_BLOCK_MALFORMED', `84 02 ${signed} 81 40 81 83 ${salt} 40 f6`],
    ['no records', 'ERR_BLOCK_MALFORMED', `84 01 ${signed} 80 80`],
    ['more leaves than records', 'ERR_CBOR_UNEXPECTED', `84 01 ${signed} 82 40 40 81 83 ${salt} 40 f6`],
    ['more records than leaves', 'ERR_CBOR_UNEXPECTED', `84 01 ${signed} 80 81 83 ${salt} 40 f6`],
    ['a salt of 15 bytes', 'ERR_CBOR_UNEXPECTED', `84 01 ${signed} 81 40 81 83 4f ${'00'.repeat(15)} 40 f6`],
    ['an entry without body', 'ERR_CBOR_UNEXPECTED', `84 01 ${signed} 81 40 81 82 ${salt} 40`],
    ['a body that is text', 'ERR_CBOR_UNEXPECTED', `84 01 ${signed} 81 40 81 83 ${salt} 40 60`],
    ['a header that is nil', 'ERR_CBOR_UNEXPECTED', `84 01 f6 81 40 81 83 ${salt} 40 f6`],
    ['a header without its payload', 'ERR_COSE_MALFORMED', '84 01 46 d28440a0f640 80 80'],
    ['a header of six elements', 'ERR_CBOR_UNEXPECTED', '84 01 47 d28440a0418640 80 80'],
    ['a byte after it', 'ERR_CBOR_TRAILING_BYTES', `84 01 ${signed} 81 40 81 83 ${salt} 40 f6 00`],
    ['fewer records than it says', 'ERR_CBOR_TRUNCATED', `84 01 ${signed} 9a ffffffff 40`],
  ]
  for (const [name, code, encoded] of refused) {
    test(`is refused with ${name} (${code})`, () => throwsCode(() => decodeBlock(hex(encoded)), code))
  }
})

describe('a block header', () => {
  test('is decoded to what was encoded', () => {
    const property = fc.property(header, (value) => {
      assert.deepEqual(decodeBlockHeader(encodeBlockHeader(value)), value)
    })
    fc.assert(property, { seed: fcSeed, numRuns: 300 })
  })
  test('verifies under the key that signed it, and under no other', async () => {
    const signed = signer.sign(first.encodedHeader)
    await verifySignedHeader(signed, keyMeriadoc, nobleCrypto)
    await rejectsCode(verifySignedHeader(signed, key11, nobleCrypto), 'ERR_COSE_SIGNATURE_INVALID')
    const impostor = new BlockSigner({ ...key11, x: keyMeriadoc.x, y: keyMeriadoc.y }, nobleCrypto)
    const forged = impostor.sign(first.encodedHeader)
    await rejectsCode(verifySignedHeader(forged, keyMeriadoc, nobleCrypto), 'ERR_COSE_SIGNATURE_INVALID')
  })
  test('is not taken from a signature made for anything else', async () => {
    const { protectedBytes } = parseSign1(first.signed)
    for (const aad of [externalAad('plant/1'), externalAad('Block'), new Uint8Array(0)]) {
      const signed = signSign1(keyMeriadoc, protectedBytes, aad, first.encodedHeader, nobleCrypto)
      await rejectsCode(verifySignedHeader(signed, keyMeriadoc, nobleCrypto), 'ERR_COSE_SIGNATURE_INVALID')
    }
  })
  test('has alg and kid and nothing else, of algorithms ESP256 or ES256', async () => {
    const sign = (protectedHeader: string) =>
      signSign1(keyMeriadoc, hex(protectedHeader), externalAad('block'), first.encodedHeader, nobleCrypto)
    const verify = (signed: Uint8Array) => verifySignedHeader(signed, keyMeriadoc, nobleCrypto)
    const kid = `0448 ${toHex(keyMeriadoc.thumbprint.subarray(0, 8))}`
    await verify(sign(`a2 0128 ${kid}`))
    await verify(sign(`a2 0126 ${kid}`))
    await rejectsCode(verify(sign(`a2 0127 ${kid}`)), 'ERR_COSE_ALG_NOT_ALLOWED')
    await rejectsCode(verify(sign(`a3 0128 0300 ${kid}`)), 'ERR_COSE_MALFORMED')
    await rejectsCode(verify(sign('a1 0128')), 'ERR_COSE_SIGNATURE_INVALID')
    const otherKid = `0448 ${toHex(key11.thumbprint.subarray(0, 8))}`
    await rejectsCode(verify(sign(`a2 0128 ${otherKid}`)), 'ERR_COSE_SIGNATURE_INVALID')
    const unprotected = encodeSign1(
      { ...parseSign1(first.signed), unprotectedBytes: hex('a1 03 00') },
      first.encodedHeader,
    )
    await rejectsCode(verify(unprotected), 'ERR_COSE_MALFORMED')
  })
})
