import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { witnessCommand } from '../../../broker/commands/witness.ts'
import { runCommandHere } from '../../helpers/cli.ts'
import { witnessKey } from '../../helpers/notes.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { forkedLog, growingLog } from '../../helpers/test-log.ts'
import { cosignaturesOf, spawnWitness, verifierOf } from '../../helpers/witnessing.ts'

const log = growingLog('example.com/log', 20)
const fork = forkedLog('example.com/log', 20, 3)

const here = (t: TestContext, ...args: readonly string[]) => {
  const directory = temporaryDirectory(t)
  return runCommandHere(witnessCommand, ['--key', join(directory, 'key'), '--db', join(directory, 'db'), ...args])
}

test('the witness makes its key, says its verifier key, cosigns, and goes on from there after SIGTERM', async (t) => {
  const directory = temporaryDirectory(t)
  const first = await spawnWitness(t, directory, [log.key.vkey])
  assert.equal(statSync(join(directory, 'witness.pem')).mode & 0o777, 0o600)
  assert.equal(readFileSync(join(directory, 'witness.pem.vkey'), 'utf8'), `${first.vkey}\n`)
  const cosigned = await first.post(log.request(0, 5))
  assert.equal(cosigned.status, 200)
  assert.equal(cosignaturesOf(cosigned.body, log.checkpoint(5), verifierOf(first.vkey)).length, 1)
  first.process.child.kill('SIGTERM')
  const { code, stdout, stderr } = await first.process.ended
  assert.deepEqual([code, stderr], [0, ''])
  assert.match(stdout, /^cosigned example\.com\/log 5$/m)
  const second = await spawnWitness(t, directory, [log.key.vkey])
  assert.equal(second.vkey, first.vkey)
  assert.deepEqual(await second.post(fork.request(0, 6)), { status: 409, body: '5\n' })
  assert.equal((await second.post(fork.request(5, 5))).status, 422)
  second.process.child.kill('SIGTERM')
  assert.match((await second.process.ended).stderr, /^ALARM: example\.com\/log signed another tree of size 5 /m)
})

test('what is missing, is no log key, or is in use ends the command with 2 before it listens', async (t) => {
  const { vkey } = log.key
  const wrong = [
    ['--log', vkey],
    ['-p', '0'],
    ['-p', '65536', '--log', vkey],
    ['-p', '0', '--log', 'example.com/log+00000000+AAAA'],
    ['-p', '0', '--log', witnessKey('example.com/w', 3).vkey],
    ['-p', '0', '--log', vkey, '--bind', '192.0.2.1'],
    ['-p', '0', '--log', vkey, '--name', 'two words'],
    ...['http://127.0.0.1', 'mqtt://', 'mqtts://127.0.0.1', 'mqtt://user@127.0.0.1'].map((url) => [
      '--url',
      url,
      '--log',
      vkey,
    ]),
  ]
  for (const args of wrong) {
    const { code, stderr } = await here(t, ...args)
    assert.equal(code, 2, args.join(' '))
    assert.match(stderr, /^notarymq witness: /)
  }
  assert.equal((await runCommandHere(witnessCommand, ['-p', '0', '--log', vkey, '--db', 'x'])).code, 2)
  assert.equal((await runCommandHere(witnessCommand, ['-p', '0', '--log', vkey, '--key', 'x'])).code, 2)
})
