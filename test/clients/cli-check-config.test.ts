import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { checkConfig } from '../../broker/commands/check-config.ts'
import { runCommandHere } from '../helpers/cli.ts'
import { runCli } from '../helpers/processes.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'
import { sampleConfigurations } from './sample-configurations.ts'

interface Result {
  readonly ok: boolean
  readonly exitCode: number
  readonly lines: readonly {
    readonly file?: string
    readonly line?: number
    readonly directive?: string
    readonly verdict: string
    readonly reason?: string
    readonly code?: string
    readonly warnings?: readonly string[]
  }[]
}

const check = (...args: readonly string[]) => runCommandHere(checkConfig, args)

async function checkJson(path: string): Promise<Result & { code: number }> {
  const { code, stdout } = await check('-c', path, '--json')
  return { ...(JSON.parse(stdout) as Result), code }
}

function write(t: TestContext, text: string): string {
  const path = join(temporaryDirectory(t), 'mosquitto.conf')
  writeFileSync(path, text)
  return path
}

test('every line gets its verdict, all mistakes are found, and the exit code is the broker’s', async (t) => {
  const path = write(
    t,
    'listener 1883\n# comment\nautosave_interval 1800\nmount_point a/\nfoo\nallow_anonymous yes\nmax_queued_messages 5\nmax_queued_messages 6\n',
  )
  const { code, stdout } = await check('-c', path)
  assert.equal(code, 3)
  assert.deepEqual(stdout.split('\n').slice(0, -1), [
    `${path}:1  honoured  listener`,
    `${path}:3  ignored   autosave_interval: writes are durable before they are acknowledged`,
    `${path}:4  refused   mount_point: "mount_point" is known but refused: clients would see other topics than were asked for; remove it, and give clients the full topics.`,
    `${path}:5  refused   foo: Unknown configuration variable "foo".`,
    `${path}:6  refused   allow_anonymous: Invalid allow_anonymous value (yes).`,
    `${path}:7  honoured  max_queued_messages`,
    `${path}:8  honoured  max_queued_messages`,
    `${path}:8  warning   "max_queued_messages" stands here again; the last one counts.`,
    'The broker would not start: 3 mistakes, exit code 3.',
  ])
  const json = await checkJson(path)
  assert.deepEqual([json.ok, json.exitCode, json.code], [false, 3, 3])
  assert.deepEqual(
    json.lines.map(({ line, verdict, code: error }) => [line, verdict, error]),
    [
      [1, 'honoured', undefined],
      [3, 'ignored', undefined],
      [4, 'refused', 'ERR_CONFIG_DIRECTIVE_UNSUPPORTED'],
      [5, 'refused', 'ERR_CONFIG_DIRECTIVE_UNKNOWN'],
      [6, 'refused', 'ERR_CONFIG_VALUE_INVALID'],
      [7, 'honoured', undefined],
      [8, 'honoured', undefined],
    ],
  )
})

test('files that are missing have Mosquitto’s exit codes, and a wrong line counts more', async (t) => {
  const missing = join(temporaryDirectory(t), 'missing')
  for (const [text, code] of [
    [`listener 1883\npassword_file ${missing}`, 13],
    [`listener 1883\nacl_file ${missing}`, 13],
    [`listener 8883\ncertfile ${missing}\nkeyfile ${missing}`, 1],
    [`listener 1883\npassword_file ${missing}\nfoo`, 3],
    [`include_dir ${missing}`, 3],
  ] as const) {
    assert.equal((await check('-c', write(t, text))).code, code, text)
  }
  assert.deepEqual(await check('-c', missing), {
    code: 3,
    stdout: `${missing}  refused: Unable to open config file ${missing}.\nThe broker would not start: 1 mistake, exit code 3.\n`,
    stderr: '',
  })
})

const protecting = [
  'listener 1883',
  'notary_protect # tls',
  'notary_protect plant/# signed fresh 30 keys plc-*',
  'notary_protect plant/open/# none',
  'notary_protect plant/open/seal encrypted mac',
  '',
].join('\n')

test('--topic says what holds for a topic, and which lines say so', async (t) => {
  const path = write(t, protecting)
  const explain = async (topic: string) => (await check('-c', path, '--topic', topic)).stdout.split('\n').slice(0, -1)
  assert.deepEqual(await explain('plant/7'), [
    'Publishes to plant/7 must be signed by an enrolled key, by a key named plc-*, at most 30 s old, over TLS.',
    'Subscribers get them over TLS only.',
    `${path}:2  applies  notary_protect # tls`,
    `${path}:3  applies  notary_protect plant/# signed fresh 30 keys plc-*`,
  ])
  assert.deepEqual(await explain('plant/open/seal'), [
    'Publishes to plant/open/seal must be signed by an enrolled key, inside a hop MAC, encrypted.',
    `${path}:2  removed  notary_protect # tls: by ${path}:4`,
    `${path}:3  removed  notary_protect plant/# signed fresh 30 keys plc-*: by ${path}:4`,
    `${path}:4  applies  notary_protect plant/open/# none`,
    `${path}:5  applies  notary_protect plant/open/seal encrypted mac`,
  ])
  assert.deepEqual(await explain('$other'), ['Publishes to $other may be anything.'])
  assert.match(`${await explain('$notary/admin/request')}`, /belongs to the broker/)
})

test('--topic --json says the same as one object', async (t) => {
  const path = write(t, protecting)
  const { code, stdout } = await check('-c', path, '--topic', 'plant/open/x', '--json')
  const line = (number: number, value: string) => ({ file: path, line: number, directive: 'notary_protect', value })
  assert.equal(code, 0)
  assert.deepEqual(JSON.parse(stdout), {
    topic: 'plant/open/x',
    requires: { signed: false, mac: false, encrypted: false, tls: false, freshSeconds: null, keys: [] },
    provenance: false,
    unwrap: false,
    brokerTopic: false,
    lines: [
      { ...line(2, '# tls'), removedBy: { file: path, line: 4 } },
      { ...line(3, 'plant/# signed fresh 30 keys plc-*'), removedBy: { file: path, line: 4 } },
      { ...line(4, 'plant/open/# none'), removedBy: null },
    ],
  })
})

test('--topic needs a topic name, and a configuration that is right; files that it names are not looked at', async (t) => {
  for (const topic of ['', 'a/#', '+/a']) {
    const { code, stdout } = await check('-c', write(t, protecting), '--topic', topic)
    assert.deepEqual([code, stdout], [2, ''], topic)
  }
  const wrong = await check('-c', write(t, `${protecting}notary_protect plant/# none\n`), '--topic', 'plant')
  assert.equal(wrong.code, 3)
  assert.match(wrong.stdout, /:6 {2}refused {3}notary_protect: .* at [^ ]+:3 cover the same topics\.\n/)
  const missing = join(temporaryDirectory(t), 'missing')
  const { code } = await check('-c', write(t, `${protecting}password_file ${missing}\n`), '--topic', 'plant')
  assert.equal(code, 0)
})

test('a password stays out of what is printed', async (t) => {
  const text =
    'connection a\naddress b\ntopic # out\nremote_username u\nremote_password s3cret\npassword s3cret\nbridge_psk s3cret\n'
  const path = write(t, text)
  assert.doesNotMatch(`${(await check('-c', path)).stdout}${(await check('-c', path, '--json')).stdout}`, /s3cret/)
})

test('a usage error exits 2', async () => {
  for (const args of [[], ['-c'], ['x'], ['-c', 'a', 'b'], ['--frobnicate']]) {
    const { code, stdout, stderr } = await check(...args)
    assert.deepEqual({ code, stdout }, { code: 2, stdout: '' })
    assert.match(stderr, /^notarymq check-config: [^\n]+\nTry 'notarymq check-config --help'\.\n$/)
  }
})

test('broker --test-config says the first mistake and starts nothing', async (t) => {
  const good = await runCli(t, ['-c', write(t, 'listener 1883 127.0.0.1\nallow_anonymous true\n'), '--test-config'])
  assert.deepEqual(good, { code: 0, stdout: '', stderr: '' })
  const path = write(t, `listener 1883\npassword_file ${join(temporaryDirectory(t), 'missing')}\n`)
  const bad = await runCli(t, ['-c', path, '--test-config'])
  assert.equal(bad.code, 13)
  assert.ok(bad.stderr.endsWith(`\nError found at ${path}:2.\n`))
  const daemon = await runCli(t, ['-d', '-c', path])
  assert.deepEqual([daemon.code, daemon.stderr.startsWith('Error: -d is not supported')], [3, true])
})

for (const { name, text, files = [], directories = [], verdicts } of sampleConfigurations) {
  test(`${name}: ${Object.keys(verdicts).length} directives have the verdicts that operators expect`, async (t) => {
    const root = temporaryDirectory(t)
    for (const directory of directories) mkdirSync(join(root, directory), { recursive: true })
    for (const file of files) writeFileSync(join(root, file), '')
    const result = await checkJson(write(t, text.replaceAll('ROOT', root)))
    const found = Object.fromEntries(result.lines.map(({ directive, verdict }) => [`${directive}`, verdict]))
    assert.deepEqual(found, verdicts)
    const isGood = !Object.values(verdicts).includes('refused')
    assert.deepEqual([result.ok, result.code], [isGood, isGood ? 0 : 3])
  })
}
