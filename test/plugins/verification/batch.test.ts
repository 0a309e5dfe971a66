import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { KeySlots, packBatch, unpackBatch, type VerificationJob } from '../../../plugins/verification/batch.ts'

const keys = Array.from({ length: 6 }, (_, n) => {
  return { x: new Uint8Array(32).fill(n + 1), y: new Uint8Array(32).fill(n + 101) }
})

const job = fc.record(
  {
    key: fc.constantFrom(...keys),
    message: fc.uint8Array({ maxLength: 300 }),
    signature: fc.uint8Array({ minLength: 64, maxLength: 64 }),
  },
  { noNullPrototype: true },
)

/** What a thread makes of batches: the jobs with the keys that it has in their slots. */
function read(batches: readonly ArrayBuffer[]): VerificationJob[] {
  const known: VerificationJob['key'][] = []
  return batches.flatMap((batch) =>
    Array.from(unpackBatch(batch), ({ slot, newKey, message, signature }) => {
      if (newKey !== undefined) known[slot] = newKey
      return { key: known[slot]!, message, signature }
    }),
  )
}

test('a thread reads every job as it was packed, however few keys it keeps', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(job, { maxLength: 9 }), { maxLength: 5 }),
      fc.integer({ min: 1, max: 7 }),
      (all, capacity) => {
        const slots = new KeySlots(capacity)
        assert.deepEqual(read(all.map((jobs) => packBatch(jobs, slots))), all.flat())
      },
    ),
    { seed: 52, numRuns: 200 },
  )
})

test('a key travels once while the thread keeps it', () => {
  const slots = new KeySlots(2)
  const [a, b, c] = keys as [VerificationJob['key'], VerificationJob['key'], VerificationJob['key']]
  const isNew = (key: VerificationJob['key']) => slots.slotOf(key).isNew
  assert.deepEqual([isNew(a), isNew(a), isNew(b), isNew(a)], [true, false, true, false])
  // The oldest makes room.
  assert.deepEqual([slots.slotOf(c), isNew(b), isNew(a)], [{ slot: 0, isNew: true }, false, true])
})
