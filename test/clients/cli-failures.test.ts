import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { TestAdmin } from '../helpers/admin.ts'
import { freePort, startBroker } from '../helpers/broker.ts'
import { runHere } from '../helpers/cli.ts'
import { run, runCli } from '../helpers/processes.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

/** An identity file that no broker knows, and its directory. */
async function newIdentity(t: TestContext): Promise<string> {
  const file = join(temporaryDirectory(t), 'device.pem')
  assert.equal((await runHere('keygen', file)).code, 0)
  return file
}

test('where nobody listens every command says so in one line and exits 2', async (t) => {
  const file = await newIdentity(t)
  const port = await freePort()
  const at = ['-h', '127.0.0.1', '-p', `${port}`]
  const commands = [
    ['keys', ...at],
    ['enroll', file, ...at],
    ['revoke', 'pump', ...at],
    ['pub', '-t', 'a', '-m', 'x', ...at],
    ['pub', '-t', 'a', '-m', 'x', '--identity', file, ...at],
    ['audit', 'status', ...at],
    ['audit', 'query', ...at, '--json'],
    ['audit', 'verify', ...at],
  ]
  const line = (name: string | undefined) =>
    `notarymq ${name}: cannot connect to 127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}\n`
  for (const command of commands) {
    assert.deepEqual(await runHere(...command), { code: 2, stdout: '', stderr: line(command[0]) })
  }
  assert.deepEqual(await runCli(t, ['keys', ...at]), { code: 2, stdout: '', stderr: line('keys') })
  assert.equal(existsSync(`${file}.seq`), false, 'no sequence number was spent')
})

test('a listener that is no broker, or hangs up, is a failed connection: one line, exit 2', async (t) => {
  for (const answer of ['HTTP/1.1 400 Bad Request\r\n\r\n', '']) {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.end(answer)
    })
    t.after(() => server.close())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const { code, stdout, stderr } = await runHere('keys', '-h', '127.0.0.1', '-p', `${port}`)
    assert.deepEqual({ code, stdout }, { code: 2, stdout: '' })
    assert.match(stderr, new RegExp(`^notarymq keys: cannot connect to 127.0.0.1:${port}: [^\n]+\n$`))
  }
})

test('an unknown command, subcommand, option or argument exits 2 and points to --help', async (t) => {
  const port = await freePort()
  const spawned = await Promise.all([runCli(t, ['frobnicate']), runCli(t, ['keys', '--frobnicate'])])
  assert.deepEqual(spawned[0], {
    code: 2,
    stdout: '',
    stderr: "notarymq: no command frobnicate. Try 'notarymq --help'.\n",
  })
  assert.equal(spawned[1].code, 2)
  assert.match(spawned[1].stderr, /^notarymq keys: Unknown option '--frobnicate'.*\nTry 'notarymq keys --help'\.\n$/)
  const message = ['pub', '-t', 'a', '-m', 'x']
  const wrong = [
    ['audit'],
    ['audit', 'frobnicate'],
    ['audit', 'constructor'],
    // A filter without its option must not turn into a query for everything.
    ['audit', 'query', 'plant/#'],
    ['audit', 'status', 'x'],
    ['audit', 'verify', 'x'],
    ['audit', 'query', '--limit', '0'],
    ['audit', 'query', '--from', '-1'],
    ['audit', 'query', '--to', '1e3'],
    ['audit', 'status', '--topic', 'a'],
    ['keys', 'x'],
    ['keys', '-p'],
    ['keys', '-p', '0'],
    ['keys', '-p', '-1'],
    ['keys', '-p', '65536'],
    ['keys', '-p', 'mqtt'],
    ['keys', '-V', 'mqttv4'],
    ['keys', '-V', 'constructor'],
    ['pub', '-t', 'a', '-m', 'x', '-V', 'constructor'],
    ['keygen'],
    ['keygen', 'a', 'b'],
    ['enroll'],
    ['enroll', 'a', 'b'],
    ['revoke'],
    ['revoke', 'a', 'b'],
    ['pub', '-t', 'a'],
    ['pub', '-m', 'x'],
    [...message, 'more'],
    [...message, '-f', 'file'],
    [...message, '-q', '3'],
    ['pub', '-t', 'a/#', '-m', 'x'],
    ['pub', '-t', 'a/+', '-m', 'x'],
    ['pub', '-t', '', '-m', 'x'],
    ['pub', '-t', 'a', '-f', join(temporaryDirectory(t), 'missing')],
  ]
  for (const args of wrong) {
    const isPortGiven = args.includes('-p') || args[0] === 'keygen'
    const { code, stdout, stderr } = await runHere(...args, ...(isPortGiven ? [] : ['-p', `${port}`]))
    assert.deepEqual({ code, stdout }, { code: 2, stdout: '' }, args.join(' '))
    assert.match(
      stderr,
      new RegExp(`^notarymq ${args[0]}: [^\n]+\nTry 'notarymq ${args[0]} --help'\\.\n$`),
      args.join(' '),
    )
  }
})

test('what is not a P-256 key in PEM exits 2, naming the file', async (t) => {
  const directory = temporaryDirectory(t)
  const p384 = join(directory, 'p384.pem')
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  writeFileSync(p384, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  const text = join(directory, 'text.pem')
  writeFileSync(text, 'no key', { mode: 0o600 })
  for (const file of [p384, text, join(directory, 'missing.pem'), directory]) {
    for (const args of [
      ['enroll', file],
      ['pub', '-t', 'a', '-m', 'x', '--identity', file],
    ]) {
      const { code, stderr } = await runHere(...args)
      assert.equal(code, 2)
      assert.match(stderr, new RegExp(`^notarymq ${args[0]}: ${file} (is not|cannot be read)[^\n]*\n$`))
    }
  }
})

test('what the broker refuses exits 1: a taken name, an unknown key, an admin topic for administrators only', async (t) => {
  const { port } = await startBroker(t)
  const at = ['-h', '127.0.0.1', '-p', `${port}`]
  const [one, other] = [await newIdentity(t), await newIdentity(t)]
  assert.equal((await runHere('enroll', one, '--name', 'pump', ...at)).code, 0)
  const { port: closed } = await startBroker(t, { anonymousAdmin: false })
  const refusals = [
    [['enroll', other, '--name', 'pump', ...at], /another key has this name/],
    [['enroll', one, '--name', 'valve', ...at], /this key was enrolled before/],
    [['revoke', 'valve', ...at], /no key has the kid or name valve/],
    [['audit', 'query', '--kid', 'AAAAAAAAAAA', '--topic', 'a#', ...at], /topic is not a topic filter/],
    [
      ['pub', '-t', '$notary/alarm', '-m', 'fire', '-q', '1', ...at],
      /the broker refused \$\S+ \(0x87 Not authorized\)/,
    ],
    [['pub', '-t', '$SYS/x', '-m', 'x', '-q', '2', ...at], /the broker refused \$\S+ \(0x87 Not authorized\)/],
    [['keys', '-h', '127.0.0.1', '-p', `${closed}`], /administrators only/],
  ] as const
  for (const [args, said] of refusals) {
    const { code, stdout, stderr } = await runHere(...args)
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '' }, stderr)
    assert.match(stderr, said)
    assert.match(stderr, new RegExp(`^notarymq ${args[0]}: [^\n]+\n$`))
  }
})

test('processes that publish at once with one identity never use one sequence number twice', async (t) => {
  const { port } = await startBroker(t, { protect: [{ filter: '#', signed: true }] })
  const at = ['-h', '127.0.0.1', '-p', `${port}`]
  const file = await newIdentity(t)
  assert.equal((await runHere('enroll', file, ...at)).code, 0)
  const publish = (text: string) => runCli(t, ['pub', '-t', 'a', '-m', text, '--identity', file, '--json', ...at])
  const results = await Promise.all(['1', '2', '3', '4'].map(publish))
  const used = results.map(({ stdout, stderr }) =>
    stderr === '' ? (JSON.parse(stdout) as { seq: number }).seq : stderr,
  )
  assert.deepEqual(used.sort(), [1, 2, 3, 4])
  const records = await (await TestAdmin.connect(t, port)).publishes()
  assert.deepEqual(records.map(({ seq }) => seq).sort(), [1, 2, 3, 4])
  assert.equal(readFileSync(`${file}.seq`, 'utf8'), '5\n')

  const identities = pathToFileURL(join(import.meta.dirname, '../../clients/identity/index.ts')).href
  const script = `import { reserveSequenceNumber } from ${JSON.stringify(identities)}
for (let i = 0; i < 100; i++) console.log(reserveSequenceNumber(${JSON.stringify(file)}))`
  const args = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script]
  const taken = await Promise.all([1, 2, 3].map(() => run(t, process.execPath, args)))
  const numbers = taken.flatMap(({ stdout }) => stdout.split('\n').slice(0, -1).map(Number))
  assert.deepEqual(
    numbers.sort((a, b) => a - b),
    Array.from({ length: 300 }, (_, i) => i + 5),
    taken.map(({ stderr }) => stderr).join(''),
  )
})

test('a sequence file that holds no number, or a lock left behind, is said and nothing is sent', async (t) => {
  const { port } = await startBroker(t)
  const at = ['-h', '127.0.0.1', '-p', `${port}`]
  const file = await newIdentity(t)
  for (const content of ['', 'x\n', '-1\n', '1.5\n', '9007199254740991\n']) {
    writeFileSync(`${file}.seq`, content)
    const { code, stderr } = await runHere('pub', '-t', 'a', '-m', 'x', '--identity', file, ...at)
    assert.deepEqual([code, stderr], [2, `notarymq pub: ${file}.seq does not hold a sequence number\n`])
    assert.equal(readFileSync(`${file}.seq`, 'utf8'), content)
  }
  writeFileSync(`${file}.seq`, '7\n')
  writeFileSync(`${file}.seq.lock`, '1\n')
  const locked = await runHere('pub', '-t', 'a', '-m', 'x', '--identity', file, ...at)
  assert.equal(locked.code, 2)
  assert.match(locked.stderr, /device\.pem\.seq\.lock is held by another process; remove it if that one crashed\n$/)
  assert.deepEqual(await (await TestAdmin.connect(t, port)).publishes(), [])
})
