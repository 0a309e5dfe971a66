import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  type ChainRecord,
  decodeRecord,
  encodeRecord,
  fromHex,
  nobleCrypto,
  type ProtocolErrorCode,
  recordKinds,
  toHex,
} from '../../../protocol/index.ts'
import {
  bytes,
  bytesOf,
  cborMap,
  cborValue,
  fcSeed,
  publishFields,
  safeInteger,
  unsigned,
  wellFormedText,
  wordOf,
} from '../../helpers/arbitraries.ts'
import { codeOf, throwsCode } from '../../helpers/codes.ts'
import { type GoldenRecord, goldenRecords } from '../../helpers/golden-chain.ts'
import { mutated, SeededRandom } from '../../helpers/random.ts'
import { hex, repositoryText } from '../../helpers/vectors.ts'

const golden = JSON.parse(repositoryText('test/protocol/record/golden.json')) as Record<GoldenRecord, string>

const map = cborMap(safeInteger, cborValue(2))

/** Any record the format can express, sensible or not. */
const chainRecord: fc.Arbitrary<ChainRecord> = fc
  .record(
    {
      kind: wordOf(recordKinds),
      ...publishFields,
      thumbprint: bytesOf(32),
      seq: unsigned,
      signedTimeMs: unsigned,
      contentDigest: bytesOf(32),
      envelope: bytes(),
      mac: fc.record({ sid: bytesOf(8), tag: bytesOf(32), sessionThumbprint: bytesOf(32) }, { noNullPrototype: true }),
      storedTopic: wellFormedText,
      properties: map,
      detail: map,
    },
    { requiredKeys: ['kind', 'timeMs'], noNullPrototype: true },
  )
  // fast-check leaves optional keys out, which its type does not tell from undefined.
  .map((record) => record as ChainRecord)

describe('a record', () => {
  test('is decoded to what was encoded', () => {
    const property = fc.property(chainRecord, (record) => {
      assert.deepEqual(decodeRecord(encodeRecord(record)), record)
    })
    fc.assert(property, { seed: fcSeed, numRuns: 1000 })
  })
  test('whatever mutated bytes decode, encoding gives them back', () => {
    const random = new SeededRandom(fcSeed)
    const originals = [...Object.values(golden).map(fromHex)]
    let accepted = 0
    for (let i = 0; i < 20_000; i++) {
      const input = mutated(originals[i % originals.length] as Uint8Array, random)
      let record: ChainRecord | undefined
      if (codeOf(() => (record = decodeRecord(input))) !== undefined || record === undefined) continue
      accepted++
      assert.equal(toHex(encodeRecord(record)), toHex(input))
    }
    assert.ok(accepted > 1000, `only ${accepted} mutations were still records: the property was hardly tried`)
  })
  for (const [name, { record }] of Object.entries(goldenRecords(nobleCrypto))) {
    test(`${name} has its golden bytes, both ways`, () => {
      const pinned = golden[name as GoldenRecord]
      assert.equal(toHex(encodeRecord(record)), pinned)
      assert.deepEqual(decodeRecord(fromHex(pinned)), record)
    })
  }
})

describe('bytes that are refused as a record', () => {
  const zeros = (count: number) => '00'.repeat(count)
  const refused: readonly (readonly [string, ProtocolErrorCode, string])[] = [
    ['the smallest one without its time', 'ERR_RECORD_MALFORMED', 'a2 0001 0101'],
    ['another version', 'ERR_RECORD_MALFORMED', 'a3 0002 0101 0200'],
    ['no version', 'ERR_RECORD_MALFORMED', 'a3 0101 0200 0360'],
    ['no kind', 'ERR_RECORD_MALFORMED', 'a3 0001 0200 0360'],
    ['no time', 'ERR_RECORD_MALFORMED', 'a3 0001 0101 0360'],
    ['kind 0', 'ERR_RECORD_MALFORMED', 'a3 0001 0100 0200'],
    ...[10, 11].map(
      (kind) =>
        [`reserved or unknown kind ${kind}`, 'ERR_RECORD_MALFORMED', `a3 0001 010${kind.toString(16)} 0200`] as const,
    ),
    ['a hop MAC of nothing', 'ERR_CBOR_UNEXPECTED', 'a4 0001 0101 0200 12 80'],
    [
      'a hop MAC with a short session id',
      'ERR_CBOR_UNEXPECTED',
      `a4 0001 0101 0200 12 83 47${zeros(7)} 5820${zeros(32)} 5820${zeros(32)}`,
    ],
    ['a stored topic of bytes', 'ERR_CBOR_UNEXPECTED', 'a4 0001 0101 0200 13 40'],
    ['unknown field 22', 'ERR_RECORD_MALFORMED', 'a4 0001 0101 0200 16 00'],
    ['unknown field -1', 'ERR_RECORD_MALFORMED', 'a4 0001 0101 0200 20 00'],
    ['a text key', 'ERR_CBOR_UNEXPECTED', 'a4 0001 0101 0200 6161 00'],
    ['fields out of order', 'ERR_RECORD_MALFORMED', 'a5 0001 0101 0200 0460 0360'],
    ['a field twice', 'ERR_RECORD_MALFORMED', 'a5 0001 0101 0200 0360 0360'],
    ['the version twice', 'ERR_RECORD_MALFORMED', 'a4 0001 0101 0200 0001'],
    ['a negative time', 'ERR_CBOR_UNEXPECTED', 'a3 0001 0101 0220'],
    ['an unknown way of authentication', 'ERR_RECORD_MALFORMED', 'a4 0001 0101 0200 0604'],
    ['an unknown outcome', 'ERR_RECORD_MALFORMED', 'a4 0001 0101 0200 0c05'],
    ['QoS 3', 'ERR_RECORD_MALFORMED', 'a4 0001 0101 0200 0803'],
    ['retain as an integer', 'ERR_CBOR_UNEXPECTED', 'a4 0001 0101 0200 0901'],
    ['a payload hash of 31 bytes', 'ERR_CBOR_UNEXPECTED', `a4 0001 0101 0200 0a581f ${zeros(31)}`],
    ['a thumbprint of 8 bytes', 'ERR_CBOR_UNEXPECTED', `a4 0001 0101 0200 0d48 ${zeros(8)}`],
    ['a negative seq', 'ERR_CBOR_UNEXPECTED', 'a4 0001 0101 0200 0e20'],
    ['a seq of 2^53', 'ERR_CBOR_UNSUPPORTED', 'a4 0001 0101 0200 0e 1b0020000000000000'],
    ['a content digest of 33 bytes', 'ERR_CBOR_UNEXPECTED', `a4 0001 0101 0200 105821 ${zeros(33)}`],
    ['a property with a text key', 'ERR_RECORD_MALFORMED', 'a4 0001 0101 0200 14 a1 6161 00'],
    ['a detail with a text key', 'ERR_RECORD_MALFORMED', 'a4 0001 0101 0200 15 a1 6161 00'],
    ['properties as an array', 'ERR_CBOR_UNEXPECTED', 'a4 0001 0101 0200 14 80'],
    ['a detail out of order', 'ERR_CBOR_NOT_DETERMINISTIC', 'a4 0001 0101 0200 15 a2 0200 0100'],
    ['a topic that is not UTF-8', 'ERR_CBOR_NOT_UTF8', 'a4 0001 0101 0200 03 61ff'],
    ['an indefinite map', 'ERR_CBOR_NOT_DETERMINISTIC', 'bf 0001 0101 0200 ff'],
    ['an array', 'ERR_CBOR_UNEXPECTED', '83 0001 0101 0200'],
    ['a byte after it', 'ERR_CBOR_TRAILING_BYTES', 'a3 0001 0101 0200 00'],
    ['fewer pairs than it says', 'ERR_CBOR_TRUNCATED', 'a4 0001 0101 0200'],
    ['nothing', 'ERR_CBOR_TRUNCATED', ''],
  ]
  for (const [name, code, encoded] of refused) {
    test(`${name}: ${code}`, () => throwsCode(() => decodeRecord(hex(encoded)), code))
  }
  test('the smallest record is accepted, so that the refusals above are for their own reason', () => {
    assert.deepEqual(decodeRecord(hex('a3 0001 0101 0200')), { kind: 'publish', timeMs: 0 })
  })
})
