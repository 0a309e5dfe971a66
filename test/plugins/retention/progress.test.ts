import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readEntry, storeSublevel } from '../../../plugins/audit-chain/index.ts'
import type { RetentionRule } from '../../../plugins/index.ts'
import { ErasableChain } from './test-chain.ts'

/** Counts the bytes of blocks that a chain gives out. */
function readingOf({ chain: { store } }: ErasableChain): { bytes: number } {
  const reading = { bytes: 0 }
  const blocksAt = store.blocksAt.bind(store)
  const blocksUpTo = store.blocksUpTo.bind(store)
  const counted = async (read: ReturnType<typeof blocksAt>) => {
    const found = await read
    for (const { encoded } of found) reading.bytes += encoded.length
    return found
  }
  store.blocksAt = (...asked) => counted(blocksAt(...asked))
  store.blocksUpTo = (...asked) => counted(blocksUpTo(...asked))
  return reading
}

const rules: readonly RetentionRule[] = [
  { what: 'bodies', count: 30 },
  { what: 'bodies', ageSeconds: 86_400 },
  { what: 'records', bytes: 3_000_000 },
]

for (const rule of rules) {
  test(`what a rule of ${Object.keys(rule)[1]} keeps is not read in every run, nor after a start`, async (t) => {
    const made = await ErasableChain.open(t)
    for (let i = 0; i < 40; i++) await made.publish('a', new Uint8Array(100_000))
    await made.retention(t, { rules: () => [rule] }).run()
    const reading = readingOf(made)
    const again = made.retention(t, { rules: () => [rule] })
    await again.run()
    await made.publish('a')
    await again.run()
    // Twice 3 MB otherwise: each run reads a little at both ends of what is kept.
    assert.ok(reading.bytes < 2_000_000, `${reading.bytes} bytes were read`)
  })
}

test('a rule of count or size reads what it erases once, and what it keeps once', async (t) => {
  const made = await ErasableChain.open(t)
  for (let i = 0; i < 40; i++) await made.publish('a', new Uint8Array(100_000))
  const reading = readingOf(made)
  await made.retention(t, { rules: () => [{ what: 'bodies', count: 20 }] }).run()
  assert.ok(reading.bytes < 5_000_000, `${reading.bytes} bytes were read`)
})

test('progress that cannot be so is not believed', async (t) => {
  const made = await ErasableChain.open(t)
  const index = await made.publish('a')
  const rule: RetentionRule = { what: 'bodies', count: 0 }
  await made.retention(t, { rules: () => [rule] }).run()
  const table = storeSublevel(made.chain.database, 'retention')
  const [key] = await table.keys().all()
  assert.ok(key !== undefined)
  // CBOR: cut off, of another version, beyond the end of the chain, and with something left beyond what was reached.
  for (const wrong of ['8501', '850200000000', '8501190fff190fff0000', '87010202000002190fff']) {
    await table.put(key, Buffer.from(wrong, 'hex'))
    const next = await made.publish('a')
    await made.retention(t, { rules: () => [rule] }).run()
    assert.equal((await readEntry(made.chain.store, next))?.body, undefined, wrong)
  }
  assert.equal((await readEntry(made.chain.store, index))?.body, undefined)
})

/** Publishes as a rule sees them: `bytes` 0 when the payload is gone, undefined when the record is. */
interface Seen {
  readonly index: number
  readonly topic: string
  bytes: number | undefined
}

/** What rules of payloads leave, worked out from nothing. */
function applyRule({ count, bytes, topic }: RetentionRule, seen: Seen[]): void {
  let [newer, newerBytes] = [0, 0]
  let isBeyond = false
  for (const one of seen.toReversed()) {
    if (!one.bytes || (topic !== undefined && topic !== one.topic)) continue
    newer++
    newerBytes += one.bytes
    isBeyond ||= newer > (count ?? Number.POSITIVE_INFINITY) || newerBytes > (bytes ?? Number.POSITIVE_INFINITY)
    if (isBeyond) one.bytes = 0
  }
}

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ topic: fc.constantFrom('a', 'b'), size: fc.integer({ min: 1, max: 60 }) }) },
  { weight: 2, arbitrary: fc.constant('run' as const) },
  { weight: 1, arbitrary: fc.constant('start' as const) },
  {
    weight: 1,
    arbitrary: fc.record({ erase: fc.nat(), what: fc.constantFrom('bodies' as const, 'records' as const) }),
  },
)

test('rules leave what they would leave if they looked at everything each time, whatever others erase', async (t) => {
  const wanted: readonly RetentionRule[] = [
    { what: 'bodies', count: 4, topic: 'a' },
    { what: 'bodies', bytes: 150 },
  ]
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const made = await ErasableChain.open(t)
      const begin = () => made.retention(t, { rules: () => wanted })
      let retention = begin()
      const seen: Seen[] = []
      for (const one of [...steps, 'run' as const]) {
        if (one === 'start') retention = begin()
        else if (one === 'run') {
          await retention.run()
          for (const rule of wanted) applyRule(rule, seen)
        } else if ('topic' in one) {
          const index = await made.publish(one.topic, new Uint8Array(one.size))
          seen.push({ index, topic: one.topic, bytes: one.size })
        } else if (seen.length > 0) {
          const target = seen[one.erase % seen.length] as Seen
          const range = { fromIndex: target.index, toIndex: target.index }
          await retention.erase({ what: one.what, ...range, reason: 'test' }, { auth: 'none' }, false)
          target.bytes = one.what === 'records' ? undefined : target.bytes && 0
        }
      }
      for (const { index, bytes } of seen) {
        const entry = await readEntry(made.chain.store, index)
        assert.equal(entry?.record === undefined ? undefined : (entry.body?.length ?? 0), bytes, `record ${index}`)
      }
    }),
    { seed: 7, numRuns: 25 },
  )
})
