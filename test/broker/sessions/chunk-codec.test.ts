import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeChunk, encodeChunk } from '../../../broker/sessions/chunk-codec.ts'
import type { Chunk, Entry } from '../../../broker/sessions/queue.ts'
import { CborWriter } from '../../../protocol/index.ts'
import { fcSeed, wellFormedText } from '../../helpers/arbitraries.ts'
import { codeOf } from '../../helpers/codes.ts'

type Fields = Pick<Entry, 'index' | 'qos' | 'retain' | 'subscriptionIdentifiers' | 'shared' | 'bytes'>

function chunkOf(firstNumber: number, entries: readonly Fields[]): Chunk {
  const chunk: Chunk = { firstNumber, entries: [], left: entries.length }
  for (const [i, fields] of entries.entries()) {
    chunk.entries.push({
      ...fields,
      number: firstNumber + i,
      chunk,
      state: 'waiting',
      wasSent: false,
      message: undefined,
    })
  }
  return chunk
}

const plain: Fields = { index: 1, qos: 1, retain: false, subscriptionIdentifiers: [], shared: undefined, bytes: 0 }

const fields: fc.Arbitrary<Fields> = fc.record(
  {
    // Those of one commit rise; retained messages, which are older, lie among them.
    index: fc.maxSafeNat(),
    qos: fc.constantFrom(1, 2),
    retain: fc.boolean(),
    subscriptionIdentifiers: fc.array(fc.integer({ min: 1, max: 268_435_455 }), { maxLength: 4 }),
    shared: fc.option(
      wellFormedText.filter((text) => text !== ''),
      { nil: undefined },
    ),
    bytes: fc.nat(268_435_455),
  },
  { noNullPrototype: true },
)

test('a queue read back is the queue that was written, with the numbers that follow from the first', () => {
  const property = fc.property(
    fc.array(fields, { minLength: 1, maxLength: 30 }),
    fc.nat(2 ** 40),
    fc.nat(40),
    (entries, firstNumber, sent) => {
      const chunk = chunkOf(firstNumber, entries)
      const decoded = decodeChunk(encodeChunk(chunk), firstNumber, firstNumber + sent)
      for (const [i, entry] of chunk.entries.entries()) entry.wasSent = i < sent
      assert.deepEqual(decoded, chunk)
    },
  )
  fc.assert(property, { seed: fcSeed, numRuns: 300 })
})

test('of a session that was connected at a crash everything may have been sent', () => {
  const decoded = decodeChunk(encodeChunk(chunkOf(7, [plain, plain])), 7, Number.POSITIVE_INFINITY)
  assert.deepEqual(
    decoded.entries.map(({ wasSent }) => wasSent),
    [true, true],
  )
})

test('no byte of a stored queue can be cut off, and none be added', () => {
  const shared = { ...plain, index: 300, subscriptionIdentifiers: [1, 300], shared: '$share/g/a/#' }
  const encoded = encodeChunk(chunkOf(0, [plain, shared, plain]))
  for (let length = 0; length < encoded.length; length++) {
    assert.match(codeOf(() => decodeChunk(encoded.subarray(0, length), 0, 0)) ?? '', /^ERR_CBOR_/, `${length} bytes`)
  }
  assert.match(codeOf(() => decodeChunk(Buffer.concat([encoded, Buffer.alloc(1)]), 0, 0)) ?? '', /^ERR_CBOR_/)
})

test('a queue that another version wrote is not guessed at', () => {
  const other = new CborWriter(16).array(2).int(2).int(0).finish()
  assert.throws(() => decodeChunk(other, 0, 0), RangeError)
})
