import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { DiskForecast } from '../../../plugins/index.ts'
import { ErasableChain } from './test-chain.ts'

const hour = 3600
const nobody = { auth: 'none' } as const

function forecastOf(made: ErasableChain, minFreeBytes = 0): DiskForecast {
  const { chain, location } = made
  return new DiskForecast({ chain, location, minFreeBytes: () => minFreeBytes, now: () => made.nowMs })
}

/** A chain of 20 publishes of 10 kB each, one an hour. */
async function grown(t: TestContext): Promise<ErasableChain> {
  const made = await ErasableChain.open(t)
  for (let i = 0; i < 20; i++) {
    made.pass(hour)
    await made.publish(i < 5 ? 'early' : 'late', randomBytes(10_000))
  }
  return made
}

test('growth is what the last day had, and leads to the days that are left', async (t) => {
  const made = await grown(t)
  const { bytesPerDay = 0, daysLeft = 0, freeBytes, storeBytes } = await forecastOf(made).read()
  // 24 records a day, with their headers.
  assert.ok(bytesPerDay > 24 * 10_000 && bytesPerDay < 32 * 11_000, `${bytesPerDay}`)
  assert.equal(Math.round((daysLeft * bytesPerDay) / freeBytes), 1)
  assert.ok(storeBytes > 200_000)
  const none = await forecastOf(made, Number.MAX_SAFE_INTEGER).read()
  assert.equal(none.daysLeft, 0, 'less is free than has to be')
})

test('nothing is foretold of a chain that is too young, or does not grow any more', async (t) => {
  const made = await ErasableChain.open(t)
  await made.publish('a')
  const young = await forecastOf(made).read()
  assert.deepEqual([young.bytesPerDay, young.daysLeft], [undefined, undefined])
  made.pass(48 * hour)
  const still = await forecastOf(made).read()
  assert.deepEqual([still.bytesPerDay, still.daysLeft], [0, undefined])
})

test('the oldest payload is found behind those that are erased', async (t) => {
  const made = await grown(t)
  const forecast = forecastOf(made)
  assert.equal((await forecast.read()).oldestBody?.index, 2)
  const request = { what: 'bodies', topic: 'early', fromIndex: 0, toIndex: 100, reason: 'asked for' } as const
  await made.retention(t).erase(request, nobody, false)
  assert.equal((await forecast.read()).oldestBody?.index, 2, 'an answer holds for some seconds')
  made.pass(6)
  const { oldestBody } = await forecast.read()
  assert.equal(oldestBody?.index, 7)
  assert.ok(oldestBody.timeMs < made.nowMs)
  await made.retention(t).erase({ ...request, topic: '#' }, nobody, false)
  made.pass(6)
  assert.equal((await forecast.read()).oldestBody, undefined)
})

test('what was erased is counted by its kind', async (t) => {
  const made = await grown(t)
  const retention = made.retention(t)
  const request = { topic: 'early', fromIndex: 0, toIndex: 100, reason: 'asked for' } as const
  await retention.erase({ ...request, what: 'bodies' }, nobody, true)
  assert.deepEqual(retention.erased, { bodies: 0, records: 0, bytes: 0 }, 'nothing by a dry run')
  await retention.erase({ ...request, what: 'bodies' }, nobody, false)
  assert.deepEqual(retention.erased, { bodies: 5, records: 0, bytes: 50_000 })
  await retention.erase({ ...request, what: 'records' }, nobody, false)
  assert.deepEqual([retention.erased.bodies, retention.erased.records], [5, 5])
})
