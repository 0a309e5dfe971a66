import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Level } from 'level'
import type { AuditVerifyResult } from '../../protocol/index.ts'
import { TestAdmin } from '../helpers/admin.ts'
import { cliArguments, freePort, spawnBroker } from '../helpers/broker.ts'
import { configurationText } from '../helpers/configuration.ts'
import { TestClient } from '../helpers/mqtt-clients.ts'
import { type Ended, runCli, TestProcess } from '../helpers/processes.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

function writeConfig(t: TestContext, lines: readonly string[]): string {
  const file = join(temporaryDirectory(t), 'broker.conf')
  writeFileSync(file, configurationText(lines))
  return file
}

/** A broker that must not start. */
const startRefused = async (t: TestContext, args: readonly string[], cwd?: string): Promise<Ended> => {
  const ended = await runCli(t, args, cwd === undefined ? {} : { cwd })
  assert.doesNotMatch(ended.stderr, /^ +at /m, 'no stack trace')
  return ended
}

test('a wrong configuration exits 3 and names file and line, as Mosquitto does', async (t) => {
  const location = join(temporaryDirectory(t), 'data')
  const wrong = [
    [['# comment', 'listener 1883', 'frobnicate true'], 'Unknown configuration variable "frobnicate".', 3],
    [['allow_anonymous maybe'], 'Invalid allow_anonymous value (maybe).', 1],
    [['listener 1883', '', 'notary_admin anonymous'], undefined, 3],
  ] as const
  const runs = wrong.map(async ([lines, reason, lineNumber]) => {
    const file = writeConfig(t, [...lines, `persistence_location ${location}`])
    const { code, stdout, stderr } = await startRefused(t, ['-c', file])
    assert.deepEqual({ code, stdout }, { code: 3, stdout: '' })
    const [first, second, ...more] = stderr.split('\n')
    if (reason !== undefined) assert.equal(first, `Error: ${reason}`)
    assert.deepEqual([second, ...more], [`Error found at ${file}:${lineNumber}.`, ''])
  })
  await Promise.all(runs)
  const missing = join(temporaryDirectory(t), 'missing.conf')
  for (const [args, stderr] of [
    [['-c', missing], `Error: Unable to open config file ${missing}.\n`],
    [['-p', '0'], 'Error: Invalid port given (0).\n'],
  ] as const) {
    assert.deepEqual(await startRefused(t, args), { code: 3, stdout: '', stderr })
  }
  const unknown = await startRefused(t, ['broker', '--frobnicate'])
  assert.equal(unknown.code, 3)
  assert.match(unknown.stderr, /Unknown option '--frobnicate'/)
  assert.throws(() => statSync(location), { code: 'ENOENT' })
})

test('a port that somebody has exits 1 and says which', async (t) => {
  const server = createServer()
  t.after(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const location = temporaryDirectory(t)
  const file = writeConfig(t, [`listener ${port} 127.0.0.1`, `persistence_location ${location}`])
  const { code, stderr } = await startRefused(t, ['-c', file])
  assert.equal(code, 1)
  assert.match(
    stderr,
    new RegExp(`ERR_LISTEN_FAILED: cannot listen on 127\\.0\\.0\\.1 port ${port}: Address already in use`),
  )
  assert.doesNotMatch(stderr, / running$/m)
})

test('a second process on the same data directory is refused with exit 1 while the first goes on', async (t) => {
  const first = await spawnBroker(t)
  const file = writeConfig(t, [`listener ${await freePort()} 127.0.0.1`, `persistence_location ${first.location}`])
  const [second, verification] = await Promise.all([
    startRefused(t, ['-c', file]),
    runCli(t, ['audit', 'verify', '--db', first.location]),
  ])
  const said = `another process has ${join(first.location, 'store')} open`
  assert.equal(second.code, 1)
  assert.match(second.stderr, new RegExp(`Error: ERR_STORE_LOCKED: ${said}`))
  assert.deepEqual(verification, { code: 2, stdout: '', stderr: `notarymq audit: ${said}\n` })
  const client = await TestClient.connect(t, first.port)
  assert.equal(await client.publish('still/here', 'x'), 0)
  assert.equal(await first.stop('SIGTERM'), 0)
})

test('SIGTERM and SIGINT end it with 0 and a store that verifies; SIGHUP, SIGUSR1 and SIGUSR2 do not end it', async (t) => {
  const location = temporaryDirectory(t)
  for (const [i, signal] of (['SIGTERM', 'SIGINT'] as const).entries()) {
    const { port, child, stop, log } = await spawnBroker(t, { location })
    for (const harmless of ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) child.kill(harmless)
    const client = await TestClient.connect(t, port)
    assert.equal(await client.publish('a', 'x', { qos: 1, retain: true }), 0)
    assert.equal(await stop(signal), 0)
    assert.match(log(), /Reloading config/)
    assert.match(log(), /0 subscriptions:/)
    assert.match(log(), /nothing to save/)
    assert.match(log(), / terminating$/m)
    for (const path of [location, join(location, 'store')]) {
      const { code, stdout, stderr } = await runCli(t, ['audit', 'verify', '--db', path, '--json'])
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
      assert.deepEqual(JSON.parse(stdout) as AuditVerifyResult, {
        ok: true,
        checked: 2 + i,
        signatures: 0,
        erased: { bodies: 0, records: 0 },
      })
    }
  }
})

test('a store of an unknown format, or of another program, is refused and left as it is', async (t) => {
  const location = temporaryDirectory(t)
  const file = writeConfig(t, [`listener ${await freePort()} 127.0.0.1`, `persistence_location ${location}`])
  const store = new Level<string, string>(join(location, 'store'))
  for (const [key, said] of [
    ['other', /ERR_STORE_FORMAT_UNKNOWN: .*store is not a NotaryMQ store/],
    ['!meta!format', /ERR_STORE_FORMAT_UNKNOWN: .*store has format 999, this version knows 2/],
  ] as const) {
    await store.open()
    await store.put(key, '999')
    const before = await store.iterator().all()
    await store.close()
    const { code, stderr } = await startRefused(t, ['-c', file])
    assert.equal(code, 1)
    assert.match(stderr, said)
    await store.open()
    assert.deepEqual(await store.iterator().all(), before)
    await store.close()
  }
})

test('audit verify --db exits 1 for a chain with one changed byte, and 2 where there is no chain', async (t) => {
  const { port, location, stop } = await spawnBroker(t)
  const client = await TestClient.connect(t, port)
  for (const text of ['one', 'two', 'three']) await client.publish('a', text)
  assert.equal(await stop(), 0)
  const store = new Level<Buffer, Buffer>(join(location, 'store'), { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  const blocks = store.sublevel<Buffer, Buffer>('chain', { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  const [key, value] = (await blocks.iterator().all())[2] as [Buffer, Buffer]
  const at = value.lastIndexOf('two')
  await blocks.put(key, Buffer.concat([value.subarray(0, at), Buffer.from('TWO'), value.subarray(at + 3)]))
  await store.close()
  const empty = temporaryDirectory(t)
  // One after the other: a store is one process's at a time.
  const bad = await runCli(t, ['audit', 'verify', '--db', location])
  const badJson = await runCli(t, ['audit', 'verify', `--db=${location}`, '--json'])
  const none = await runCli(t, ['audit', 'verify', '--db', empty])
  const result = JSON.parse(badJson.stdout) as AuditVerifyResult
  assert.deepEqual([bad.code, badJson.code, result.ok, result.checked], [1, 1, false, 2])
  assert.deepEqual([result.firstBad?.block, result.firstBad?.index], [2, 2])
  assert.match(bad.stdout, new RegExp(`^BAD: block 2, index 2: ${result.firstBad?.cause} `))
  assert.equal(none.code, 2)
  assert.equal(none.stderr, `notarymq audit: there is no store at ${join(empty, 'store')}\n`)
  assert.deepEqual(readdirSync(empty), [], 'nothing was made')
})

test('without -c it serves this machine only, keeps its data in ./notarymq-data and warns of anonymous administrators', async (t) => {
  const directory = temporaryDirectory(t)
  const port = await freePort()
  // Its log is closed on it at once: a broker does not end because nobody reads what it writes.
  const broker = new TestProcess(t, process.execPath, [...cliArguments, '-p', `${port}`], { cwd: directory })
  let log = ''
  broker.child.stderr?.on('data', (text: string) => {
    log += text
    if (/ running$/m.test(log)) broker.child.stderr?.destroy()
  })
  await once(broker.child.stderr as NodeJS.ReadableStream, 'close')
  assert.match(log, /local only mode/)
  assert.match(log, /Warning: anonymous clients of loopback TCP listeners are administrators/)
  const admin = await TestAdmin.connect(t, port)
  assert.equal((await admin.request('audit.status', {})).treeSize, 1)
  const data = join(directory, 'notarymq-data')
  assert.equal(statSync(data).mode & 0o777, 0o700)
  assert.deepEqual(readdirSync(join(data, 'keys')).sort(), ['broker.pem', 'broker.pub.pem', 'log.pem', 'log.vkey'])
  for (const name of ['broker.pem', 'log.pem']) assert.equal(statSync(join(data, 'keys', name)).mode & 0o777, 0o600)
  broker.child.kill('SIGTERM')
  assert.equal((await broker.ended).code, 0)
})
