import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ConnectRateLimit } from '../../../broker/listeners/connect-rate.ts'

/** How many of `count` tries get through. */
function taken(limit: ConnectRateLimit, count: number): number {
  let granted = 0
  for (let i = 0; i < count; i++) if (limit.take()) granted++
  return granted
}

test('a burst at once, then what comes in by the second, and never more than a burst', () => {
  let nowMs = 0
  const limit = new ConnectRateLimit({ perSecond: 10, burst: 50 }, () => nowMs)
  assert.equal(taken(limit, 100), 50)
  nowMs += 50
  assert.equal(taken(limit, 100), 0)
  nowMs += 50
  assert.equal(taken(limit, 100), 1)
  nowMs += 2000
  assert.equal(taken(limit, 100), 20)
  nowMs += 3_600_000
  assert.equal(taken(limit, 100), 50)
})

test('without a burst one second’s worth may come at once', () => {
  const limit = new ConnectRateLimit({ perSecond: 3 }, () => 0)
  assert.equal(taken(limit, 10), 3)
})

test('in no span of time are there more than burst plus rate times span', () => {
  const waits = fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 50 })
  const rate = fc.record({ perSecond: fc.integer({ min: 1, max: 100 }), burst: fc.integer({ min: 1, max: 100 }) })
  fc.assert(
    fc.property(rate, waits, ({ perSecond, burst }, spans) => {
      let nowMs = 0
      const limit = new ConnectRateLimit({ perSecond, burst }, () => nowMs)
      let granted = 0
      for (const span of spans) {
        nowMs += span
        granted += taken(limit, 20)
        assert.ok(granted <= burst + (perSecond * nowMs) / 1000 + 1e-6)
      }
    }),
    { seed: 10, numRuns: 200 },
  )
})
