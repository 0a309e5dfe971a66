import assert from 'node:assert/strict'
import { test } from 'node:test'
import { p256ToJwk, type RecordJson } from '../../protocol/index.ts'
import { TestAdmin } from '../helpers/admin.ts'
import { cliArguments, startBroker } from '../helpers/broker.ts'
import { runHere } from '../helpers/cli.ts'
import { keyMeriadoc, publicOf } from '../helpers/keys.ts'
import { TestClient } from '../helpers/mqtt-clients.ts'
import { runCli, TestProcess } from '../helpers/processes.ts'

const indexesOf = (stdout: string) =>
  stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => Number.parseInt(line, 10))

test('audit query takes times, an outcome and an order, and refuses what is none with exit code 2', async (t) => {
  const { port } = await startBroker(t)
  const client = await TestClient.connect(t, port, { clientId: 'pump' })
  for (let i = 1; i <= 5; i++) await client.publish('plant', `${i}`)
  const at = ['-p', `${port}`, '-h', '127.0.0.1']
  const { stdout: all } = await runHere('audit', 'query', ...at, '--outcome', 'unsigned', '--newest-first')
  assert.deepEqual(indexesOf(all), [5, 4, 3, 2, 1])
  const { records } = JSON.parse((await runHere('audit', 'query', ...at, '--json')).stdout) as { records: RecordJson[] }
  const [third] = records.filter(({ index }) => index === 3)
  const range = ['--from-time', `${third?.time}`, '--to-time', `${records.at(-1)?.time}`]
  const expected = records.filter(({ time }) => time >= `${third?.time}`).map(({ index }) => index)
  assert.deepEqual(indexesOf((await runHere('audit', 'query', ...at, ...range)).stdout), expected)
  assert.equal((await runHere('audit', 'query', ...at, '--outcome', 'will')).stdout, '')
  for (const wrong of [
    ['--from-time', 'yesterday'],
    ['--to-time', '2026-02-30T00:00:00Z'],
    ['--outcome', 'good'],
    ['--kind', 'rumour'],
  ]) {
    assert.equal((await runHere('audit', 'query', ...at, ...wrong)).code, 2, wrong.join(' '))
  }
})

test('audit query --kind tells keys, erasures and the genesis from publishes, also together with other filters', async (t) => {
  const { port } = await startBroker(t)
  const admin = await TestAdmin.connect(t, port)
  await admin.client.publish('plant', 'warm')
  const { kid } = await admin.request('keys.enroll', { key: p256ToJwk(publicOf(keyMeriadoc)), name: 'meter' })
  await admin.request('keys.revoke', { kid })
  await admin.request('audit.erase', { what: 'bodies', reason: 'test', topic: 'plant' })
  const at = ['-p', `${port}`, '-h', '127.0.0.1']
  const found = async (...flags: readonly string[]) =>
    indexesOf((await runHere('audit', 'query', ...at, ...flags)).stdout)
  assert.deepEqual(await found('--kind', 'genesis'), [0])
  assert.deepEqual(await found('--kind', 'publish'), [1])
  assert.deepEqual(await found('--kind', 'key', '--newest-first'), [3, 2])
  assert.deepEqual(await found('--kind', 'key', '--kid', kid, '--to', '2'), [2])
  assert.deepEqual(await found('--kind', 'erasure'), [4])
  assert.deepEqual(await found('--kind', 'erasure', '--topic', 'plant'), [])
  assert.deepEqual(indexesOf((await runHere('audit', 'tail', ...at, '--kind', 'key')).stdout), [2, 3])
})

test('audit record shows everything of one record, and no invisible character that a publisher sent', async (t) => {
  const { port } = await startBroker(t)
  const client = await TestClient.connect(t, port, { clientId: 'pump\u200b' })
  await client.publish('plant/\u202etxt', 'warm')
  await client.publish('plant', '\u001b[2J')
  const at = ['-p', `${port}`, '-h', '127.0.0.1']
  const { stdout } = await runHere('audit', 'record', '1', ...at)
  assert.doesNotMatch(stdout, /[\u200b\u202e]/)
  const lines = new Map(stdout.split('\n').map((line) => [line.split(' ', 1)[0], line.slice(line.indexOf(' ')).trim()]))
  assert.deepEqual(
    ['index', 'kind', 'topic', 'clientId', 'payload', 'outcome'].map((name) => lines.get(name)),
    ['1', 'publish', 'plant/\\u{202e}txt', 'pump\\u{200b}', 'warm', 'unsigned'],
  )
  assert.match(lines.get('salt') ?? '', /^[0-9a-f]{32}$/)
  assert.match((await runHere('audit', 'record', '2', ...at)).stdout, /^payload +1b5b324a \(hexadecimal\)$/m)
  const record = JSON.parse((await runHere('audit', 'record', '1', '--json', ...at)).stdout) as RecordJson
  assert.deepEqual([record.index, record.topic, record.payload], [1, 'plant/\u202etxt', 'd2FybQ'])
  assert.doesNotMatch((await runHere('audit', 'query', ...at)).stdout, /[\u200b\u202e]/)
  assert.equal((await runHere('audit', 'record', '9', ...at)).code, 1)
  for (const wrong of [[], ['x'], ['1', '2']]) {
    assert.equal((await runHere('audit', 'record', ...wrong, ...at)).code, 2)
  }
})

test('audit tail shows the newest records, oldest of them first', async (t) => {
  const { port } = await startBroker(t)
  const client = await TestClient.connect(t, port)
  for (let i = 1; i <= 5; i++) await client.publish(i % 2 === 0 ? 'even' : 'odd', `${i}`)
  const at = ['-p', `${port}`, '-h', '127.0.0.1']
  assert.deepEqual(indexesOf((await runHere('audit', 'tail', '-n', '3', ...at)).stdout), [3, 4, 5])
  assert.deepEqual(indexesOf((await runHere('audit', 'tail', '-n', '2', '--topic', 'odd', ...at)).stdout), [3, 5])
  assert.deepEqual(indexesOf((await runHere('audit', 'tail', ...at)).stdout), [0, 1, 2, 3, 4, 5])
})

test('audit tail --follow goes on with every record that comes, once, and ends with SIGINT and exit code 0', async (t) => {
  const { port } = await startBroker(t)
  const client = await TestClient.connect(t, port)
  await client.publish('n', 'before')
  const args = ['audit', 'tail', '-n', '1', '--follow', '--json', '-p', `${port}`, '-h', '127.0.0.1']
  const tail = new TestProcess(t, process.execPath, [...cliArguments, ...args])
  await tail.line(/"index":1,/)
  for (let i = 2; i <= 4; i++) await client.publish('n', `${i}`)
  await tail.line(/"index":4,/)
  await client.publish('n', 'last')
  await tail.line(/"index":5,/)
  tail.child.kill('SIGINT')
  const { code, stdout, stderr } = await tail.ended
  assert.deepEqual([code, stderr], [0, ''])
  const records = stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as RecordJson).index)
  assert.deepEqual(records, [1, 2, 3, 4, 5])
})

test('audit tail --follow ends with exit code 2 when the broker does', async (t) => {
  const { broker, port } = await startBroker(t)
  const args = ['audit', 'tail', '--follow', '--json', '-p', `${port}`, '-h', '127.0.0.1']
  const tail = new TestProcess(t, process.execPath, [...cliArguments, ...args])
  await tail.line(/"index":0,/)
  await broker.close()
  const { code, stderr } = await tail.ended
  assert.deepEqual([code, stderr.split('\n').length], [2, 2], stderr)
})

test('audit reindex builds the index of a stopped broker anew, and refuses to without one', async (t) => {
  const { broker, location } = await startBroker(t)
  await broker.close()
  const { code, stdout, stderr } = await runCli(t, ['audit', 'reindex', '--db', location])
  assert.deepEqual(
    { code, stdout, stderr },
    { code: 0, stdout: '0 segments indexed, 1 records in the chain\n', stderr: '' },
  )
  assert.equal((await runCli(t, ['audit', 'reindex'])).code, 2)
})
