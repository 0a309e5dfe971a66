import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { BrokerError } from '../../../broker/errors.ts'
import { findUser, giveUpRoot } from '../../../broker/process/become-user.ts'
import { openDataDirectory } from '../../../broker/process/data-directory.ts'
import { writePidFile } from '../../../broker/process/pid-file.ts'
import { cliArguments, freePort } from '../../helpers/broker.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { TestProcess } from '../../helpers/processes.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

const throws = (run: () => unknown, code: string) =>
  assert.throws(run, (error) => error instanceof BrokerError && error.code === code)

test('the pid file has the process id while the broker runs', (t) => {
  const path = join(temporaryDirectory(t), 'pid')
  const errors: string[] = []
  const write = (file: string) => writePidFile(file, (message) => errors.push(message))
  const remove = write(path)
  assert.equal(readFileSync(path, 'utf8'), `${process.pid}\n`)
  remove()
  assert.equal(existsSync(path), false)
  throws(() => write(join(path, 'below', 'nothing')), 'ERR_PID_FILE')
  assert.deepEqual(errors, [])
  const removeAnother = write(path)
  rmSync(path)
  mkdirSync(path)
  removeAnother()
  assert.match(errors.join(), /^Warning: the pid file stays: /)
})

test('a user is looked up by the whole name, and an entry that is no entry is none', () => {
  const passwd = 'root:x:0:0::/root:/bin/sh\nmosquitto:x:110:118::/:/bin/false\nbroken:x:a:b\nshort\n'
  assert.deepEqual(findUser('mosquitto', passwd), { uid: 110, gid: 118 })
  for (const name of ['mosq', 'broken', 'short', '', 'x']) assert.equal(findUser(name, passwd), undefined, name)
})

const isRoot = process.getuid?.() === 0
const needsRoot = { skip: isRoot ? false : 'needs root' }
const uidOf = (name: string) => findUser(name, readFileSync('/etc/passwd', 'utf8'))?.uid

test('root that is to become nobody known does not start; who is not root stays', (t) => {
  const location = join(temporaryDirectory(t), 'data')
  const become = (user: string) => giveUpRoot({ user, hasConfiguration: true, location })
  if (isRoot) throws(() => become('no-such-user'), 'ERR_USER_UNKNOWN')
  else assert.equal(become('no-such-user'), undefined)
  assert.equal(become('root') !== undefined, isRoot, 'a warning')
  assert.equal(existsSync(location), false)
})

test('without a configuration root stays root, and is told', needsRoot, (t) => {
  const location = join(temporaryDirectory(t), 'data')
  assert.match(giveUpRoot({ user: undefined, hasConfiguration: false, location }) ?? '', /runs as root/)
  assert.equal(process.getuid?.(), 0)
})

/** A directory whose way is open to every user. */
function openDirectory(t: TestContext): string {
  const directory = temporaryDirectory(t)
  chmodSync(directory, 0o755)
  return directory
}

/** The program with a configuration of its own user. */
async function startAs(
  t: TestContext,
  user: string,
  { prefix = [], prepare = () => {} }: { prefix?: readonly string[]; prepare?: (location: string) => void } = {},
): Promise<Started> {
  const location = join(openDirectory(t), 'data')
  prepare(location)
  const configFile = join(openDirectory(t), 'broker.conf')
  const port = await freePort()
  writeFileSync(
    configFile,
    `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence_location ${location}\n${user}\n`,
  )
  const [command = '', ...args] = [...prefix, process.execPath, ...cliArguments, '-c', configFile]
  return { program: new TestProcess(t, command, args), location, port }
}

interface Started {
  readonly program: TestProcess
  readonly location: string
  readonly port: number
}

/** Waits for a client to come in. @returns user id of the program */
async function uidOfRunning(t: TestContext, { program, port }: Started): Promise<number> {
  await program.line(/ running$/)
  const client = await TestClient.connect(t, port)
  assert.equal(await client.publish('a', 'x', { qos: 1 }), 0)
  return Number(/^Uid:\t(\d+)\t/m.exec(readFileSync(`/proc/${program.child.pid}/status`, 'utf8'))?.[1])
}

test(
  'started as root it becomes the user of the configuration, whom its data and its log belong to',
  needsRoot,
  async (t) => {
    const log = join(openDirectory(t), 'log')
    chmodSync(join(log, '..'), 0o777)
    const started = await startAs(t, `user nobody\nlog_dest stdout\nlog_dest file ${log}`)
    const nobody = uidOf('nobody')
    assert.equal(await uidOfRunning(t, started), nobody)
    assert.deepEqual([statSync(started.location).uid, statSync(log).uid], [nobody, nobody])
  },
)

const hasUsualUser = uidOf('mosquitto') !== undefined

test('started as root with a configuration that names nobody it becomes mosquitto, as Mosquitto does', {
  skip: isRoot && hasUsualUser ? false : 'needs root and the user mosquitto',
}, async (t) => {
  const started = await startAs(t, 'log_dest stdout')
  assert.equal(await uidOfRunning(t, started), uidOf('mosquitto'))
  assert.doesNotMatch(started.program.lines.join('\n'), /runs as root/)
})

/** A mount of its own, in which the machine has no user of that name. */
function withoutUser(t: TestContext, name: string): readonly string[] {
  const passwd = join(openDirectory(t), 'passwd')
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
  writeFileSync(passwd, lines.filter((line) => !line.startsWith(`${name}:`)).join('\n'))
  return ['unshare', '--mount', 'sh', '-c', `mount --bind ${passwd} /etc/passwd && exec "$@"`, 'sh']
}

const canMount = isRoot && spawnSync('unshare', ['--mount', 'true']).status === 0

test('where there is no user mosquitto it stays root and says so at every start', {
  skip: canMount ? false : 'needs root and mounts',
}, async (t) => {
  const started = await startAs(t, 'log_dest stdout', { prefix: withoutUser(t, 'mosquitto') })
  assert.equal(await uidOfRunning(t, started), 0)
  assert.match(started.program.lines.join('\n'), /Warning: the broker runs as root: there is no user mosquitto/)
})

test('root that may not change its user does not start, and stays no root in silence', needsRoot, async (t) => {
  const { program } = await startAs(t, 'user nobody', { prefix: ['setpriv', '--bounding-set=-setuid,-setgid'] })
  const { code, stderr } = await program.ended
  assert.equal(code, 1)
  assert.match(stderr, /^Error: ERR_USER_CHANGE: cannot become user nobody: /)
})

test('data of another user end the start with the directory, the user and what to do', needsRoot, async (t) => {
  const nobody = findUser('nobody', readFileSync('/etc/passwd', 'utf8'))
  const oneFile = (folder: string, name: string) => (location: string) => {
    const directory = join(location, folder)
    mkdirSync(directory, { recursive: true })
    for (const path of [location, directory]) chownSync(path, nobody?.uid ?? 0, nobody?.gid ?? 0)
    writeFileSync(join(directory, name), '', { mode: 0o600 })
  }
  for (const [prepare, spoiled] of [
    [mkdirSync, 'data'],
    [oneFile('keys', 'broker.pem'), 'data/keys/broker.pem'],
    [oneFile('store', 'CURRENT'), 'data/store/CURRENT'],
  ] as const) {
    const { program } = await startAs(t, 'user nobody', { prepare })
    const { code, stderr } = await program.ended
    assert.equal(code, 1)
    const said = `user id ${nobody?.uid} may not use \\S+/${spoiled}; run "chown -R ${nobody?.uid} \\S+/data".*"user root"`
    assert.match(stderr, new RegExp(`ERR_DATA_DIRECTORY: ${said}`))
  }
})

test('every part of the data directory is tried before the store is opened', (t) => {
  const location = join(temporaryDirectory(t), 'data')
  openDataDirectory(location)
  assert.equal(statSync(location).mode & 0o777, 0o700)
  // What is there and is none fails for root, too, whom no mode keeps out.
  const file = join(temporaryDirectory(t), 'file')
  writeFileSync(file, '')
  throws(() => openDataDirectory(file), 'ERR_DATA_DIRECTORY')
  throws(() => openDataDirectory(join(file, 'data')), 'ERR_DATA_DIRECTORY')
})
