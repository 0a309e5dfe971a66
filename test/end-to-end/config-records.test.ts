import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { BrokerOptions } from '../../broker/index.ts'
import { TestAdmin } from '../helpers/admin.ts'
import { startBroker } from '../helpers/broker.ts'
import { TestClient } from '../helpers/mqtt-clients.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

const signed = [{ filter: 'plant/#', signed: true }] as const

async function startWith(t: TestContext, changes: Partial<BrokerOptions>) {
  const running = await startBroker(t, changes)
  const admin = await TestAdmin.connect(t, running.port)
  const configurations = async () => {
    const records = await admin.records()
    return records.filter(({ kind }) => kind === 'config').map(({ index, occasion }) => [index, occasion])
  }
  const reload = (next: Partial<BrokerOptions>) =>
    running.broker.reload({
      location: running.location,
      listeners: [{ protocol: 'mqtt', port: 0, host: '127.0.0.1' }],
      allowAnonymous: true,
      anonymousAdmin: true,
      ...next,
    })
  return { ...running, admin, configurations, reload }
}

test('a policy that is reloaded governs the publishes after its record, and those of before keep theirs', async (t) => {
  const { port, admin, configurations, reload } = await startWith(t, {})
  const client = await TestClient.connect(t, port)
  assert.deepEqual(await configurations(), [])
  assert.equal(await client.publish('plant/1', 'before'), 0)
  await reload({ protect: signed })
  assert.equal(await client.publish('plant/1', 'under it'), 0x87)
  await reload({ protect: signed })
  await reload({})
  assert.equal(await client.publish('plant/1', 'after'), 0)
  assert.deepEqual(await configurations(), [
    [2, 'reload'],
    [3, 'reload'],
  ])
  const publishes = await admin.publishes({ include: ['payload'] })
  assert.deepEqual(
    publishes.map(({ index, payload }) => [index, Buffer.from(payload ?? '', 'base64url').toString()]),
    [
      [1, 'before'],
      [4, 'after'],
    ],
  )
  await admin.verifies()
})

const admitAll = 'topic readwrite #\ntopic readwrite $notary/admin/request\n'
const admitNone = 'topic read #\ntopic readwrite $notary/admin/request\n'

for (const what of ['policy', 'access control list']) {
  test(`publishes around a reload of the ${what} are accepted before its record or refused after it, none in between`, async (t) => {
    const aclFile = join(temporaryDirectory(t), 'acl')
    writeFileSync(aclFile, admitAll)
    const { port, admin, configurations, reload } = await startWith(t, { aclFile })
    const client = await TestClient.connect(t, port)
    const publishes = Array.from({ length: 400 }, (_, i) => ({ topic: 'plant/1', payload: Buffer.from(`${i}`) }))
    const codes = client.publishAll(publishes)
    await admin.request('audit.status', {})
    if (what === 'policy') await reload({ aclFile, protect: signed })
    else {
      writeFileSync(aclFile, admitNone)
      await reload({ aclFile })
    }
    const refused = (await codes).filter((code) => code === 0x87).length
    const [, [at] = []] = await configurations()
    const accepted = await admin.publishes()
    assert.equal(accepted.length + refused, publishes.length)
    for (const { index } of accepted) assert.ok(index < Number(at), `${index} was accepted after ${at}`)
  })
}

test('an access control list that is reloaded is a configuration of its own; one that is not good changes nothing', async (t) => {
  const aclFile = join(temporaryDirectory(t), 'acl')
  writeFileSync(aclFile, admitAll)
  const { port, configurations, reload } = await startWith(t, { aclFile })
  const client = await TestClient.connect(t, port)
  assert.deepEqual(await configurations(), [[1, 'start']])
  assert.equal(await client.publish('plant/1', 'before'), 0)
  writeFileSync(aclFile, admitNone)
  await reload({ aclFile })
  assert.equal(await client.publish('plant/1', 'after'), 0x87)
  writeFileSync(aclFile, 'topic nonsense #\n')
  await assert.rejects(reload({ aclFile, protect: signed }), (error: { code?: string }) =>
    `${error.code}`.startsWith('ERR_ACL'),
  )
  assert.deepEqual(await configurations(), [
    [1, 'start'],
    [3, 'reload'],
  ])
})
