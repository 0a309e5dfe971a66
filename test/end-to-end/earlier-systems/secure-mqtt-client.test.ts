/**
 * The "secure MQTT client" lab: public keys of Diffie-Hellman over topics, HKDF, Fernet; a client and a responder, each
 * against one in Python, over our broker and over Mosquitto.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  type Action,
  actions,
  defaultDhParameters,
  dhParametersPem,
  secureMqttClient,
} from '../../../clients/secure-mqtt-client/index.ts'
import { TestAdmin } from '../../helpers/admin.ts'
import { freePort, startBroker } from '../../helpers/broker.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { runCommandHere } from '../../helpers/cli.ts'
import { hasMosquitto, startMosquitto } from '../../helpers/mosquitto.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { TestProcess } from '../../helpers/processes.ts'
import { programArguments } from '../../helpers/program.ts'
import { runPython, startPython } from '../../helpers/python.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { hasPython } from '../../helpers/tools.ts'

/** By `openssl dhparam`: as strong as the lab's is too slow for most of these tests. */
const smallGroup = fileURLToPath(new URL('../../vectors/dh/openssl-dhparam-2048.pem', import.meta.url))
const program = programArguments('clients/secure-mqtt-client/cli.ts')
const message = 'the quick brown Fox'
const deterministic = ['uppercase', 'lowercase', 'title-case', 'reverse'] as const

/** The program in a process of its own. */
const start = (t: TestContext, port: number, ...args: readonly string[]) =>
  new TestProcess(t, process.execPath, [...program, '-p', `${port}`, ...args])

/** The program in this process, which starts faster. It waits longer than by default, for machines that are busy. */
const ask = (port: number, ...args: readonly string[]) =>
  runCommandHere(secureMqttClient, ['-p', `${port}`, '-W', '28', ...args])

async function startResponder(t: TestContext, port: number, ...args: readonly string[]): Promise<TestProcess> {
  const responder = start(t, port, ...args, '--respond', 'net1')
  await responder.errorLine(/responding below net1\//)
  return responder
}

async function startPythonResponder(t: TestContext, port: number, dhparam: string, clockOffset = 0) {
  const responder = startPython(t, ['secure_responder.py', `${port}`, 'net1', dhparam, `${clockOffset}`])
  await responder.line(/^ready$/)
  return responder
}

/** The lab's parameters: 4096 bits, as a file for both ends. */
function group16File(t: TestContext): string {
  const path = join(temporaryDirectory(t), 'dh4096.pem')
  writeFileSync(path, dhParametersPem(defaultDhParameters()))
  return path
}

const brokers: Readonly<Record<string, (t: TestContext) => Promise<number | undefined>>> = {
  NotaryMQ: async (t) => (await startBroker(t)).port,
  Mosquitto: async (t) => (hasMosquitto(t) ? (await startMosquitto(t, ['allow_anonymous true'])).port : undefined),
}

for (const [name, startIt] of Object.entries(brokers)) {
  test(`over ${name} the client gets its answers from a responder in Python, under the 4096 bits of the lab`, async (t) => {
    if (!hasPython(t)) return
    const port = await startIt(t)
    if (port === undefined) return
    const file = group16File(t)
    await startPythonResponder(t, port, file)
    const whole = await start(t, port, '-W', '28', '--dhparam', file, 'net1', 'uppercase', 'Grüße').ended
    assert.deepEqual(whole, { code: 0, stdout: 'GRÜSSE\n', stderr: '' })
    for (const action of deterministic) {
      const { code, stdout } = await ask(port, 'net1', action, message)
      assert.deepEqual([code, stdout], [0, `${actions[action](message)}\n`])
    }
  })

  test(`over ${name} a client in Python gets its answers from our responder`, async (t) => {
    if (!hasPython(t)) return
    const port = await startIt(t)
    if (port === undefined) return
    const file = group16File(t)
    const responder = await startResponder(t, port, '--dhparam', file)
    const answer = async (action: Action) => {
      const { code, stdout, stderr } = await runPython(t, [
        'secure_client.py',
        `${port}`,
        'net1',
        file,
        action,
        message,
      ])
      assert.deepEqual([code, stderr], [0, ''])
      return stdout.slice(0, -1)
    }
    for (const action of deterministic) assert.equal(await answer(action), actions[action](message))
    assert.deepEqual([...(await answer('shuffle'))].sort(), [...message].sort())
    responder.child.kill('SIGTERM')
    assert.equal((await responder.ended).code, 0)
  })
}

test('clients at once each get their own answer, though all hear all responses: from our responder, and from one with a key for each', async (t) => {
  if (!hasPython(t)) return
  const { port } = await startBroker(t)
  const dhparam = ['--dhparam', smallGroup]
  const askAll = async () => {
    const texts = Array.from({ length: 4 }, (_, i) => `Text ${i}`)
    const answers = await Promise.all(texts.map((text) => ask(port, ...dhparam, 'net1', 'reverse', text)))
    assert.deepEqual(
      answers.map(({ code, stdout }) => [code, stdout]),
      texts.map((text) => [0, `${actions.reverse(text)}\n`]),
    )
  }
  const ours = await startResponder(t, port, ...dhparam)
  await askAll()
  await ours.kill()
  await startPythonResponder(t, port, smallGroup)
  await askAll()
})

test('who reads everything at the broker, and the chain, see keys and tokens, and not a word of a message', async (t) => {
  const { port } = await startBroker(t)
  const eavesdropper = await TestClient.connect(t, port)
  await eavesdropper.subscribe('#', 1)
  await startResponder(t, port, '--dhparam', smallGroup)
  const { code } = await ask(port, '--dhparam', smallGroup, 'net1', 'uppercase', message)
  assert.equal(code, 0)
  const heard = await eavesdropper.waitFor(4)
  assert.deepEqual(
    heard.map(({ topic, qos }) => [topic, qos]),
    ['key-exchange/request', 'key-exchange/response', 'uppercase/request', 'uppercase/response'].map((topic) => {
      return [`net1/${topic}`, 1]
    }),
  )
  for (const { payload } of heard) assert.doesNotMatch(payload.toString(), /quick|QUICK/)
  const admin = await TestAdmin.connect(t, port)
  assert.equal((await admin.publishes()).length, 4)
  await admin.verifies()
})

test('an answer that is an hour old or ahead is refused with a word about clocks, and such a request is not answered', async (t) => {
  if (!hasPython(t)) return
  const { port } = await startBroker(t)
  for (const [offset, words] of [
    [-3600, /3600 s old: compare the clocks/],
    [3600, /(3600|3599) s ahead: compare the clocks/],
  ] as const) {
    const responder = await startPythonResponder(t, port, smallGroup, offset)
    const { code, stdout, stderr } = await ask(port, '--dhparam', smallGroup, 'net1', 'uppercase', message)
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, words)
    assert.match(stderr, /^[^\n]+\n$/)
    await responder.kill()
  }
  const ours = await startResponder(t, port, '--dhparam', smallGroup, '-v')
  const late = startPython(t, ['secure_client.py', `${port}`, 'net1', smallGroup, 'uppercase', message, '-3600'])
  await ours.errorLine(/^net1\/uppercase\/request: a token is \d+ s old/)
  await late.kill()
})

test('an end with other parameters is refused by both sides, and the client says so when nothing better comes', async (t) => {
  const { port } = await startBroker(t)
  const responder = await startResponder(t, port, '-v')
  const other = ask(port, '-W', '3', '--dhparam', smallGroup, 'net1', 'uppercase', message)
  await responder.errorLine(/other DH parameters/)
  // The responder does not answer that one; what it says to others is of no use to it.
  assert.equal((await ask(port, 'net1', 'uppercase', 'x')).stdout, 'X\n')
  const { code, stdout, stderr } = await other
  assert.deepEqual([code, stdout], [1, ''])
  assert.match(stderr, /other DH parameters: give both the same --dhparam\n$/)
})

test('what strangers send below the NETID ends neither the responder nor the client, and is no answer', async (t) => {
  const { port } = await startBroker(t)
  const stranger = await TestClient.connect(t, port)
  const responder = await startResponder(t, port, '--dhparam', smallGroup)
  const noise = ['', 'hello', '-----BEGIN PUBLIC KEY-----', 'gAAAAAA=', 'A'.repeat(500_000)]
  for (const topic of ['key-exchange', 'uppercase']) {
    for (const text of noise) assert.equal(await stranger.publish(`net1/${topic}/request`, text), 0)
  }
  // As soon as the client asks, everything comes back to it as if it were the answer, its own request too.
  await stranger.subscribe('net1/+/request', 1)
  stranger.mqtt.on('message', (topic, payload) => {
    const response = topic.replace(/request$/, 'response')
    for (const text of [...noise, payload]) stranger.mqtt.publish(response, text, { qos: 1 })
  })
  const { code, stdout } = await ask(port, '--dhparam', smallGroup, 'net1', 'uppercase', message)
  assert.deepEqual([code, stdout], [0, `${message.toUpperCase()}\n`])
  assert.equal(responder.child.exitCode, null)
})

test('nobody there, a broker that goes away, or that says no: one line each, and the right exit code', async (t) => {
  const isOneLine = ({ stdout, stderr }: { stdout: string; stderr: string }, words: RegExp) => {
    assert.equal(stdout, '')
    assert.match(stderr, /^[^\n]+\n$/)
    assert.match(stderr, words)
  }
  const { port, broker } = await startBroker(t)
  const silence = await ask(port, '-W', '1', 'net1', 'uppercase', message)
  isOneLine(silence, /no answer to net1\/uppercase\/request within 1 s/)
  assert.equal(silence.code, 2)

  const client = start(t, port, '-W', '28', '-v', 'net1', 'uppercase', message)
  const responder = await startResponder(t, port, '--dhparam', smallGroup)
  await client.errorLine(/public key to/)
  await broker.close()
  for (const lost of [await client.ended, await responder.ended]) {
    assert.deepEqual([lost.code, lost.stdout], [2, ''])
    assert.match(lost.stderr, /secure_mqtt_client: the connection to the broker was lost\n$/)
    assert.doesNotMatch(lost.stderr, /\n +at /)
  }

  const nobody = await ask(await freePort(), 'net1', 'uppercase', message)
  isOneLine(nobody, /cannot connect to localhost:\d+/)
  assert.equal(nobody.code, 2)

  const aclFile = join(temporaryDirectory(t), 'acl')
  writeFileSync(aclFile, 'topic read net1/#\n')
  const strict = await startBroker(t, { aclFile })
  const refused = await ask(strict.port, 'net1', 'uppercase', message)
  isOneLine(refused, /the broker refused publishing to net1\/key-exchange\/request/)
  assert.equal(refused.code, 1)
})

test('a broker that never acknowledges keeps the client no longer than it was told to wait', async (t) => {
  const server = createServer((socket) => {
    atEnd(t, () => socket.destroy())
    socket.on('data', (packet) => {
      if (packet[0] === 0x10) socket.write(Buffer.of(0x20, 3, 0, 0, 0))
      // SUBACK for two topics; PUBLISH is left without an answer.
      if (packet[0] === 0x82) socket.write(Buffer.of(0x90, 5, packet[2] ?? 0, packet[3] ?? 0, 0, 1, 1))
    })
  })
  const port = await freePort()
  server.listen(port, '127.0.0.1')
  atEnd(t, () => server.close())
  const { code, stderr } = await ask(port, '-W', '1', '--dhparam', smallGroup, 'net1', 'uppercase', message)
  assert.equal(code, 2)
  assert.match(stderr, /no answer to net1\/uppercase\/request within 1 s/)
})

test('a wrong command line is told in words and ends with 2, before anything is sent', async (t) => {
  let connections = 0
  const server = createServer(() => {
    connections++
  })
  const port = await freePort()
  server.listen(port, '127.0.0.1')
  atEnd(t, () => server.close())
  const missing = join(temporaryDirectory(t), 'missing.pem')
  for (const [args, words] of [
    [['net1', 'upcase', 'x'], /no action upcase; there are uppercase, lowercase/],
    [['net1', 'uppercase'], /NETID, ACTION and MESSAGE are needed/],
    [['net1', 'uppercase', 'two', 'words'], /in quotes/],
    [['net1/#', 'uppercase', 'x'], /cannot begin a topic/],
    [['$SYS', 'uppercase', 'x'], /cannot begin a topic/],
    [['net1', 'uppercase', 'x'.repeat(65_537)], /longer than 64 KiB/],
    [['--respond', 'net1', 'uppercase'], /--respond takes requests/],
    [['-W', '0', 'net1', 'uppercase', 'x'], /-W is an integer from 1/],
    [['--dhparam', missing, 'net1', 'uppercase', 'x'], /missing\.pem cannot be read/],
  ] as const) {
    const { code, stdout, stderr } = await ask(port, ...args)
    assert.deepEqual([code, stdout], [2, ''], args.join(' '))
    assert.match(stderr, words)
  }
  assert.equal(connections, 0)
  const usage = await start(t, port, 'net1').ended
  assert.deepEqual(usage.stderr.split('\n').at(-2), "Try 'secure_mqtt_client --help'.")
})

test('--help explains, in lines that fit a terminal, and --print-dhparam gives the other end what it needs', async (t) => {
  const help = await start(t, 1, '--help').ended
  assert.equal(help.code, 0)
  for (const line of help.stdout.split('\n')) assert.ok(line.length <= 120, line)
  const printed = await ask(1, '--print-dhparam')
  assert.equal(printed.stdout, dhParametersPem(defaultDhParameters()))
  const document = readFileSync(new URL('../../../docs/secure-mqtt-client.md', import.meta.url), 'utf8')
  assert.ok(document.includes(printed.stdout), 'the document has them, too')
})
