import assert from 'node:assert/strict'
import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { BrokerError } from '../../../broker/errors.ts'
import { becomeUser, findUser } from '../../../broker/process/become-user.ts'
import { writePidFile } from '../../../broker/process/pid-file.ts'
import { spawnBroker } from '../../helpers/broker.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

const throws = (run: () => unknown, code: string) =>
  assert.throws(run, (error) => error instanceof BrokerError && error.code === code)

test('the pid file has the process id while the broker runs', (t) => {
  const path = join(temporaryDirectory(t), 'pid')
  const remove = writePidFile(path)
  assert.equal(readFileSync(path, 'utf8'), `${process.pid}\n`)
  remove()
  assert.equal(existsSync(path), false)
  throws(() => writePidFile(join(path, 'below', 'nothing')), 'ERR_PID_FILE')
})

test('a user is looked up by the whole name, and an entry that is no entry is none', () => {
  const passwd = 'root:x:0:0::/root:/bin/sh\nmosquitto:x:110:118::/:/bin/false\nbroken:x:a:b\nshort\n'
  assert.deepEqual(findUser('mosquitto', passwd), { uid: 110, gid: 118 })
  for (const name of ['mosq', 'broken', 'short', '', 'x']) assert.equal(findUser(name, passwd), undefined, name)
})

const isRoot = process.getuid?.() === 0

test('root that is to become nobody known does not start; who is not root stays', (t) => {
  const location = join(temporaryDirectory(t), 'data')
  if (isRoot) throws(() => becomeUser('no-such-user', location), 'ERR_USER_UNKNOWN')
  else becomeUser('no-such-user', location)
  becomeUser('root', location)
  assert.equal(existsSync(location), false)
})

test('started as root it becomes the user, whom its data belong to', {
  skip: isRoot ? false : 'needs root',
}, async (t) => {
  const directory = temporaryDirectory(t)
  // The way to it must be open to that user.
  chmodSync(directory, 0o755)
  const location = join(directory, 'data')
  const { port, child } = await spawnBroker(t, { location, lines: ['user nobody'] })
  const client = await TestClient.connect(t, port)
  assert.equal(await client.publish('a', 'x', { qos: 1 }), 0)
  const nobody = findUser('nobody', readFileSync('/etc/passwd', 'utf8'))
  assert.equal(statSync(location).uid, nobody?.uid)
  assert.match(readFileSync(`/proc/${child.pid}/status`, 'utf8'), new RegExp(`^Uid:\\t${nobody?.uid}\\t`, 'm'))
})
