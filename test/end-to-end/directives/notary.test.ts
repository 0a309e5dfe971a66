import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { adminResponseTopic } from '../../../protocol/index.ts'
import { TestAdmin } from '../../helpers/admin.ts'
import { freePort } from '../../helpers/broker.ts'
import { keysDirectory } from '../../helpers/key-files.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { passwordLine } from '../../helpers/passwords.ts'
import { Signer } from '../../helpers/signing.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { covers, eventually, openBroker, Program } from './support.ts'

const request = '{"jsonrpc":"2.0","id":1,"method":"audit.status","params":{}}'

test('the name of the log, its keys, its administrators and what it protects', async (t) => {
  covers('notary_origin', 'notary_keys', 'notary_admin', 'notary_protect')
  const port = await freePort()
  const passwords = join(temporaryDirectory(t), 'passwords')
  writeFileSync(passwords, `${passwordLine('chief', 'secret')}\n${passwordLine('ann', 'secret')}\n`)
  const device = numberedKey(1)
  await Program.start(t, [
    `persistence_location ${temporaryDirectory(t)}`,
    `listener ${port} 127.0.0.1`,
    `password_file ${passwords}`,
    'allow_anonymous true',
    'notary_origin plant.example/log',
    `notary_keys ${keysDirectory(t, { 'device-1': device })}`,
    'notary_admin chief',
    'notary_protect plant/# signed',
  ])
  const admin = await TestAdmin.connect(t, port, { username: 'chief', password: 'secret' })
  assert.equal((await admin.request('audit.status', {})).origin, 'plant.example/log')
  const { keys } = await admin.request('keys.list', {})
  assert.deepEqual(
    keys.map(({ name }) => name),
    ['device-1'],
  )
  for (const login of [{ username: 'ann', password: 'secret' }, {}]) {
    const other = await TestClient.connect(t, port, login)
    assert.equal(await other.subscribe(adminResponseTopic(other.id), 0), 0)
    assert.equal(await other.publish('$notary/admin/request', request), 0)
    await other.waitFor(1, ({ payload }) => /"error"/.test(`${payload}`))
  }
  const publisher = await TestClient.connect(t, port)
  assert.equal(await publisher.publish('plant/1', 'plain'), 0x87)
  assert.equal(await publisher.publish('plant/1', new Signer(device).sign('plant/1', 'signed')), 0)
  assert.equal(await publisher.publish('elsewhere', 'plain'), 0)
})

test('notary_admin anonymous makes administrators of who comes over a loopback listener', async (t) => {
  covers('notary_admin')
  const { port } = await openBroker(t, ['notary_admin anonymous'])
  const admin = await TestAdmin.connect(t, port)
  assert.match((await admin.request('audit.status', {})).origin, /^notarymq\/[0-9a-f]{16}$/)
})

test('notary_checkpoint_interval is how long a record waits for a checkpoint that covers it', async (t) => {
  covers('notary_checkpoint_interval')
  for (const [interval, isCovered] of [
    ['100', true],
    ['86400000', false],
  ] as const) {
    const { port } = await openBroker(t, ['notary_admin anonymous', `notary_checkpoint_interval ${interval}`])
    const admin = await TestAdmin.connect(t, port)
    const look = async () => (await admin.request('audit.status', {})).checkpoint !== null
    if (isCovered) await eventually(look, (isThere) => isThere)
    else assert.equal(await look(), false)
  }
})

test('notary_min_free refuses publishes while less is free, and readiness says so', async (t) => {
  covers('notary_min_free', 'notary_http')
  const http = await freePort()
  const { port, program } = await openBroker(t, [
    // A petabyte.
    'notary_min_free 1000000G',
    `notary_http ${http} 127.0.0.1`,
  ])
  const client = await TestClient.connect(t, port)
  assert.equal(await client.publish('a', 'x'), 0x97)
  assert.equal(program.count(/less than notary_min_free/), 1)
  const response = await fetch(`http://127.0.0.1:${http}/readyz`)
  assert.deepEqual([response.status, await response.json()], [503, { status: 'not-ready', reasons: ['disk-full'] }])
  assert.equal((await fetch(`http://127.0.0.1:${http}/healthz`)).status, 200)
})
