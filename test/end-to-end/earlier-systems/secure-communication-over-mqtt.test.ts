/** "Secure communication over MQTT": passwords, TLS where it is asked for, and keys that rest under a passphrase. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { TestAdmin } from '../../helpers/admin.ts'
import { startBroker } from '../../helpers/broker.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { runHere } from '../../helpers/cli.ts'
import { connectPacket } from '../../helpers/mqtt-bytes.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { passwordLine } from '../../helpers/passwords.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { startTwoListeners } from '../../helpers/two-listeners.ts'

function fileWith(t: TestContext, text: string): string {
  const path = join(temporaryDirectory(t), 'file')
  writeFileSync(path, text)
  return path
}

test('a username and its password get in, over plain TCP and TLS alike; a wrong password, another name or none do not', async (t) => {
  const passwordFile = fileWith(t, `${passwordLine('ann', 'secret')}\n`)
  const site = await startTwoListeners(t, { passwordFile, allowAnonymous: false, anonymousAdmin: false })
  for (const over of [site.overPlain, site.overTls]) {
    const client = await over({ username: 'ann', password: 'secret' })
    assert.equal(await client.publish('a', 'b'), 0)
    for (const login of [{ username: 'ann', password: 'Secret' }, { username: 'bob', password: 'secret' }, {}]) {
      await assert.rejects(over(login), ({ code }: { code: number }) => code === 0x86 || code === 0x87)
    }
  }
  assert.equal(site.broker.counters.accepted, 2)
})

test('TLS is where it is asked for: who does not trust the certificate stays out, and the plain listener needs none', async (t) => {
  const { overPlain, overTls, port } = await startTwoListeners(t)
  await assert.rejects(overTls({ ca: [] }))
  for (const client of [await overPlain(), await overTls()]) assert.equal(await client.publish('a', 'b'), 0)
  await assert.rejects(TestClient.connect(t, `mqtts://127.0.0.1:${port}`, { rejectUnauthorized: false }))
})

test('plain MQTT on a TLS listener is refused without a word of MQTT, and nothing of it gets into the chain', async (t) => {
  const { tlsPort, port } = await startTwoListeners(t)
  const socket = connect(tlsPort, '127.0.0.1')
  atEnd(t, () => socket.destroy())
  const answer: Buffer[] = []
  socket.on('data', (piece) => answer.push(piece))
  socket.on('error', () => {
    // A reset is as good a refusal.
  })
  socket.write(connectPacket({ clientId: 'plain', version: 4 }))
  await once(socket, 'close')
  // A TLS alert (RFC 8446 section 6) at most: no CONNACK, whose first byte is 0x20.
  assert.ok(answer.length === 0 || answer[0]?.[0] === 0x15, Buffer.concat(answer).toString('hex'))
  await assert.rejects(TestClient.connect(t, tlsPort))
  const admin = await TestAdmin.connect(t, port)
  assert.deepEqual(await admin.publishes(), [])
})

test('keys at rest are under a passphrase: a client’s and the broker’s, and neither starts with a wrong one', async (t) => {
  const directory = temporaryDirectory(t)
  const [right, wrong] = [fileWith(t, 'correct horse\n'), fileWith(t, 'guess\n')]
  const key = join(directory, 'device.pem')
  assert.equal((await runHere('keygen', key, '--passphrase-file', right)).code, 0)

  const location = join(directory, 'data')
  const { port, broker } = await startBroker(t, { location, keyPassphraseFile: right })
  const keys = readdirSync(join(location, 'keys')).filter((name) => name.endsWith('.pem') && !name.includes('.pub.'))
  assert.ok(keys.length >= 2, keys.join())
  for (const file of [key, ...keys.map((name) => join(location, 'keys', name))]) {
    assert.match(readFileSync(file, 'latin1'), /^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/, file)
  }

  const at = ['-h', '127.0.0.1', '-p', `${port}`]
  const publish = (passphrase: string) =>
    runHere('pub', ...at, '-t', 'a', '-m', 'b', '--identity', key, '--passphrase-file', passphrase)
  assert.equal((await publish(right)).code, 0)
  const refused = await publish(wrong)
  assert.deepEqual([refused.code, refused.stdout], [2, ''])
  assert.match(refused.stderr, /^notarymq pub: the passphrase does not open [^\n]+\n$/)
  assert.equal(broker.counters.accepted, 1)

  await broker.close()
  await assert.rejects(startBroker(t, { location, keyPassphraseFile: wrong }), { code: 'ERR_KEY_PASSPHRASE' })
})
