import assert from 'node:assert/strict'
import { test } from 'node:test'
import { engineClientId } from '../../../broker/connection/engine-client-id.ts'
import { startBroker } from '../../helpers/broker.ts'
import { RawMqtt } from '../../helpers/raw-mqtt.ts'

test('the engine knows no client by a name that every object has, and different clients by different names', () => {
  const ids = ['__proto__', 'constructor', 'toString', 'c:', 'c:a', 'a', 'h:a', 'x'.repeat(65_534), 'x'.repeat(65_535)]
  const names = ids.map(engineClientId)
  assert.equal(new Set(names).size, ids.length)
  for (const name of names) {
    assert.equal(name in {}, false)
    assert.ok(Buffer.byteLength(name) <= 65_535)
  }
})

test('a client id of 65,535 bytes is one like others', async (t) => {
  const { port } = await startBroker(t)
  const clientId = 'x'.repeat(65_535)
  for (const version of [4, 5] as const) {
    const first = await RawMqtt.connect(t, port, { clientId, version })
    // The next one takes over.
    const second = await RawMqtt.connect(t, port, { clientId, version })
    await first.closed
    second.reset()
  }
})
