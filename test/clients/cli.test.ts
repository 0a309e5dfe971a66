import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { commands } from '../../broker/commands/table.ts'
import {
  type AuditStatus,
  type AuditVerifyResult,
  type KeyJson,
  nobleCrypto,
  p256FromJwk,
  type RecordJson,
  thumbprintOfP256,
  toBase64url,
} from '../../protocol/index.ts'
import { cliArguments, startBroker } from '../helpers/broker.ts'
import { runHere } from '../helpers/cli.ts'
import { type ProcessOptions, runCli, TestProcess } from '../helpers/processes.ts'
import { sha256Base64url } from '../helpers/signing.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'
import { until } from '../helpers/test-sessions.ts'

const protect = [{ filter: 'plant/#', signed: true }] as const

/** Runs a command that must succeed without a word on standard error. @returns its standard output */
async function output(t: TestContext, args: readonly string[], options?: ProcessOptions): Promise<string> {
  const { code, stdout, stderr } = await runCli(t, args, options)
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' }, args.join(' '))
  return stdout
}

const json = async <T>(t: TestContext, args: readonly string[], options?: ProcessOptions) => {
  return JSON.parse(await output(t, [...args, '--json'], options)) as T
}

/** The same in this process. */
async function outputHere(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runHere(...args)
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' }, args.join(' '))
  return stdout
}

test('--help of the program and of every command explains it on standard output and exits 0', async (t) => {
  const names = [
    undefined,
    'broker',
    'check-config',
    'passwd',
    'certs',
    'keygen',
    'enroll',
    'revoke',
    'rotate',
    'keys',
    'pub',
    'audit',
    'witness',
    'lab',
  ]
  // One after the other: so many processes at once do not start in time on a machine that has more to do.
  const texts: string[] = []
  for (const name of names) texts.push(await output(t, name === undefined ? ['--help'] : [name, '--help']))
  for (const [i, name] of names.entries()) {
    const text = texts[i] ?? ''
    const usage = name === undefined || name === 'broker' ? '\\[broker\\]' : name
    assert.match(text, new RegExp(`^Usage: notarymq ${usage} `, 'm'))
    assert.ok(
      text.split('\n').every((line) => line.length <= 120),
      name,
    )
  }
  for (const name of names.slice(2)) assert.match(texts[0] ?? '', new RegExp(`^ {2}${name} `, 'm'))
})

test('every command is listed under its own name', async () => {
  for (const { name, load } of commands) assert.equal((await load()).name, name)
})

test('a key is made, enrolled, signs, is found in the chain and is revoked, by the command line alone', async (t) => {
  const { port } = await startBroker(t, { protect })
  const directory = temporaryDirectory(t)
  const file = join(directory, 'pump.pem')
  const at = ['-p', `${port}`, '-h', '127.0.0.1']
  const made = await json<{ kid: string; privateKey: string; publicKey: string; jwk: object }>(t, ['keygen', file])
  const { kid, publicKey } = made
  assert.deepEqual([made.privateKey, publicKey], [file, join(directory, 'pump.pub.pem')])
  assert.deepEqual(
    [file, publicKey].map((path) => statSync(path).mode & 0o777),
    [0o600, 0o644],
  )
  const jwk = createPublicKey(readFileSync(publicKey)).export({ format: 'jwk' })
  assert.deepEqual(made.jwk, jwk)
  assert.deepEqual(createPublicKey(readFileSync(file)).export({ format: 'jwk' }), jwk)
  assert.equal(kid, toBase64url(thumbprintOfP256(p256FromJwk(jwk, nobleCrypto), nobleCrypto)))

  assert.deepEqual(await json(t, ['enroll', file, '--name', 'pump', ...at]), { kid })
  const signed = ['pub', ...at, '-t', 'plant/1/temp', '--identity', file, '-i', 'pump-1', '-r']
  const sent = await json<Record<string, unknown>>(t, [...signed, '-f', '-'], { input: '21.5' })
  const { timeMs, ...rest } = sent
  assert.deepEqual(rest, { topic: 'plant/1/temp', qos: 1, retain: true, bytes: 4, seq: 1, kid })
  assert.ok(Number.isSafeInteger(timeMs))
  const refused = await runCli(t, ['pub', ...at, '-t', 'plant/1/temp', '-m', '21.5', '-q', '1'])
  assert.equal(refused.code, 1)
  assert.match(
    refused.stderr,
    /^notarymq pub: the broker refused plant\/1\/temp \(0x87 Not authorized\), not-signed: sign it with --identity\n$/,
  )

  const query = ['audit', 'query', ...at, '--kid', kid, '--payload']
  const { records } = await json<{ records: RecordJson[] }>(t, query)
  assert.deepEqual(
    records.map(({ kind, subject, seq, clientId, payload }) => [kind, subject, seq, clientId, payload]),
    [
      ['key', 'pump', undefined, records[0]?.clientId, undefined],
      ['publish', 'pump', 1, 'pump-1', toBase64url(Buffer.from('21.5'))],
    ],
  )
  const status = await json<AuditStatus>(t, ['audit', 'status', ...at])
  assert.deepEqual([status.treeSize, status.accepted, status.refused], [4, 1, { 'not-signed': 1 }])
  const result = { ok: true, checked: 4, signatures: 1, erased: { bodies: 0, records: 0 } }
  assert.deepEqual(await json<AuditVerifyResult>(t, ['audit', 'verify', ...at]), result)
  assert.deepEqual(await json(t, ['revoke', 'pump', '--reason', 'sold', ...at]), { kid })
  assert.equal((await runCli(t, [...signed, '-m', '21.5'])).code, 1)
  const { keys } = await json<{ keys: KeyJson[] }>(t, ['keys', ...at])
  assert.deepEqual(
    keys.map((key) => [key.kid, key.name, key.status, key.revokedAt]),
    [[kid, 'pump', 'revoked', 4]],
  )
})

test('without --json the same commands print lines for people', async (t) => {
  const { broker, port } = await startBroker(t, { protect })
  const file = join(temporaryDirectory(t), 'pump.pem')
  const publicFile = file.replace('.pem', '.pub.pem')
  const at = ['-p', `${port}`, '-h', '127.0.0.1']
  assert.equal(await outputHere('keys', ...at), 'no keys\n')
  const printed = await outputHere('keygen', file)
  const kid = /^kid +(\S{43})$/m.exec(printed)?.[1] ?? ''
  assert.equal(printed, `private key  ${file}\npublic key   ${publicFile}\nkid          ${kid}\n`)
  // Either half will do, and twice is once.
  for (const half of [file, publicFile]) {
    assert.equal(await outputHere('enroll', half, '--name', 'pump', ...at), `enrolled ${kid}\n`)
  }
  assert.equal(await outputHere('keys', ...at), `${kid}  pump  enrolled at 2\n`)
  const signed = ['pub', ...at, '-t', 'plant/1/temp', '--identity', file, '-i', 'pump-1']
  const versions = [
    ['mqttv31', 0],
    ['mqttv311', 1],
    ['mqttv5', 2],
    ['5', 2],
  ] as const
  // Nothing tells a publisher with QoS 0 that it is in the chain.
  const recorded = (count: number) => until(() => broker.chain.nextIndex === count)
  for (const [i, [version, qos]] of versions.entries()) {
    assert.equal(await outputHere(...signed, '-V', version, '-q', `${qos}`, '-m', version), '')
    await recorded(4 + i)
  }
  // As with mosquitto_pub a value may begin with a dash.
  await outputHere('pub', ...at, '-t', 'free', '-m', '-5', '-i', 'somebody')
  await recorded(8)
  const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`
  const lines = (await outputHere('audit', 'query', ...at)).split('\n')
  for (const [i, wanted] of [
    'genesis',
    'config start',
    'key enroll  by pump',
    ...versions.map(([payload], seq) => {
      return `signed  plant/1/temp  ${payload.length} bytes  from pump-1  by pump #${seq + 1}`
    }),
    'unsigned  free  2 bytes  from somebody',
  ].entries()) {
    assert.match(lines[i] ?? '', new RegExp(`^${i}  ${time}  ${wanted}$`))
  }
  const range = ['--from', '3', '--to', '5', '--topic', 'plant/#', '--limit', '1', '--client', 'pump-1', '--kid', kid]
  assert.equal(await outputHere('audit', 'query', ...at, ...range), `${lines[3]}\n`)
  const { records } = JSON.parse(await outputHere('audit', 'query', ...at, '--json')) as { records: RecordJson[] }
  assert.deepEqual(
    records.slice(3).map(({ qos, payloadSha256 }) => [qos, payloadSha256]),
    [...versions, ['-5', 0] as const].map(([payload, qos]) => [qos, sha256Base64url(payload)]),
  )
  const text = await outputHere('audit', 'status', ...at)
  assert.match(text, /^records +8 in \d blocks$/m)
  assert.match(text, /^refused +0$/m)
  assert.match(text, /^store +[1-9]\d* bytes, [1-9]\d* a record, growth unknown yet$/m)
  assert.match(text, /^disk +[1-9]\d* bytes free$/m)
  assert.equal(await outputHere('audit', 'verify', ...at), 'ok: 8 records verified, 4 publisher signatures\n')
  assert.equal(await outputHere('revoke', kid.slice(0, 12), ...at), `revoked ${kid}\n`)
  assert.equal(await outputHere('keys', ...at), `${kid}  pump  revoked at 8\n`)
})

test('keygen overwrites neither half of a pair, and leaves nothing where it failed', async (t) => {
  const file = join(temporaryDirectory(t), 'device.pem')
  const publicFile = file.replace('.pem', '.pub.pem')
  await outputHere('keygen', file)
  const before = [file, publicFile].map((path) => readFileSync(path, 'utf8'))
  const stderr = `notarymq keygen: ${file} exists already\n`
  assert.deepEqual(await runHere('keygen', file), { code: 2, stdout: '', stderr })
  assert.deepEqual(
    [file, publicFile].map((path) => readFileSync(path, 'utf8')),
    before,
  )

  const half = join(temporaryDirectory(t), 'half')
  writeFileSync(`${half}.pub.pem`, 'mine')
  assert.equal((await runHere('keygen', half)).stderr, `notarymq keygen: ${half}.pub.pem exists already\n`)
  assert.throws(() => statSync(half), { code: 'ENOENT' })
  assert.equal(readFileSync(`${half}.pub.pem`, 'utf8'), 'mine')
})

test('output that nobody reads any more, as with head, ends a command without a stack trace', async (t) => {
  const { port } = await startBroker(t)
  const args = ['audit', 'query', '-h', '127.0.0.1', '-p', `${port}`]
  const query = new TestProcess(t, process.execPath, [...cliArguments, ...args])
  query.child.stdout?.destroy()
  const { code, stderr } = await query.ended
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
})
