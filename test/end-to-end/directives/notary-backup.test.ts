import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { TestAdmin } from '../../helpers/admin.ts'
import { freePort } from '../../helpers/broker.ts'
import { runHere } from '../../helpers/cli.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { runCli } from '../../helpers/processes.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { covers, Program } from './support.ts'

async function start(t: TestContext, location: string, ...more: readonly string[]) {
  const port = await freePort()
  const listener = [`listener ${port} 127.0.0.1`, 'allow_anonymous true', 'notary_admin anonymous']
  return { port, program: await Program.start(t, [`persistence_location ${location}`, ...listener, ...more]) }
}

test('notary_backup: a copy made while clients publish starts, verifies, and has sessions and what was acknowledged', async (t) => {
  covers('notary_backup')
  const [location, backups] = [temporaryDirectory(t), temporaryDirectory(t)]
  const { port, program } = await start(t, location, `notary_backup ${backups}`)
  const durable = { clientId: 'away', clean: false, properties: { sessionExpiryInterval: 600 } }
  const away = await TestClient.connect(t, port, durable)
  await away.subscribe('plant/#', 1)
  await away.end()
  const client = await TestClient.connect(t, port)
  for (let i = 0; i < 20; i++) await client.publish('plant/1', `${i}`, { qos: 1 })
  let isCopied = false
  const publishing = (async () => {
    while (!isCopied) await client.publish('plant/1', 'meanwhile', { qos: 1 })
  })()
  const { code, stdout } = await runHere('audit', 'backup', 'first', '-p', `${port}`, '--json')
  isCopied = true
  await publishing
  const { name, records } = JSON.parse(stdout) as { name: string; records: number }
  assert.deepEqual([code, name, readdirSync(backups)], [0, 'first', ['first']])
  assert.ok(records > 20)
  assert.equal(await program.stop(), 0)
  const copy = join(backups, 'first')
  const verified = await runHere('audit', 'verify', '--db', copy)
  assert.deepEqual([verified.code, verified.stderr], [0, ''], verified.stdout)
  const restored = await start(t, copy)
  const back = await TestClient.connect(t, restored.port, durable)
  const messages = await back.waitFor(20, ({ topic }) => topic === 'plant/1')
  assert.deepEqual(
    messages.slice(0, 20).map(({ payload }) => payload.toString()),
    Array.from({ length: 20 }, (_, i) => `${i}`),
  )
})

test('audit.backup takes the name of one new directory, and needs notary_backup', async (t) => {
  const backups = temporaryDirectory(t)
  const { port } = await start(t, temporaryDirectory(t), `notary_backup ${backups}`)
  const admin = await TestAdmin.connect(t, port)
  for (const name of [
    '',
    '.',
    '..',
    '.hidden',
    'a/b',
    '../a',
    '/a',
    '-a',
    'a b',
    'a\0',
    'ä',
    'x'.repeat(65),
    7,
    null,
  ]) {
    await admin.refuses('audit.backup', { name }, 'invalid-params')
  }
  await admin.refuses('audit.backup', {}, 'invalid-params')
  await admin.refuses('audit.backup', { name: 'a', directory: '/' }, 'invalid-params')
  assert.deepEqual(readdirSync(backups), [])
  await admin.request('audit.backup', { name: 'a' })
  await admin.refuses('audit.backup', { name: 'a' }, 'invalid-params')
  const without = await start(t, temporaryDirectory(t))
  await (await TestAdmin.connect(t, without.port)).refuses('audit.backup', { name: 'a' }, 'method-not-found')
})

test('where the disk of the copies has no room to spare, the requester is told, and nothing is left of the copy', async (t) => {
  const backups = temporaryDirectory(t)
  const kilobytes = `${Number.MAX_SAFE_INTEGER}`
  const { port } = await start(t, temporaryDirectory(t), `notary_backup ${backups}`, `notary_min_free ${kilobytes}`)
  await (await TestAdmin.connect(t, port)).refuses('audit.backup', { name: 'a' }, 'no-room')
  assert.deepEqual(readdirSync(backups), [])
})

test('audit backup --db copies the data of a stopped broker', async (t) => {
  const [location, parent] = [temporaryDirectory(t), temporaryDirectory(t)]
  const { port, program } = await start(t, location)
  await (await TestClient.connect(t, port)).publish('a', 'b', { qos: 1 })
  await program.stop()
  const copy = join(parent, 'copy')
  const made = await runCli(t, ['audit', 'backup', copy, '--db', location, '--json'])
  assert.deepEqual([made.code, made.stderr], [0, ''])
  assert.equal((await runHere('audit', 'verify', '--db', copy)).code, 0)
  assert.notEqual((await runHere('audit', 'backup', copy, '--db', location)).code, 0, 'it is there already')
})
