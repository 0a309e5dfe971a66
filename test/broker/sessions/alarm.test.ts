import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { alarmAt } from '../../../broker/sessions/alarm.ts'

const day = 24 * 3600 * 1000

function clock(t: TestContext, startMs: number) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: startMs })
  return { now: () => Date.now(), pass: (ms: number) => t.mock.timers.tick(ms) }
}

test('an alarm rings once, when its time has come', (t) => {
  const { now, pass } = clock(t, 1000)
  let rung = 0
  alarmAt(6000, now, () => rung++)
  pass(4999)
  assert.equal(rung, 0)
  pass(1)
  assert.equal(rung, 1)
  pass(day)
  assert.equal(rung, 1)
})

test('one whose time is over rings soon, not at once', (t) => {
  const { now, pass } = clock(t, 1000)
  let rung = 0
  alarmAt(0, now, () => rung++)
  assert.equal(rung, 0)
  pass(1)
  assert.equal(rung, 1)
})

test('one that is farther away than a timer of Node reaches does not ring at once', (t) => {
  const { now, pass } = clock(t, 0)
  let rung = 0
  // 0xFFFFFFFE seconds, the longest Session Expiry Interval that ends: 136 years.
  const farMs = 0xffff_fffe * 1000
  alarmAt(farMs, now, () => rung++)
  for (let i = 0; i < 300; i++) pass(2 ** 31 - 1)
  assert.equal(rung, 0)
  alarmAt(now() + 50 * day, now, () => rung++)
  pass(49 * day)
  assert.equal(rung, 0)
  pass(day)
  assert.equal(rung, 1)
})

test('one that was cancelled does not ring, also after it was wound again', (t) => {
  const { now, pass } = clock(t, 0)
  let rung = 0
  const cancel = alarmAt(100 * day, now, () => rung++)
  for (let i = 0; i < 60; i++) pass(day)
  cancel()
  for (let i = 0; i < 60; i++) pass(day)
  assert.equal(rung, 0)
})
