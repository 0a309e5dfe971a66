import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Lane } from '../../../plugins/authorize-publish/lane.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'

test('whatever the order in which they become ready, publishes leave in the order in which they came', () => {
  const completions = fc.integer({ min: 1, max: 30 }).chain((count) =>
    fc.shuffledSubarray(
      Array.from({ length: count }, (_, i) => i),
      { minLength: count },
    ),
  )
  const property = fc.property(completions, (order) => {
    const lane = new Lane()
    const ready = order.map(() => lane.enter())
    const left: number[] = []
    for (const [done, i] of order.entries()) {
      ready[i]?.(() => left.push(i))
      const isReady = (n: number) => order.slice(0, done + 1).includes(n)
      // Exactly those leave before which everything is ready.
      const expected = [...ready.keys()].filter((n) => [...ready.keys()].slice(0, n + 1).every(isReady))
      assert.deepEqual(left, expected)
    }
    assert.equal(left.length, order.length)
  })
  fc.assert(property, { seed: fcSeed, numRuns: 300 })
})

test('a publish that enters while others leave goes behind them', () => {
  const lane = new Lane()
  const left: string[] = []
  const [first, second] = [lane.enter(), lane.enter()]
  second(() => left.push('second'))
  first(() => {
    left.push('first')
    lane.enter()(() => left.push('third'))
  })
  assert.deepEqual(left, ['first', 'second', 'third'])
})

test('lanes do not wait for each other', () => {
  const [one, other] = [new Lane(), new Lane()]
  one.enter()
  const left: string[] = []
  other.enter()(() => left.push('other'))
  assert.deepEqual(left, ['other'])
})
