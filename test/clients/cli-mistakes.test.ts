/** What goes wrong for people: one line that says what to do, the right exit code, and nothing sent in clear. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { ProtectRule } from '../../broker/index.ts'
import { generateIdentity } from '../../clients/identity/index.ts'
import {
  DhKeyPair,
  defaultDhParameters,
  openFernet,
  sealFernet,
  secureMqttClient,
} from '../../clients/secure-mqtt-client/index.ts'
import { TestAdmin } from '../helpers/admin.ts'
import { cliArguments, spawnBroker, startBroker } from '../helpers/broker.ts'
import { runCommandHere, runHere } from '../helpers/cli.ts'
import { TestClient } from '../helpers/mqtt-clients.ts'
import { type Ended, runCli, TestProcess } from '../helpers/processes.ts'
import { drop, isPacket, publishOn, TamperingProxy } from '../helpers/tampering-proxy.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

const secret = 'the code of the door is 4711'
const host = '127.0.0.1'
const hourMs = 3_600_000
const protect: readonly ProtectRule[] = [{ filter: 'plant/#', signed: true }]

/** A broker behind a network that sees everything, an enrolled key, and an encrypted one with its passphrase in a file. */
async function scene(t: TestContext) {
  const { broker, port } = await startBroker(t, { protect })
  const network = await TamperingProxy.start(t, port)
  const home = temporaryDirectory(t)
  const [device, reader, locked] = ['device', 'reader', 'locked'].map((name) => join(home, `${name}.pem`)) as [
    string,
    string,
    string,
  ]
  const { publicKey } = generateIdentity(device)
  generateIdentity(reader)
  generateIdentity(locked, 'correct horse')
  const wrongPassphrase = join(home, 'wrong')
  writeFileSync(wrongPassphrase, 'guess-4711\n')
  const admin = await TestAdmin.connect(t, port)
  await admin.request('keys.enroll', { key: publicKey, name: 'device' })
  const at = ['-h', host, '-p', `${network.port}`]
  const cli = (name: string, ...args: readonly string[]) => runCli(t, [name, ...at, ...args], { env: { HOME: home } })
  const start = (name: string, ...args: readonly string[]) =>
    new TestProcess(t, process.execPath, [...cliArguments, name, ...at, ...args], { env: { HOME: home } })
  return { broker, port, network, home, device, reader, locked, wrongPassphrase, admin, cli, start }
}

/** Asserts that a command ended with this code and one line that says this, and with nothing else. */
function assertOneLine({ code, stdout, stderr }: Ended, expected: number, says: RegExp): void {
  assert.deepEqual([code, stdout], [expected, ''], stderr)
  assert.match(stderr, /^[^\n]+\n$/)
  assert.match(stderr, says)
  assert.doesNotMatch(stderr, /4711|\bat .*:\d+:\d+/)
}

/** Asserts that no packet that went to the broker has the secret in it. */
function assertNotInClear(network: TamperingProxy): void {
  const sent = Buffer.concat(network.seenSoFar('to broker', () => true))
  assert.equal(sent.includes(secret), false)
}

test('a wrong passphrase, a missing key, and a reader or pre-shared key that is not there: 2, before anything is sent', async (t) => {
  const { network, home, device, locked, wrongPassphrase } = await scene(t)
  const absent = join(home, 'absent.pem')
  const message = ['pub', '-h', host, '-p', `${network.port}`, '-t', 'plant/door', '-m', secret]
  for (const [args, says] of [
    [['--identity', locked, '--passphrase-file', wrongPassphrase], /the passphrase does not open .*locked\.pem/],
    [['--identity', locked], /locked\.pem is protected by a passphrase, and none was given/],
    [['--identity', absent], /absent\.pem cannot be read/],
    [['--identity', device, '--encrypt-for', absent], /absent\.pem cannot be read/],
    [['--identity', device, '--psk', absent], /absent\.pem cannot be read/],
  ] as const) {
    assertOneLine(await runHere(...message, ...args), 2, says)
  }
  assert.deepEqual(
    network.seenSoFar('to broker', () => true),
    [],
  )
})

test('who is no reader of a message is told so in place of it, and on the way it is not in clear', async (t) => {
  const { network, port, device, reader, cli, start } = await scene(t)
  const eavesdropper = await TestClient.connect(t, port)
  await eavesdropper.subscribe('#', 1)
  const subscriber = start('sub', '-d', '-t', '#', '-C', '1', '-F', '%t "%p" %v', '--identity', device, '-W', '25')
  await subscriber.errorLine(/^received SUBACK/)
  const encrypted = ['-q', '1', '--identity', device, '--encrypt-for', reader.replace('.pem', '.pub.pem')]
  assert.deepEqual(await cli('pub', '-t', 'plant/door', '-m', secret, ...encrypted), {
    code: 0,
    stdout: '',
    stderr: '',
  })
  const { code, stdout } = await subscriber.ended
  assert.deepEqual([code, stdout], [0, 'plant/door "" no-key\n'])
  const [heard] = await eavesdropper.waitFor(1)
  assert.equal(heard?.payload.includes(secret), false)
  assertNotInClear(network)
})

test('a broker with another key than the one that is given or remembered: 1, and nothing is published', async (t) => {
  const { network, device, reader, admin, cli } = await scene(t)
  const message = ['-t', 'plant/door', '-m', secret, '--identity', device, '--mac']
  const other = reader.replace('.pem', '.pub.pem')
  for (const name of ['pub', 'rr']) {
    const answer = name === 'rr' ? ['-e', 'plant/answer'] : []
    const ended = await cli(name, ...message, ...answer, '--broker-key', other)
    assertOneLine(ended, 1, /did not prove to be the broker it is known as/)
  }
  assert.deepEqual(await admin.publishes(), [])
  assertNotInClear(network)
})

for (const [name, version] of [
  ['MQTT 3.1.1', 'mqttv311'],
  ['MQTT 5', 'mqttv5'],
] as const) {
  test(`${name}: a broker that goes away before it acknowledges ends pub and rr with 2, and they do not hang`, async (t) => {
    const { network, device, start } = await scene(t)
    for (const [command, more] of [
      ['pub', ['--identity', device]],
      // Publishes are held back for the proof of the broker.
      ['pub', ['--identity', device, '--mac']],
      ['pub', ['-q', '2', '--identity', device]],
      ['rr', ['-e', 'plant/answer', '-q', '1', '--identity', device]],
    ] as const) {
      const dropped = network.attack('to broker', publishOn('plant/door'), drop)
      const ended = start(command, '-V', version, '-t', 'plant/door', '-m', 'x', ...more).ended
      await dropped
      network.cut()
      assertOneLine(await ended, 2, /connection (to the broker was lost|broke before)/)
    }
  })
}

test('a broker that goes away ends pub -l with 2, though its input is open', async (t) => {
  const { network, home } = await scene(t)
  const args = [...cliArguments, 'pub', '-h', host, '-p', `${network.port}`, '-t', 'lobby/a', '-q', '1', '-l']
  const options = { env: { HOME: home }, input: 'one\n', isInputOpen: true }
  const publisher = new TestProcess(t, process.execPath, args, options)
  await network.seen('to client', isPacket('puback'))
  network.cut()
  assertOneLine(await publisher.ended, 2, /the connection to the broker was lost/)
})

test('rr whose broker goes away while it waits for the answer ends with 2; one whose answer topic is refused with 1', async (t) => {
  const { network, start, cli } = await scene(t)
  const asking = start('rr', '-d', '-t', 'lobby/ask', '-e', 'lobby/answer', '-q', '1', '-m', 'time?', '-W', '25')
  await asking.errorLine(/^received PUBACK/)
  network.cut()
  const { code, stdout, stderr } = await asking.ended
  assert.deepEqual([code, stdout], [2, ''])
  assert.match(stderr, /\nnotarymq rr: the connection broke before the answer came\n$/)
  assertOneLine(
    await cli('rr', '-t', 'lobby/ask', '-e', '$notary/admin/response/another', '-m', 'time?', '-W', '25'),
    1,
    /refused/,
  )
})

test('sub whose broker goes away goes on when it is back, and ends with 0 when it is told to', async (t) => {
  const { network, port, start } = await scene(t)
  const subscriber = start('sub', '-d', '-t', 'lobby/#', '-q', '1')
  await subscriber.errorLine(/^received SUBACK/)
  network.cut()
  // Each connection subscribes to what is asked for, and to refusals of its own.
  await network.seen('to client', isPacket('suback'), 4)
  const publisher = await TestClient.connect(t, port)
  assert.equal(await publisher.publish('lobby/a', 'back again'), 0)
  await subscriber.line(/^back again$/)
  subscriber.child.kill('SIGTERM')
  assert.equal((await subscriber.ended).code, 0)
})

for (const [what, offsetMs, says] of [
  ['behind', -hourMs, /not-fresh: .*clock of this machine is behind; set it$/m],
  ['ahead', hourMs, /signed-in-future: the clock of this machine is ahead; set it$/m],
] as const) {
  test(`a clock that is an hour ${what} is refused where freshness is asked for, in a line that names the clock, with 1`, async (t) => {
    const { port } = await spawnBroker(t, { lines: ['notary_protect plant/# signed fresh 30'] })
    const device = join(temporaryDirectory(t), 'device.pem')
    const { publicKey } = generateIdentity(device)
    const admin = await TestAdmin.connect(t, port)
    await admin.request('keys.enroll', { key: publicKey, name: 'device' })
    const message = ['pub', '-h', host, '-p', `${port}`, '-t', 'plant/door', '-m', secret, '--identity', device]
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() + offsetMs })
    const refused = await runHere(...message)
    t.mock.timers.reset()
    assertOneLine(refused, 1, says)
    assert.equal((await runHere(...message)).code, 0)
    assert.equal((await admin.publishes({ topic: 'plant/#' })).length, 1)
  })
}

test('a policy that asks for more says what to add: a signature, an enrolled key', async (t) => {
  const { network, reader } = await scene(t)
  const message = ['pub', '-h', host, '-p', `${network.port}`, '-q', '1', '-t', 'plant/door', '-m', 'x']
  assertOneLine(await runHere(...message), 1, /not-signed: sign it with --identity$/m)
  assertOneLine(await runHere(...message, '--identity', reader), 1, /unknown-key: enroll the key/)
})

test('secure_mqtt_client refuses a token of Fernet that is an hour old, with 1 and a word about clocks', async (t) => {
  const { port } = await startBroker(t)
  const responder = await TestClient.connect(t, port)
  await responder.subscribe('net1/+/request', 1)
  const pair = new DhKeyPair(defaultDhParameters())
  let key: Uint8Array | undefined
  responder.mqtt.on('message', (topic, payload) => {
    if (topic === 'net1/key-exchange/request') {
      key = pair.fernetKeyWith(payload.toString())
      responder.mqtt.publish('net1/key-exchange/response', pair.publicPem, { qos: 1 })
    } else if (topic === 'net1/uppercase/request' && key !== undefined) {
      const text = openFernet(key, payload.toString(), Date.now())
      responder.mqtt.publish('net1/uppercase/response', sealFernet(key, text, Date.now() - hourMs), { qos: 1 })
    }
  })
  const ended = await runCommandHere(secureMqttClient, ['-p', `${port}`, '-W', '28', 'net1', 'uppercase', secret])
  assertOneLine(ended, 1, /3600 s old: compare the clocks/)
})
