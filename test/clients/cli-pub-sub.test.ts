import assert from 'node:assert/strict'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { generateIdentity } from '../../clients/identity/index.ts'
import { cliArguments, startBroker } from '../helpers/broker.ts'
import { runCli, TestProcess } from '../helpers/processes.ts'
import { isPacket, TamperingProxy } from '../helpers/tampering-proxy.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

/** A broker that asks for signatures on plant/#, and a device whose key it knows; everybody's files in one directory. */
async function scene(t: TestContext) {
  const { port, location } = await startBroker(t, {
    protect: [{ filter: 'plant/#', signed: true }],
    checkpointIntervalMs: 100,
  })
  const home = temporaryDirectory(t)
  const [device, reader] = [join(home, 'press-7.pem'), join(home, 'reader.pem')]
  generateIdentity(device)
  generateIdentity(reader)
  const cli = (...args: readonly string[]) =>
    runCli(t, [args[0] as string, '-p', `${port}`, ...args.slice(1)], { env: { HOME: home } })
  const { code } = await cli('enroll', device, '--name', 'press-7')
  assert.equal(code, 0)
  const publish = (...args: readonly string[]) => cli('pub', ...args)
  /** A subscriber, once it has subscribed. */
  const subscribe = async (...args: readonly string[]) => {
    const subscriber = new TestProcess(
      t,
      process.execPath,
      [...cliArguments, 'sub', '-p', `${port}`, '-d', '-W', '25', ...args],
      { env: { HOME: home } },
    )
    await subscriber.errorLine(/^received SUBACK/)
    return subscriber
  }
  return { port, location, home, device, reader, publish, subscribe }
}

const keyOf = (path: string) => path.replace(/\.pem$/, '.pub.pem')

test('sub says who signed what and whether it verified, whatever carries the signature', async (t) => {
  const { device, publish, subscribe } = await scene(t)
  const subscriber = await subscribe('-t', '#', '-v', '-C', '4', '--keys', keyOf(device))
  const signed = ['--identity', device]
  assert.equal((await publish('-t', 'plant/a', '-m', 'attached', ...signed)).code, 0)
  assert.equal((await publish('-t', 'plant/b', '-m', 'detached', '--detached', ...signed)).code, 0)
  assert.equal((await publish('-t', 'plant/c', '-m', 'with a MAC', '--mac', ...signed)).code, 0)
  assert.equal((await publish('-t', 'lobby/door', '-m', 'open')).code, 0)
  const { code, stdout } = await subscriber.ended
  assert.equal(code, 0)
  const lines = stdout.trim().split('\n')
  assert.match(lines[0] ?? '', /^plant\/a attached {2}\[press-7 #\d+\]$/)
  assert.match(lines[1] ?? '', /^plant\/b detached {2}\[press-7 #\d+\]$/)
  assert.match(lines[2] ?? '', /^plant\/c with a MAC {2}\[press-7 #\d+\]$/)
  assert.equal(lines[3], 'lobby/door open  [unsigned]')
})

test('--verify-only prints what a key of --keys signed, and nothing else', async (t) => {
  const { device, reader, publish, subscribe } = await scene(t)
  const subscriber = await subscribe('-t', '#', '-C', '1', '--verify-only', '--keys', keyOf(device))
  assert.equal((await publish('-t', 'lobby/door', '-m', 'unsigned')).code, 0)
  assert.equal((await publish('-t', 'lobby/door', '-m', 'by another key', '--identity', reader)).code, 0)
  assert.equal((await publish('-t', 'lobby/door', '-m', 'by the device', '--identity', device)).code, 0)
  assert.equal((await subscriber.ended).stdout, 'by the device\n')
})

test('what is encrypted for a reader, or under a pre-shared key, opens with that key and for nobody else', async (t) => {
  const { home, device, reader, publish, subscribe } = await scene(t)
  const psk = join(home, 'keys.psk')
  writeFileSync(psk, `plant-2026:${'5a'.repeat(16)}\n`, { mode: 0o600 })
  const format = ['-F', '%t %p %v %e']
  const keys = ['--keys', keyOf(device)]
  const readers = await Promise.all([
    subscribe('-t', 'plant/#', '-C', '2', ...format, ...keys, '--identity', reader, '--psk', psk),
    subscribe('-t', 'plant/#', '-C', '2', ...format, ...keys, '--identity', device),
  ])
  const signed = ['--identity', device]
  assert.equal((await publish('-t', 'plant/a', '-m', 'for you', ...signed, '--encrypt-for', keyOf(reader))).code, 0)
  assert.equal((await publish('-t', 'plant/b', '-m', 'for us', ...signed, '--psk', psk)).code, 0)
  const [theirs, others] = await Promise.all(readers.map(({ ended }) => ended))
  assert.equal(theirs?.stdout, 'plant/a for you verified 1\nplant/b for us verified 1\n')
  assert.equal(others?.stdout, 'plant/a  no-key 1\nplant/b  no-key 1\n')
})

test('--receipt waits for proof that the message is in the log, which audit verify-receipt accepts', async (t) => {
  const { home, port, location, device, publish } = await scene(t)
  const file = join(home, 'proof.json')
  const { code, stdout } = await publish('-t', 'plant/a', '-m', 'x', '--identity', device, '--receipt-file', file)
  assert.equal(code, 0)
  const [, index, size] =
    /^recorded as (\d+) in notarymq\/[0-9a-f]{16}, proved for its first (\d+) records\n$/.exec(stdout) ?? []
  assert.ok(Number(index) < Number(size), stdout)
  assert.equal(JSON.parse(readFileSync(file, 'utf8')).index, Number(index))
  const brokerKey = join(location, 'keys', 'broker.pub.pem')
  const checked = await runCli(t, ['audit', 'verify-receipt', file, '--broker-key', brokerKey])
  assert.deepEqual([checked.code, checked.stderr], [0, ''])
  assert.match(checked.stdout, new RegExp(`\\n {2}leaf ${index} of ${size} in notarymq/`))
  const identity = await runCli(t, ['identity', '-p', `${port}`, '--json'], { env: { HOME: home } })
  assert.equal(
    JSON.parse(identity.stdout).trust,
    'known',
    'the file that pub remembered the broker in is that of identity',
  )
})

test('pub publishes line by line, and again and again, in order; what is refused is told and the exit code is 1', async (t) => {
  const { port, home, publish, subscribe } = await scene(t)
  const subscriber = await subscribe('-t', 'lobby/#', '-C', '5', '-q', '1')
  const lines = await runCli(t, ['pub', '-p', `${port}`, '-t', 'lobby/a', '-q', '1', '-l'], {
    env: { HOME: home },
    input: 'one\ntwo\r\n\n',
  })
  assert.deepEqual([lines.code, lines.stderr], [0, ''])
  assert.equal((await publish('-t', 'lobby/b', '-m', 'x', '--repeat', '2', '-q', '2')).code, 0)
  assert.equal((await subscriber.ended).stdout, 'one\ntwo\n\nx\nx\n')
  const { code, stderr } = await publish('-t', 'plant/a', '-m', 'x', '-q', '1', '--repeat', '2')
  assert.equal(code, 1)
  assert.equal(stderr.match(/refused/g)?.length, 2, stderr)
})

test('rr publishes a request and prints the first answer', async (t) => {
  const { port, home, publish, subscribe } = await scene(t)
  const responder = await subscribe('-t', 'lobby/ask', '-C', '1', '-F', '%p for %R')
  const asking = runCli(
    t,
    ['rr', '-p', `${port}`, '-t', 'lobby/ask', '-e', 'lobby/answer', '-m', 'time?', '-W', '20'],
    { env: { HOME: home } },
  )
  assert.equal((await responder.ended).stdout, 'time? for lobby/answer\n')
  assert.equal((await publish('-t', 'lobby/answer', '-m', 'noon')).code, 0)
  const { code, stdout } = await asking
  assert.deepEqual([code, stdout], [0, 'noon\n'])
})

test('sub sends the properties of -D with SUBSCRIBE, UNSUBSCRIBE and DISCONNECT', async (t) => {
  const { port, home } = await scene(t)
  const network = await TamperingProxy.start(t, port)
  const packets = ['subscribe', 'unsubscribe', 'disconnect'] as const
  const properties = packets.flatMap((packet) => ['-D', packet, 'user-property', 'because', `of ${packet}`])
  const args = ['sub', '-p', `${network.port}`, '-t', 'a', '-U', 'b', '-E', ...properties]
  const { code, stderr } = await runCli(t, args, { env: { HOME: home } })
  assert.deepEqual([code, stderr], [0, ''])
  for (const packet of packets) {
    const sent = network.seenSoFar('to broker', isPacket(packet))
    assert.ok(
      sent.some((unit) => unit.includes(`of ${packet}`)),
      packet,
    )
  }
})

test('a wait that is over ends with 27, as with Mosquitto, and what is wrong with one line and 2', async (t) => {
  const { port, home, device, publish } = await scene(t)
  const cli = (...args: readonly string[]) => runCli(t, args, { env: { HOME: home } })
  assert.equal((await cli('sub', '-p', `${port}`, '-t', 'a', '-W', '0.2')).code, 27)
  assert.equal((await cli('rr', '-p', `${port}`, '-t', 'a', '-e', 'b', '-n', '-W', '0.2')).code, 27)
  const psk = join(home, 'open.psk')
  writeFileSync(psk, `a:${'5a'.repeat(16)}\n`)
  chmodSync(psk, 0o644)
  for (const [args, says] of [
    [['-t', 'a', '-m', 'x', '-A', '127.0.0.1'], /-A: binding/],
    [['-t', 'a', '-m', 'x', '--psk-identity', 'a'], /TLS with a pre-shared key/],
    [['-t', 'a', '-m', 'x', '-n'], /only one of/],
    [['-t', 'a'], /what to publish/],
    [['-t', 'a/#', '-m', 'x'], /not a topic name/],
    [['-t', 'a', '-m', 'x', '--psk', psk], /chmod 600/],
    [['-t', 'a', '-m', 'x', '--mac'], /--identity/],
    [['-t', 'a', '-m', 'x', '--receipt', '-q', '0'], /QoS/],
    [['-t', 'a', '-m', 'x', '--identity', join(home, 'absent.pem')], /absent\.pem/],
    [['-t', 'a', '-m', 'x', '--identity', device, '--broker-key', keyOf(device), '--mac'], /did not prove/],
  ] as const) {
    const { code, stdout, stderr } = await publish(...args)
    const expected = /did not prove/.test(says.source) ? 1 : 2
    assert.deepEqual([code, stdout], [expected, ''], args.join(' '))
    assert.match(stderr, says)
    assert.ok(!stderr.includes('    at '), stderr)
  }
})
