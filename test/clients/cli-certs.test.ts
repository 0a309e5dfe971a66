import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { certs } from '../../broker/commands/certs.ts'
import { exitCode } from '../../clients/cli/command.ts'
import { runCommandHere } from '../helpers/cli.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

const runCerts = (...args: readonly string[]) => runCommandHere(certs, args)

const serialIn = (directory: string, name: string) =>
  new X509Certificate(readFileSync(join(directory, `${name}.crt`))).serialNumber

test('certs makes authority, server and clients, and prints what to paste and what to try', async (t) => {
  const directory = join(temporaryDirectory(t), 'my certs')
  const { code, stdout, stderr } = await runCerts(directory, '--client', 'press-7', '--client', 'two')
  assert.deepEqual({ code, stderr }, { code: exitCode.ok, stderr: '' })
  const files = ['ca.crt', 'ca.key', 'press-7.crt', 'press-7.key', 'server.crt', 'server.key', 'two.crt', 'two.key']
  assert.deepEqual(readdirSync(directory).sort(), files)
  const lines = stdout.split('\n')
  for (const line of [
    'listener 8883',
    `cafile ${directory}/ca.crt`,
    `certfile ${directory}/server.crt`,
    `keyfile ${directory}/server.key`,
    'require_certificate true',
    'use_identity_as_username true',
    `mosquitto_pub -h localhost -p 8883 --cafile '${directory}/ca.crt' --cert '${directory}/press-7.crt' --key '${directory}/press-7.key' -t test -m hello`,
  ]) {
    assert.ok(lines.includes(line), line)
  }
  const { subjectAltName } = new X509Certificate(readFileSync(join(directory, 'server.crt')))
  assert.equal(subjectAltName, 'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1')
})

test('certs adds clients and revocations later, and leaves the server as it is', async (t) => {
  const directory = temporaryDirectory(t)
  await runCerts(directory, '--host', 'broker.example', '--host', '192.0.2.7')
  const server = serialIn(directory, 'server')
  const added = await runCerts(directory, '--client', 'a', '--json')
  const { certFile, keyFile, name } = JSON.parse(added.stdout).clients[0]
  assert.deepEqual([name, existsSync(certFile), existsSync(keyFile)], ['a', true, true])
  const revoked = await runCerts(directory, '--revoke', 'a', '--json')
  assert.deepEqual(JSON.parse(revoked.stdout).revoked, ['a'])
  assert.match((await runCerts(directory, '--client', 'b')).stdout, /^crlfile .*ca\.crl$/m)
  assert.equal(serialIn(directory, 'server'), server)
})

test('certs overwrites no certificate without --force, and makes nothing when one is in the way', async (t) => {
  const directory = temporaryDirectory(t)
  await runCerts(directory, '--client', 'a')
  const before = [serialIn(directory, 'server'), serialIn(directory, 'a')]
  for (const args of [
    ['--client', 'b', '--client', 'a'],
    ['--client', 'b', '--host', 'x'],
  ]) {
    const { code, stdout, stderr } = await runCerts(directory, ...args)
    assert.deepEqual([code, stdout], [exitCode.usage, ''])
    assert.match(stderr, /exists already/)
    assert.equal(existsSync(join(directory, 'b.crt')), false)
  }
  assert.deepEqual([serialIn(directory, 'server'), serialIn(directory, 'a')], before)
  assert.equal((await runCerts(directory, '--client', 'a', '--force')).code, exitCode.ok)
  assert.equal(serialIn(directory, 'server'), before[0])
  assert.notEqual(serialIn(directory, 'a'), before[1])
  assert.equal((await runCerts(directory, '--force')).code, exitCode.ok)
  assert.notEqual(serialIn(directory, 'server'), before[0])
})

test('certs refuses wrong arguments with exit code 2 before it writes anything', async (t) => {
  const directory = join(temporaryDirectory(t), 'none')
  for (const args of [
    ['--host', 'a b'],
    ['--client', '../a'],
    ['--revoke', 'ca'],
    ['--days', '0'],
    ['--days', 'ten'],
    ['another'],
    ['--nonsense'],
  ]) {
    const { code, stdout } = await runCerts(directory, ...args)
    assert.deepEqual([code, stdout], [exitCode.usage, ''], args.join(' '))
    assert.equal(existsSync(directory), false)
  }
})

test('certs without clients says that somebody has to be let in, and lasts as long as --days says', async (t) => {
  const directory = temporaryDirectory(t)
  const { stdout } = await runCerts(directory, '--days', '3', '--json')
  const { server } = JSON.parse(stdout)
  const days = (Date.parse(server.notAfter) - Date.now()) / 86_400_000
  assert.ok(days > 2.9 && days <= 3, String(days))
  const again = await runCerts(directory, '--force')
  assert.doesNotMatch(again.stdout, /require_certificate|--cert /)
  assert.match(again.stdout, /^# .*password_file/m)
})

test('the help of certs fits in 120 columns', () => {
  assert.ok(certs.help.split('\n').every((line) => line.length <= 120))
})
