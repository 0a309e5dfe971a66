import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { runCommand } from '../../clients/cli/command.ts'
import { passwdCommand } from '../../clients/cli/passwd.ts'
import { changePasswordFile, PasswordAuthenticator, readPasswordFile } from '../../plugins/authentication/index.ts'
import { atEnd } from '../helpers/cleanup.ts'
import { hasMosquitto, startMosquitto } from '../helpers/mosquitto.ts'
import { run } from '../helpers/processes.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'
import { hasMosquittoClients, hasTool } from '../helpers/tools.ts'

const hasAll = (t: TestContext) => hasMosquittoClients(t) && hasMosquitto(t) && hasPasswd(t)
const hasPasswd = (t: TestContext) => hasTool(t, 'mosquitto_passwd', ['--help'], 'mosquitto_passwd')

async function ours(...args: readonly string[]): Promise<void> {
  let said = ''
  const listen = (text: string) => (said += text)
  assert.equal(await runCommand(passwdCommand(changePasswordFile), args, { out: listen, error: listen }), 0, said)
}

/** Who of the users logs in with us. */
async function loginsHere(t: TestContext, path: string, users: readonly Login[]) {
  const authenticator = new PasswordAuthenticator(readPasswordFile(path))
  atEnd(t, () => authenticator.close())
  return Promise.all(users.map(([username, password]) => authenticator.verify(username, Buffer.from(password))))
}

type Login = readonly [username: string, password: string]

/** Who of the users logs in with Debian's Mosquitto. */
async function loginsThere(t: TestContext, path: string, users: readonly Login[]) {
  const broker = await startMosquitto(t, ['allow_anonymous false', `password_file ${path}`])
  const logins: boolean[] = []
  for (const [username, password] of users) {
    const args = ['-h', '127.0.0.1', '-p', `${broker.port}`, '-u', username, '-P', password, '-t', 'x', '-m', 'y']
    const { code } = await run(t, 'mosquitto_pub', args)
    assert.ok(code === 0 || code === 5, `mosquitto_pub ended with ${code}`)
    logins.push(code === 0)
  }
  await broker.process.kill()
  return logins
}

test('files that mosquitto_passwd writes and changes log in with us', async (t) => {
  if (!hasPasswd(t)) return
  const path = join(temporaryDirectory(t), 'passwd')
  const theirs = async (...args: readonly string[]) => {
    const { code, stderr } = await run(t, 'mosquitto_passwd', args)
    assert.equal(code, 0, stderr)
  }
  await theirs('-c', '-b', path, 'alice', 'correct horse')
  await theirs('-H', 'sha512', '-b', path, 'dave', 'six')
  await theirs('-b', path, 'ä b', 'pässword')
  const users: Login[] = [
    ['alice', 'correct horse'],
    ['dave', 'six'],
    ['ä b', 'pässword'],
  ]
  const wrong = users.map(([username]) => [username, 'wrong'] as const)
  assert.deepEqual(await loginsHere(t, path, [...users, ...wrong]), [true, true, true, false, false, false])
  await ours('-b', '-I', '101', path, 'dave', 'seven')
  await theirs('-D', path, 'alice')
  assert.deepEqual(await loginsHere(t, path, [...users, ['dave', 'seven']]), [false, false, true, true])
})

test("files of ours log in with Debian's mosquitto, which can go on changing them", async (t) => {
  if (!hasAll(t)) return
  const path = join(temporaryDirectory(t), 'passwd')
  await ours('-c', '-b', path, 'alice', 'correct horse')
  await ours('-H', 'sha512', '-b', path, 'dave', 'six')
  assert.match(readFileSync(path, 'utf8'), /^alice:\$7\$100000\$.*\ndave:\$6\$/)
  const { code } = await run(t, 'mosquitto_passwd', ['-b', path, 'eve', 'apple'])
  assert.equal(code, 0)
  const users: Login[] = [
    ['alice', 'correct horse'],
    ['dave', 'six'],
    ['eve', 'apple'],
    ['alice', 'six'],
    ['nobody', 'six'],
  ]
  const expected = [true, true, true, false, false]
  assert.deepEqual(await loginsThere(t, path, users), expected)
  assert.deepEqual(await loginsHere(t, path, users), expected)
})

test("a file of odd lines lets the same users log in with us as with Debian's mosquitto", async (t) => {
  if (!hasAll(t)) return
  const directory = temporaryDirectory(t)
  const made = join(directory, 'made')
  await ours('-c', '-I', '101', '-b', made, 'x', 'pw')
  await ours('-I', '101', '-b', made, 'y', 'other')
  const [pw = '', other = ''] = readFileSync(made, 'utf8')
    .split('\n')
    .map((line) => line.slice(line.indexOf(':') + 1))
  const path = join(directory, 'passwd')
  const lines = [
    `  a  : ${pw} \r`,
    `:b:${pw}`,
    `::c::${pw}:rest`,
    `#d:${pw}`,
    ` #e:${pw}`,
    `i j:${pw}`,
    'f:',
    'plain:pw',
    'no colon',
    ':::',
    '',
    `k:${pw}`,
    'k:$7$101$xx$yy',
    `l:${pw}`,
    `l:${other}`,
    `m:${pw.replace('$101$', '$0$')}`,
    `n:${pw.replace(/=+$/, '')}`,
    `\uFEFFo:${pw}`,
    `last:${pw}`,
  ]
  writeFileSync(path, lines.join('\n'))
  const names = ['a', 'b', 'c', 'd', '#d', 'e', '#e', 'i j', 'i', 'f', 'plain', 'k', 'l', 'm', 'n', 'o', 'last']
  const users: Login[] = [...names.map((name) => [name, 'pw'] as const), ['l', 'other']]
  const there = await loginsThere(t, path, users)
  assert.deepEqual(await loginsHere(t, path, users), there)
  const expected = ['a', 'b', 'c', '#e', 'i j', 'k', 'last', 'l']
  assert.deepEqual(
    users.filter((_, i) => there[i]).map(([name]) => name),
    expected,
  )
})
