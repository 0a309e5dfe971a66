import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startBroker } from '../../helpers/broker.ts'
import { publishBytes } from '../../helpers/conformance/build.ts'
import { RawMqtt } from '../../helpers/raw-mqtt.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

test('the log has a refused publish in Mosquitto’s words, with DUP and packet id, and the cause behind', {
  timeout: 30_000,
}, async (t) => {
  const directory = temporaryDirectory(t)
  const [aclFile, path] = [join(directory, 'acl'), join(directory, 'log')]
  writeFileSync(aclFile, 'topic write ok\n')
  const log = { destinations: [{ kind: 'file', path }], types: ['notice'], timestamps: false } as const
  const { port } = await startBroker(t, { aclFile, log, connectionMessages: false })
  const will = { topic: 'bad/will', payload: 'gone' }
  const client = await RawMqtt.connect(t, port, { clientId: 'c', version: 5 })
  const dying = await RawMqtt.connect(t, port, { clientId: 'w', version: 4, will })
  client.write(
    publishBytes(5, { topic: 'bad', qos: 1, dup: true, retain: true, packetId: 0x1234, payload: 'abc' }),
    publishBytes(5, { topic: 'bad' }),
    publishBytes(5, { topic: 'ok', qos: 1, packetId: 2 }),
  )
  assert.deepEqual((await client.next('puback')).body, Buffer.from('123487', 'hex'))
  await client.next('puback')
  dying.socket.destroy()
  const lines = () => readFileSync(path, 'utf8').split('\n').slice(0, -1)
  while (lines().length < 3) await sleep(10)
  assert.deepEqual(lines(), [
    "Denied PUBLISH from c (d1, q1, r1, m4660, 'bad', ... (3 bytes)): access-denied",
    "Denied PUBLISH from c (d0, q0, r0, m0, 'bad', ... (0 bytes)): access-denied",
    "Denied PUBLISH from w (d0, q0, r0, m0, 'bad/will', ... (4 bytes)): access-denied",
  ])
})
