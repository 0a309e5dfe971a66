import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RestartDelay } from '../../../broker/bridges/restart-delay.ts'

test('equal base and cap give the same delay every time', () => {
  const delay = new RestartDelay({ baseSeconds: 7, capSeconds: 7 }, () => 0.5)
  assert.deepEqual([delay.next(), delay.next(), delay.next()], [7000, 7000, 7000])
})

test('with the longest delays they triple up to the cap, and begin anew after a connection', () => {
  const delay = new RestartDelay({ baseSeconds: 5, capSeconds: 30 }, () => 1)
  assert.deepEqual([delay.next(), delay.next(), delay.next()], [15_000, 30_000, 30_000])
  delay.reset()
  assert.equal(delay.next(), 15_000)
})

test('no delay is ever below the base or above the cap', () => {
  const seconds = fc.integer({ min: 1, max: 100 })
  const random = fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 1, maxLength: 20 })
  const property = fc.property(seconds, seconds, random, (base, more, draws) => {
    let next = 0
    const delay = new RestartDelay({ baseSeconds: base, capSeconds: base + more }, () => draws[next++] ?? 0)
    for (let i = 0; i < draws.length; i++) {
      const ms = delay.next()
      assert.ok(ms >= base * 1000 && ms <= (base + more) * 1000)
    }
  })
  fc.assert(property, { seed: 6, numRuns: 200 })
})
