import assert from 'node:assert/strict'
import { test } from 'node:test'
import { auditErase } from '../../clients/cli/audit-erase.ts'
import type { Output } from '../../clients/cli/command.ts'
import { TestAdmin } from '../helpers/admin.ts'
import { startBroker } from '../helpers/broker.ts'
import { runHere } from '../helpers/cli.ts'
import { TestClient } from '../helpers/mqtt-clients.ts'

/** Runs the command against a broker. @returns exit code and what it printed */
async function erase(port: number, ...args: readonly string[]): Promise<readonly [number, string]> {
  const lines: string[] = []
  const output: Output = { out: (line) => lines.push(line), error: (line) => lines.push(line) }
  const code = await auditErase(['-p', `${port}`, ...args], output)
  return [code, lines.join('\n')]
}

test('audit erase takes records out of a running broker, but for those that are retained, and says what it did', async (t) => {
  const { port } = await startBroker(t)
  const admin = await TestAdmin.connect(t, port)
  const client = await TestClient.connect(t, port, { clientId: 'meter' })
  await client.publish('m/1', 'one')
  await client.publish('m/2', 'two', { qos: 1, retain: true })
  const [first, second] = (await admin.publishes()).map(({ index }) => index)
  assert.ok(first !== undefined && second !== undefined)
  const wanted = ['--what', 'records', '--client', 'meter', '--reason', 'asked']
  const [dry, said] = await erase(port, ...wanted, '--dry-run')
  assert.equal(dry, 0)
  assert.match(said, new RegExp(`^would erase 1 records, \\d+ bytes\\nindexes ${first}\\n1 more stay`))
  assert.equal((await admin.publishes()).length, 2)
  assert.match((await erase(port, ...wanted))[1], new RegExp(`announced by record ${second + 1}\\n`))
  const erased = await admin.request('audit.record', { index: first })
  assert.deepEqual(Object.keys(erased).sort(), ['erased', 'erasedBy', 'index', 'time'])
  assert.deepEqual(erased.erasedBy, { index: second + 1, reason: 'asked' })
  const printed = await runHere('audit', 'query', '-p', `${port}`, '--from', `${first}`, '--limit', '1')
  assert.match(printed.stdout, /^\d+ {2}\S+ {2}erased$/m)
  const announcement = await admin.request('audit.record', { index: second + 1 })
  assert.deepEqual([announcement.kind, announcement.what, announcement.reason], ['erasure', 'records', 'asked'])
  assert.deepEqual(announcement.ranges, [[first, first]])
  // Replaced, it may go.
  await client.publish('m/2', '', { qos: 1, retain: true })
  const json = JSON.parse((await erase(port, ...wanted, '--json'))[1]) as { records: number; pinned: number }
  assert.deepEqual([json.records, json.pinned], [2, 0])
  assert.equal((await admin.request('audit.verify', {})).ok, true)
})

test('audit.erase refuses what says nothing of what is meant, of why, or of which records', async (t) => {
  const { port } = await startBroker(t)
  const admin = await TestAdmin.connect(t, port)
  const whole = { what: 'bodies', reason: 'asked', topic: 'a' }
  const wrong: readonly object[] = [
    { ...whole, what: 'leaves' },
    { ...whole, reason: undefined },
    { ...whole, reason: '' },
    { ...whole, reason: 'x'.repeat(1025) },
    { ...whole, topic: 'a/#/b' },
    { ...whole, topic: undefined },
    { ...whole, dryRun: 1 },
    { ...whole, all: true },
  ]
  for (const params of wrong) await admin.refuses('audit.erase', params, 'invalid-params')
  assert.deepEqual(
    (await admin.request('audit.erase', { what: 'bodies', reason: 'asked', topic: 'a' })).announcedAt,
    [],
  )
})

test('of a payload that is gone audit record says by which erasure', async (t) => {
  const { port } = await startBroker(t)
  const admin = await TestAdmin.connect(t, port)
  const client = await TestClient.connect(t, port, { clientId: 'meter' })
  await client.publish('m/1', 'one')
  const [first] = (await admin.publishes()).map(({ index }) => index)
  assert.ok(first !== undefined)
  assert.equal((await admin.request('audit.record', { index: first })).erasedBy, undefined)
  await erase(port, '--what', 'bodies', '--topic', 'm/1', '--reason', 'too old')
  const { erased, erasedBy } = await admin.request('audit.record', { index: first })
  assert.deepEqual([erased, erasedBy], ['body', { index: first + 1, reason: 'too old' }])
  const printed = await runHere('audit', 'query', '-p', `${port}`, '--from', `${first}`, '--limit', '1')
  assert.match(printed.stdout, / {2}m\/1 {2}3 bytes, erased, {2}from meter$/m)
})
