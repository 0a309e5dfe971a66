import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultFailureBudget, FailureBudget } from '../../../plugins/verification/index.ts'

test('unless told otherwise a connection may fail ten times at once, and once per second after that', () => {
  let nowMs = 0
  const budget = new FailureBudget(defaultFailureBudget, () => nowMs)
  for (let failure = 1; failure <= 10; failure++) assert.equal(budget.spend(), true)
  assert.equal(budget.spend(), false)
  nowMs += 1000
  assert.deepEqual([budget.spend(), budget.spend()], [true, false])
})

test('without a budget it may fail as often as it likes', () => {
  const budget = new FailureBudget({ burst: 0, perSecond: 1 }, () => 0)
  for (let failure = 1; failure <= 1000; failure++) assert.equal(budget.spend(), true)
})
