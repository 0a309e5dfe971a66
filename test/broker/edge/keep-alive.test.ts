import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { KeepAlive } from '../../../broker/edge/keep-alive.ts'
import { stopClocks } from './fake-clock.ts'

function watched(t: TestContext) {
  const pass = stopClocks(t)
  const silences: number[] = []
  const keepAlive = new KeepAlive(() => silences.push(Date.now()))
  return { keepAlive, pass, silences }
}

test('[MQTT-5.0 3.1.2-22] silence is one and a half times the Keep Alive, and is told once', (t) => {
  const { keepAlive, pass, silences } = watched(t)
  keepAlive.start(10)
  pass(14_999)
  assert.deepEqual(silences, [])
  pass(60_000)
  assert.deepEqual(silences, [15_000])
})

test('whatever is heard begins the time anew', (t) => {
  const { keepAlive, pass, silences } = watched(t)
  keepAlive.start(10)
  for (let i = 0; i < 5; i++) {
    pass(14_000)
    keepAlive.heard()
  }
  pass(14_999)
  assert.deepEqual(silences, [])
  pass(1)
  assert.deepEqual(silences, [85_000])
})

test('a Keep Alive of 0 is no limit', (t) => {
  const { keepAlive, pass, silences } = watched(t)
  keepAlive.start(0)
  keepAlive.heard()
  pass(200_000)
  assert.deepEqual(silences, [])
})

test('after the stop nothing is told, also when something is heard', (t) => {
  const { keepAlive, pass, silences } = watched(t)
  keepAlive.start(1)
  pass(1000)
  keepAlive.stop()
  keepAlive.heard()
  pass(10_000)
  assert.deepEqual(silences, [])
})

test('a later start replaces the one before', (t) => {
  const { keepAlive, pass, silences } = watched(t)
  keepAlive.start(1)
  keepAlive.start(10)
  pass(14_999)
  assert.deepEqual(silences, [])
  keepAlive.start(0)
  pass(100_000)
  assert.deepEqual(silences, [])
})

test('nobody is missed who is not listened to, and the time begins when one listens again', (t) => {
  const { keepAlive, pass, silences } = watched(t)
  keepAlive.start(10)
  pass(1000)
  keepAlive.isSuspended = true
  pass(100_000)
  assert.deepEqual(silences, [])
  keepAlive.isSuspended = false
  pass(14_999)
  assert.deepEqual(silences, [])
  pass(1)
  assert.deepEqual(silences, [116_000])
})

test('who is not listened to until just before the limit has time to be heard', (t) => {
  const { keepAlive, pass, silences } = watched(t)
  keepAlive.start(10)
  keepAlive.isSuspended = true
  pass(14_990)
  keepAlive.isSuspended = false
  pass(14_000)
  assert.deepEqual(silences, [])
  // Only a pause that was one counts.
  keepAlive.isSuspended = false
  pass(1000)
  assert.deepEqual(silences, [29_990])
})
