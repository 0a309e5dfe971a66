import assert from 'node:assert/strict'
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { test } from 'node:test'
import { DiskSpace } from '../../broker/disk-space.ts'
import { TestAdmin } from '../helpers/admin.ts'
import { startBroker } from '../helpers/broker.ts'
import { mqttVersions, TestClient } from '../helpers/mqtt-clients.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

const never = Number.MAX_SAFE_INTEGER

for (const { name, version } of mqttVersions) {
  test(`${name}: below notary_min_free publishes are refused, and nothing of them is recorded or delivered`, async (t) => {
    const { port } = await startBroker(t, { minFreeBytes: never })
    const watcher = await TestClient.connect(t, port, version)
    await watcher.subscribe('#')
    const client = await TestClient.connect(t, port, version)
    await client.subscribe('$notary/rejected/-', 0)
    // [MQTT-5.0 3.4.2.1]: Quota exceeded. Older clients have no word for it.
    const code = version.protocolVersion === 5 ? 0x97 : 0
    assert.equal(await client.publish('full', 'x', { qos: 1, retain: true }), code)
    assert.equal(await client.publish('full', 'x', { qos: 2 }), code)
    await client.publish('full', 'x', { qos: 0 })
    const events = await client.waitFor(3)
    assert.deepEqual(
      events.map(({ payload }) => JSON.parse(payload.toString()).cause),
      ['disk-full', 'disk-full', 'disk-full'],
    )
    // Administrators can still look.
    const admin = await TestAdmin.connect(t, port, version)
    assert.deepEqual((await admin.request('audit.status', {})).refused, { 'disk-full': 3 })
    assert.deepEqual(await admin.publishes(), [])
    const late = await TestClient.connect(t, port, version)
    assert.equal(await late.subscribe('full'), 2)
    assert.deepEqual([watcher.received, late.received], [[], []])
  })
}

test('free space is looked at before anything is accepted, and a change is told once', async (t) => {
  const location = temporaryDirectory(t)
  const watch = async (minFreeBytes: number) => {
    const told: boolean[] = []
    const onError = (error: unknown) => assert.fail(error as Error)
    const disk = new DiskSpace(
      location,
      () => minFreeBytes,
      (isFull) => told.push(isFull),
      onError,
    )
    await disk.start()
    disk.stop()
    return { isFull: disk.isFull, told }
  }
  assert.deepEqual(await watch(never), { isFull: true, told: [true] })
  assert.deepEqual(await watch(1), { isFull: false, told: [] })
  assert.deepEqual(await watch(0), { isFull: false, told: [] })
})

test('a data directory that is not there is an error of the start', async () => {
  const disk = new DiskSpace(
    '/nowhere/at/all',
    () => 1,
    () => {},
    () => {},
  )
  await assert.rejects(disk.start(), { code: 'ENOENT' })
})

test('room is looked at every second: each change is told once, and a look that fails changes nothing', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  let bavail = 10
  let error: Error | undefined
  t.mock.method(fs, 'statfs', async () => {
    if (error !== undefined) throw error
    return { bavail, bsize: 100 }
  })
  syncBuiltinESMExports()
  t.after(() => {
    t.mock.restoreAll()
    syncBuiltinESMExports()
  })
  const told: (readonly [isFull: boolean, freeBytes: number])[] = []
  const errors: unknown[] = []
  const disk = new DiskSpace(
    '/data',
    () => 500,
    (isFull, freeBytes) => told.push([isFull, freeBytes]),
    (reported) => errors.push(reported),
  )
  await disk.start()
  const look = async (blocks: number) => {
    bavail = blocks
    t.mock.timers.tick(1000)
    await new Promise((resolve) => setImmediate(resolve))
    return disk.isFull
  }
  assert.deepEqual([await look(9), await look(5), await look(4), await look(3)], [false, false, true, true])
  error = new Error('gone')
  assert.equal(await look(10), true)
  assert.deepEqual(errors, [error])
  error = undefined
  assert.equal(await look(10), false)
  disk.stop()
  assert.equal(await look(0), false)
  assert.deepEqual(told, [
    [true, 400],
    [false, 1000],
  ])
})
