import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { runCommand } from '../../clients/cli/command.ts'
import { passwdCommand } from '../../clients/cli/passwd.ts'
import { askNewPassword } from '../../clients/cli/password-prompt.ts'
import { ClientError } from '../../clients/errors.ts'
import { changePasswordFile, PasswordAuthenticator, readPasswordFile } from '../../plugins/authentication/index.ts'
import { cliArguments } from '../helpers/broker.ts'
import { atEnd } from '../helpers/cleanup.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'
import { hasTool } from '../helpers/tools.ts'

const isUsage = (error: unknown) => error instanceof ClientError && error.code === 'ERR_USAGE'

/** Runs the command with something on standard input. */
async function passwdFrom(stdin: string, ...args: readonly string[]) {
  let stdout = ''
  let stderr = ''
  const source = () => ({ input: Readable.from([Buffer.from(stdin)]), write: (text: string) => (stderr += text) })
  const code = await runCommand(passwdCommand(changePasswordFile, source), args, {
    out: (text) => (stdout += `${text}\n`),
    error: (text) => (stderr += `${text}\n`),
  })
  return { code, stdout, stderr }
}

const passwd = (...args: readonly string[]) => passwdFrom('', ...args)
const done = { code: 0, stdout: '', stderr: '' }
const newFile = (t: TestContext) => join(temporaryDirectory(t), 'passwd')

async function logsIn(t: TestContext, path: string, username: string, password: string): Promise<boolean> {
  const authenticator = new PasswordAuthenticator(readPasswordFile(path))
  atEnd(t, () => authenticator.close())
  return authenticator.verify(username, Buffer.from(password))
}

test('a file is created, users are added, changed and deleted, as with mosquitto_passwd', async (t) => {
  const path = newFile(t)
  assert.deepEqual(await passwd('-c', '-b', path, 'alice', 'one'), done)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.match(readFileSync(path, 'utf8'), /^alice:\$7\$100000\$/)
  assert.deepEqual(await passwd('-I', '3', '-b', path, 'bob', '-two'), done)
  assert.deepEqual(await passwd('-H', 'sha512', '-b', path, 'carol', '--'), done)
  assert.match(readFileSync(path, 'utf8'), /^alice:.*\nbob:\$7\$3\$.*\ncarol:\$6\$.*\n$/)
  assert.ok(await logsIn(t, path, 'bob', '-two'))
  assert.ok(await logsIn(t, path, 'carol', '--'))
  assert.deepEqual(await passwd('-b', '-I', '3', path, 'alice', 'three'), done)
  assert.ok(await logsIn(t, path, 'alice', 'three'))
  assert.ok(!(await logsIn(t, path, 'alice', 'one')))
  assert.deepEqual(await passwd('-D', path, 'bob'), done)
  assert.deepEqual(Array.from(readPasswordFile(path).users.keys()), ['alice', 'carol'])
  assert.deepEqual(await passwd('-c', '-H', 'argon2id', '-b', path, 'dave', 'four'), done)
  assert.match(readFileSync(path, 'utf8'), /^dave:\$argon2id\$v=19\$m=47104,t=1,p=1\$/)
})

test('deleting a user who is not there exits 1', async (t) => {
  const path = newFile(t)
  await passwd('-c', '-I', '1', '-b', path, 'alice', 'x')
  assert.equal((await passwd('-D', path, 'bob')).code, 1)
})

test('-U hashes what is plain and says how much that was', async (t) => {
  const path = newFile(t)
  writeFileSync(path, '# users\na:hunter2\nb:secret\n', { mode: 0o600 })
  assert.deepEqual(await passwd('-U', '-I', '3', path), { ...done, stdout: '2 passwords hashed\n' })
  assert.ok(await logsIn(t, path, 'b', 'secret'))
  assert.deepEqual(await passwd('-U', path), { ...done, stdout: '0 passwords hashed\n' })
})

test('without -b the password comes from standard input, as one line or two equal ones', async (t) => {
  const path = newFile(t)
  writeFileSync(path, '', { mode: 0o600 })
  for (const stdin of ['pw 1', 'pw 1\n', 'pw 1\r\npw 1\r\n', 'pw 1\npw 1']) {
    assert.deepEqual(await passwdFrom(stdin, '-I', '3', path, 'a'), done)
    assert.ok(await logsIn(t, path, 'a', 'pw 1'), JSON.stringify(stdin))
  }
  const before = readFileSync(path, 'utf8')
  for (const stdin of ['', '\n', 'a\nb\n', 'a\na\na\n', 'x'.repeat(140_000)]) {
    const { code, stderr } = await passwdFrom(stdin, path, 'a')
    assert.equal(code, 2, JSON.stringify(stdin.slice(0, 9)))
    assert.doesNotMatch(stderr, /xxxx/)
  }
  assert.equal(readFileSync(path, 'utf8'), before)
})

test('a wrong command line exits 2, touches no file and repeats no password', async (t) => {
  const path = newFile(t)
  const wrong: readonly (readonly string[])[] = [
    [],
    [path],
    ['-b', path, 'a'],
    ['-b', path, 'a', 'hunter2', 'more'],
    [path, 'a', 'hunter2'],
    ['-c', '-D', path, 'a'],
    ['-c', '-U', path],
    ['-D', '-U', path],
    ['-D', '-b', path, 'a', 'hunter2'],
    ['-U', path, 'hunter2'],
    ['-H', 'md5', '-b', path, 'a', 'hunter2'],
    ['-H', 'sha512', '-I', '5', '-b', path, 'a', 'hunter2'],
    ['-I', '0', '-b', path, 'a', 'hunter2'],
    ['-I', '10000001', '-b', path, 'a', 'hunter2'],
    ['-x', '-b', path, 'a', 'hunter2'],
    ['-b', path, 'a', 'hunter2'],
    ['-c', '-b', path, 'a:b', 'hunter2'],
    ['-c', '-b', path, 'a', ''],
  ]
  for (const args of wrong) {
    const { code, stdout, stderr } = await passwd(...args)
    assert.deepEqual({ code, stdout }, { code: 2, stdout: '' }, args.join(' '))
    assert.match(stderr, /^notarymq passwd: /)
    assert.doesNotMatch(stderr, /hunter2/, args.join(' '))
  }
  assert.ok(!existsSync(path))
})

test('what the operator should know of the new file goes to standard error', async (t) => {
  const path = newFile(t)
  writeFileSync(path, '', { mode: 0o644 })
  const { code, stderr } = await passwd('-I', '1', '-b', path, 'a', 'x')
  assert.equal(code, 0)
  assert.match(stderr, /^notarymq passwd: .* could be read by everybody/)
})

/** A terminal that is typed into. */
function terminalWith(typed: string) {
  const modes: boolean[] = []
  const terminal = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (mode: boolean) => modes.push(mode) })
  for (const key of typed) terminal.write(key)
  return { terminal, modes }
}

async function askedWith(typed: string) {
  const { terminal, modes } = terminalWith(typed)
  let shown = ''
  try {
    return { password: await askNewPassword(terminal, (text) => (shown += text)), shown, modes }
  } finally {
    assert.deepEqual(modes, [true, false], 'the terminal is as it was')
  }
}

test('on a terminal the password is asked for twice, in raw mode, with the keys that correct it', async () => {
  const shown = 'Password: \nReenter password: \n'
  for (const typed of ['päss\rpäss\r', 'x\u0015päsq\u007fs\npäss\n', '\u007fp\bpäss\r\u0015päss\r']) {
    assert.deepEqual(await askedWith(typed), { password: 'päss', shown, modes: [true, false] })
  }
  for (const typed of ['a\rb\r', '\r\r', 'a\u0003', 'a\ra\u0004']) {
    await assert.rejects(askedWith(typed), isUsage, JSON.stringify(typed))
  }
})

test('a real terminal shows nothing of the password', async (t) => {
  if (!hasTool(t, 'script', ['--version'], 'script of util-linux')) return
  const path = newFile(t)
  const args = [process.execPath, ...cliArguments, 'passwd', '-c', '-I', '3', path, 'a']
  const command = args.map((word) => `'${word}'`).join(' ')
  const child = spawn('script', ['-qec', command, '/dev/null'])
  atEnd(t, () => child.kill('SIGKILL'))
  let shown = ''
  let typed = 0
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text
    const prompts = shown.split(/assword: /).length - 1
    for (; typed < prompts; typed++) child.stdin.write('hunter2\r')
  })
  const [code] = await once(child, 'close')
  assert.equal(code, 0, shown)
  assert.equal(shown.replaceAll('\r', ''), 'Password: \nReenter password: \n')
  assert.ok(await logsIn(t, path, 'a', 'hunter2'))
})
