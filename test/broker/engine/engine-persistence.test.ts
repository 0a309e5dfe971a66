import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EnginePersistence } from '../../../broker/engine/engine-persistence.ts'
import { startBroker } from '../../helpers/broker.ts'
import { connectBytes } from '../../helpers/conformance/build.ts'
import { RawMqtt } from '../../helpers/raw-mqtt.ts'

test('the engine finds the native async setup that it asks for', () => {
  // It checks the name of the constructor: compiled for less than ES2017, the class would not be taken.
  assert.equal(EnginePersistence.prototype.setup.constructor.name, 'AsyncFunction')
})

test('whatever clients do, the engine keeps nothing of theirs: its corner of the store stays empty', async (t) => {
  const { port, broker } = await startBroker(t)
  const will = { topic: 'w', payload: 'gone', qos: 1 }
  for (const clientId of ['first', 'second', '__proto__']) {
    const client = await RawMqtt.open(t, port)
    client.write(connectBytes({ level: 5, clientId, clean: false, will, properties: [['sessionExpiryInterval', 100]] }))
    assert.equal((await client.next('connack')).body[1], 0)
    client.reset()
    await client.closed
  }
  const corner = broker.chain.database.sublevel<string, string>('engine', {
    keyEncoding: 'utf8',
    valueEncoding: 'utf8',
  })
  assert.deepEqual(await corner.keys().all(), [])
})
