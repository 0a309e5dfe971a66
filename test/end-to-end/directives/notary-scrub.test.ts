import assert from 'node:assert/strict'
import { test } from 'node:test'
import { alarmTopic } from '../../../protocol/index.ts'
import { TestAdmin } from '../../helpers/admin.ts'
import { freePort } from '../../helpers/broker.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { flip, tamper } from '../../helpers/tampering.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { covers, Program } from './support.ts'

test('notary_scrub finds what has decayed: an alarm, a line, a record and a figure, while the broker stays ready', async (t) => {
  covers('notary_scrub')
  const [location, port, http] = [temporaryDirectory(t), await freePort(), await freePort()]
  const lines = [
    `persistence_location ${location}`,
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'notary_admin anonymous',
    `notary_http ${http} 127.0.0.1`,
  ]
  const first = await Program.start(t, [...lines, 'notary_scrub 0'])
  const publisher = await TestClient.connect(t, port)
  assert.equal(await publisher.publish('a', 'decays'), 0)
  assert.equal(await publisher.publish('a', 'lasts'), 0)
  const still = await TestAdmin.connect(t, port)
  assert.deepEqual((await still.request('audit.status', {})).scrub, {
    checked: 0,
    passes: 0,
    lastPass: null,
    damage: 0,
  })
  assert.equal(await first.stop(), 0)

  await tamper(location, (blocks) => blocks.alter(1, ({ entries }) => flip(entries[0]?.body, 0)))
  // Slow enough for the administrator to be there before the damage is found.
  const second = await Program.start(t, [...lines, 'notary_scrub 3'])
  const admin = await TestAdmin.connect(t, port)
  assert.equal(await admin.client.subscribe(alarmTopic, 0), 0)
  const [alarm] = await admin.client.waitFor(1, ({ topic }) => topic === alarmTopic)
  const damage = { firstIndex: 1, lastIndex: 1, cause: 'payload-mismatch' }
  assert.deepEqual(JSON.parse(`${alarm?.payload}`), { kind: 'damage', index: 3, ...damage })
  await second.says(/the store is damaged: records 1 to 1: payload-mismatch: record 3$/)
  await second.says(/Scrub: 3 records checked, found damaged: 1\.$/)
  const record = await admin.request('audit.record', { index: 3 })
  assert.deepEqual(record, { index: 3, time: record.time, kind: 'damage', ...damage })
  const { scrub } = await admin.request('audit.status', {})
  assert.deepEqual([scrub?.passes, scrub?.damage, typeof scrub?.lastPass], [1, 1, 'string'])
  const metrics = await (await fetch(`http://127.0.0.1:${http}/metrics`)).text()
  assert.match(metrics, /^notarymq_scrub_damaged_places 1$/m)
  assert.equal((await fetch(`http://127.0.0.1:${http}/readyz`)).status, 200)
  const { ok, firstBad } = await admin.request('audit.verify', {})
  assert.deepEqual([ok, firstBad?.index], [false, 1], 'a note excuses nothing')
})
