import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type ChainRecord, decodeRecord, encodeRecord, nobleCrypto, readPlainPublish } from '../../../protocol/index.ts'
import { fcSeed, publishFields } from '../../helpers/arbitraries.ts'
import { goldenRecords } from '../../helpers/golden-chain.ts'
import { mutated, SeededRandom } from '../../helpers/random.ts'

/** Publishes without the fields of a signature. */
const publish: fc.Arbitrary<ChainRecord> = fc
  .record(
    {
      kind: fc.constant('publish' as const),
      ...publishFields,
    },
    { requiredKeys: ['kind', 'timeMs', 'payloadSha256', 'payloadSize'], noNullPrototype: true },
  )
  .map((record) => record as ChainRecord)

/** With the bytes that the digest is said to be, in place of where they are. */
function found(encoded: Uint8Array, start = 0, end = encoded.length) {
  const plain = readPlainPublish(encoded, start, end)
  if (plain === undefined) return undefined
  const { timeMs, payloadSha256At, payloadSize } = plain
  return { timeMs, payloadSha256: encoded.slice(payloadSha256At, payloadSha256At + 32), payloadSize }
}

const isAscii = (text = '') => Buffer.from(text).every((byte) => byte < 0x80)

test('a plain publish is read to what decoding makes of it, when its text is ASCII', () => {
  const property = fc.property(publish, (record) => {
    const { timeMs, payloadSha256, payloadSize, topic, clientId, username, listener, outcome } = record
    const isPlain = outcome !== 'signed' && [topic, clientId, username, listener].every(isAscii)
    const expected = isPlain ? { timeMs, payloadSha256, payloadSize } : undefined
    const encoded = encodeRecord(record)
    assert.deepEqual(found(encoded), expected)
    // With anything around it.
    const within = Uint8Array.of(0xa1, ...encoded, 0x00)
    assert.deepEqual(found(within, 1, encoded.length + 1), expected)
    for (const end of [encoded.length, encoded.length + 2]) assert.equal(found(within, 1, end), undefined)
  })
  fc.assert(property, { seed: fcSeed, numRuns: 1000 })
})

test('whatever mutated bytes are read as a plain publish, decoding takes them, and finds no signature in them', () => {
  const random = new SeededRandom(fcSeed)
  const golden = Object.values(goldenRecords(nobleCrypto)).map(({ record }) => encodeRecord(record))
  const plain = golden.filter((encoded) => readPlainPublish(encoded) !== undefined)
  assert.ok(plain.length > 0)
  const originals = [...golden, ...Array.from({ length: golden.length }, (_, i) => plain[i % plain.length])]
  let count = 0
  for (let i = 0; i < 30_000; i++) {
    const input = mutated(originals[i % originals.length] as Uint8Array, random)
    const read = found(input)
    if (read === undefined) continue
    count++
    const { kind, outcome, timeMs, payloadSha256, payloadSize, ...others } = decodeRecord(input)
    assert.deepEqual({ timeMs, payloadSha256, payloadSize }, read)
    assert.equal(kind, 'publish')
    assert.notEqual(outcome, 'signed')
    for (const field of ['thumbprint', 'envelope', 'mac', 'storedTopic', 'detail']) assert.ok(!(field in others), field)
  }
  assert.ok(count > 300, `only ${count} mutations were still plain publishes: the property was hardly tried`)
})

test('records with more to them are left to be decoded', () => {
  const plain = { kind: 'publish', timeMs: 1, payloadSha256: new Uint8Array(32), payloadSize: 0 } as const
  assert.ok(readPlainPublish(encodeRecord(plain)) !== undefined)
  const more: readonly Partial<ChainRecord>[] = [
    { kind: 'config' },
    { outcome: 'signed' },
    { outcome: 'will', thumbprint: new Uint8Array(32) },
    { storedTopic: 'a' },
    { properties: new Map([[1, 1]]) },
    { mac: { sid: new Uint8Array(8), tag: new Uint8Array(32), sessionThumbprint: new Uint8Array(32) } },
  ]
  for (const fields of more) assert.equal(readPlainPublish(encodeRecord({ ...plain, ...fields })), undefined)
})
