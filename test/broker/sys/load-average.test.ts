import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LoadAverage, LoadAverages } from '../../../broker/sys/load-average.ts'

/** The payloads after a count was reached and the clock went on. */
function payloads(counts: readonly number[], stepMs: number): readonly string[] {
  const averages = new LoadAverages()
  for (const count of counts) averages.update(count, stepMs)
  return [...averages.values()].map(([, payload]) => payload)
}

test('gives what Mosquitto 2.0.11 published: n events, seen 2 s after the start', () => {
  for (const [events, oneMinute] of [
    [0, '0.00'],
    [1, '0.98'],
    [2, '1.97'],
    [3, '2.95'],
    [4, '3.93'],
    [5, '4.92'],
  ] as const) {
    assert.equal(payloads([events], 2000)[0], oneMinute)
  }
  assert.deepEqual(payloads([1], 2000), ['0.98', '0.20', '0.07'])
})

test('gives what Mosquitto 2.0.11 published: n events in the first 2 s, seen after two more without any', () => {
  for (const [events, oneMinute] of [
    [1, '0.95'],
    [2, '1.90'],
    [3, '2.85'],
    [4, '3.81'],
    [5, '4.76'],
    [8, '7.61'],
    [9, '8.56'],
  ] as const) {
    assert.equal(payloads([events, events], 2000)[0], oneMinute)
  }
})

test('approaches what happens in a minute when it goes on, whatever the steps, and never leaves what it has seen', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 100_000 }),
      fc.array(fc.integer({ min: 1, max: 60_000 }), { minLength: 1, maxLength: 50 }),
      (perMinute, steps) => {
        const average = new LoadAverage(1)
        let count = 0
        for (const stepMs of steps) {
          count += (perMinute * stepMs) / 60_000
          average.update(count, stepMs)
          assert.ok(average.perMinute >= -1e-6 && average.perMinute <= perMinute + 1e-6)
        }
        average.update(count + perMinute * 60, 3_600_000)
        assert.ok(Math.abs(average.perMinute - perMinute) <= 0.01)
      },
    ),
    { seed: 4, numRuns: 200 },
  )
})

test('a clock that stands still changes nothing, and what was counted meanwhile is not lost', () => {
  const average = new LoadAverage(1)
  average.update(5, 0)
  assert.equal(average.perMinute, 0)
  average.update(5, 2000)
  assert.equal(average.perMinute.toFixed(2), '4.92')
})
