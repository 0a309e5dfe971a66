import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { LogSettings } from '../../broker/log/log-options.ts'
import { createLogger } from '../../broker/logger.ts'
import { programArguments } from '../helpers/program.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'
import type { Line } from './logger-process.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What a logger with these settings writes to stderr and stdout, in a process of its own that then ends at once. */
function write(settings: Partial<LogSettings>, ...lines: readonly Line[]) {
  const complete: LogSettings = { destinations: [{ kind: 'stderr' }], types: ['all'], timestamps: true, ...settings }
  const args = [...programArguments('test/broker/logger-process.ts'), JSON.stringify(complete), JSON.stringify(lines)]
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return { stdout, stderr }
}

const withoutTimes = (text: string) => text.replace(/\d{10}: /g, '')
const everyType: readonly Line[] = [
  ['error', 'e'],
  ['warning', 'w'],
  ['notice', 'n'],
  ['information', 'i'],
  ['debug', 'd'],
  ['subscribe', 's'],
  ['unsubscribe', 'u'],
]

test('a line is the epoch second, a colon and the message, as Mosquitto prints it', () => {
  const { stderr } = write({ types: ['notice'] }, ['notice', 'New connection.'])
  assert.match(stderr, /^\d{10}: New connection\.\n$/)
})

test('without log_timestamp a line is its message, with log_timestamp_format that precedes it', () => {
  assert.equal(write({ timestamps: false }, ['notice', 'n']).stderr, 'n\n')
  const formatted = write({ timestampFormat: '%Y-%m-%dT%H:%M:%S%z' }, ['notice', 'n']).stderr
  assert.match(formatted, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}: n\n$/)
})

for (const [type, line] of Object.entries({
  error: 'e',
  warning: 'w',
  notice: 'n',
  information: 'i',
  debug: 'd',
  subscribe: 's',
  unsubscribe: 'u',
} as const)) {
  test(`log_type ${type} writes its own lines and no others`, () => {
    const { stderr } = write({ types: [type as 'error'], timestamps: false }, ...everyType)
    assert.equal(stderr, `${line}\n`)
  })
}

test('log_type none writes nothing, all writes everything, internal and websockets nothing of ours', () => {
  assert.equal(write({ types: ['none', 'error'] }, ...everyType).stderr, '')
  assert.equal(withoutTimes(write({ types: ['all'] }, ...everyType).stderr), 'e\nw\nn\ni\nd\ns\nu\n')
  assert.equal(write({ types: ['internal', 'websockets'] }, ...everyType).stderr, '')
})

test('a line goes to every destination, and log_dest none silences them all', (t) => {
  const path = join(temporaryDirectory(t), 'broker.log')
  const destinations = [{ kind: 'stderr' }, { kind: 'stdout' }, { kind: 'file', path }] as const
  const written = write({ destinations, timestamps: false }, ['error', 'e'])
  assert.deepEqual(written, { stdout: 'e\n', stderr: 'e\n' })
  assert.equal(readFileSync(path, 'utf8'), 'e\n')
  const silent = write({ destinations: [...destinations, { kind: 'none' }] }, ['error', 'e'])
  assert.deepEqual(silent, { stdout: '', stderr: '' })
})

test('whoever makes lines for packets can ask whether anybody wants them', async () => {
  const settings = { destinations: [{ kind: 'topic' }], types: ['error'], timestamps: false } as const
  const log = createLogger(settings)
  assert.equal(log.isOn('error'), true)
  assert.equal(log.isOn('debug'), false)
  assert.equal(createLogger({ ...settings, destinations: [{ kind: 'none' }] }).isOn('error'), false)
  await log.close()
  assert.equal(log.isOn('error'), false)
})

test('the reader of standard output may go away without the broker ending for it', () => {
  const script = `
    import { createLogger } from './broker/logger.ts'
    const log = createLogger({ destinations: [{ kind: 'stdout' }], types: ['all'], timestamps: false })
    for (let line = 0; line < 20000; line += 1) log.notice('a line that nobody reads')
    await new Promise((resolve) => setTimeout(resolve, 50))
    log.notice('more')
    await new Promise((resolve) => setTimeout(resolve, 50))
    process.exitCode = 7`
  const command = `"$0" --import tsx --input-type=module -e "$1" | head -n 1 > /dev/null; exit \${PIPESTATUS[0]}`
  const { status, stderr } = spawnSync('bash', ['-c', command, process.execPath, script], {
    cwd: root,
    encoding: 'utf8',
  })
  assert.equal(status, 7, stderr)
})

test('control characters in names that clients chose cannot begin a line of their own or move a cursor', () => {
  const { stderr } = write({ types: ['notice'] }, ['notice', 'id\n1: forged line\u001b[2J'])
  assert.match(stderr, /^\d{10}: id\?1: forged line\?\[2J\n$/)
  // Mosquitto begins some lines with a tab; anywhere else it would be a name's.
  assert.equal(write({ timestamps: false }, ['debug', '\ta/b\tc']).stderr, '\ta/b?c\n')
})

test('a reload goes over to other files, types and times, and keeps writing to a file that was moved away', async (t) => {
  const directory = temporaryDirectory(t)
  const file = (name: string) => ({ kind: 'file', path: join(directory, name) }) as const
  const log = createLogger({ destinations: [file('a'), file('b')], types: ['notice'], timestamps: false })
  log.notice('before')
  const commit = log.prepareReload({ destinations: [file('b'), file('c')], types: ['error'], timestamps: false })
  log.notice('prepared')
  commit()
  log.notice('nowhere')
  log.error('after')
  await log.close()
  const written = ['a', 'b', 'c'].map((name) => readFileSync(join(directory, name), 'utf8'))
  assert.deepEqual(written, ['before\nprepared\n', 'before\nprepared\nafter\n', 'after\n'])
})

test('a destination that cannot be opened changes nothing', async (t) => {
  const directory = temporaryDirectory(t)
  const file = { kind: 'file', path: join(directory, 'a') } as const
  const log = createLogger({ destinations: [file], types: ['notice'], timestamps: false })
  const destinations = [
    { kind: 'file', path: join(directory, 'b') },
    { kind: 'syslog', facility: 'nobody' },
  ] as const
  assert.throws(() => log.prepareReload({ destinations, types: ['none'], timestamps: true }), {
    code: 'ERR_LOG_FACILITY',
  })
  log.notice('still')
  await log.close()
  assert.equal(readFileSync(file.path, 'utf8'), 'still\n')
})
