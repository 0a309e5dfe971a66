import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TokenBucket } from '../../plugins/token-bucket.ts'
import { fcSeed } from '../helpers/arbitraries.ts'

test('a bucket gives its burst at once and its rate after that', () => {
  let nowMs = 0
  const bucket = new TokenBucket({ perSecond: 2, burst: 3 }, () => nowMs)
  const takes = (count: number) => Array.from({ length: count }, () => bucket.take())
  assert.deepEqual(takes(4), [true, true, true, false])
  nowMs = 500
  assert.deepEqual(takes(2), [true, false])
  nowMs = 60_000
  assert.deepEqual(takes(4), [true, true, true, false])
})

test('allows at once what one second allows, unless told otherwise', () => {
  const bucket = new TokenBucket({ perSecond: 3 }, () => 0)
  assert.deepEqual(
    [1, 2, 3, 4].map(() => bucket.take()),
    [true, true, true, false],
  )
})

test('says how long it will give nothing, and gives something then', () => {
  let nowMs = 0
  const bucket = new TokenBucket({ perSecond: 4, burst: 2 }, () => nowMs)
  bucket.take()
  assert.equal(bucket.waitMs, 0)
  bucket.take()
  assert.equal(bucket.waitMs, 250)
  nowMs = 100
  assert.equal(bucket.waitMs, 150)
  assert.equal(bucket.take(), false)
  nowMs = 250
  assert.deepEqual([bucket.waitMs, bucket.take()], [0, true])
})

test('however the clock runs, backwards too, no more is given than burst and rate allow', () => {
  const steps = fc.array(fc.integer({ min: -2000, max: 2000 }), { maxLength: 200 })
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }), (moves, perSecond, burst) => {
      let nowMs = 10_000
      let forwardMs = 0
      let given = 0
      const bucket = new TokenBucket({ perSecond, burst }, () => nowMs)
      for (const move of moves) {
        nowMs += move
        forwardMs += Math.max(move, 0)
        if (bucket.take()) given++
      }
      assert.ok(given <= burst + (forwardMs / 1000) * perSecond + 1e-6)
    }),
    { seed: fcSeed, numRuns: 200 },
  )
})
