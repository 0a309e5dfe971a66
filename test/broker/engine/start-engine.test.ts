import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startBroker } from '../../helpers/broker.ts'
import { mqttVersions, TestClient } from '../../helpers/mqtt-clients.ts'
import { RawMqtt } from '../../helpers/raw-mqtt.ts'

for (const { name, version } of mqttVersions) {
  test(`${name}: without allow_anonymous nobody comes in, with and without a name`, async (t) => {
    const { port } = await startBroker(t, { allowAnonymous: false, anonymousAdmin: false })
    // [MQTT-5.0 3.2.2.2]: not authorized; 5 before.
    const code = version.protocolVersion === 5 ? 0x87 : 5
    await assert.rejects(TestClient.connect(t, port, version), { code })
    await assert.rejects(TestClient.connect(t, port, { ...version, username: 'u', password: 'p' }), { code })
  })
}

test('a client that comes again takes the place of its earlier connection, which MQTT 5 is told, and of nobody else', async (t) => {
  // [MQTT-5.0 3.1.4-3]
  const { port } = await startBroker(t)
  const other = await RawMqtt.connect(t, port, { clientId: 'c:same', version: 5 })
  const first = await RawMqtt.connect(t, port, { clientId: 'same', version: 5 })
  const second = await RawMqtt.connect(t, port, { clientId: 'same' })
  assert.equal((await first.next('disconnect')).body[0], 0x8e)
  await first.closed
  assert.deepEqual([other.isClosed, second.isClosed], [false, false])
})

test('client ids that every JavaScript object has a member for are ids like others (engine row 1)', async (t) => {
  const { port } = await startBroker(t)
  for (const clientId of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    const first = await RawMqtt.connect(t, port, { clientId, version: 5 })
    await RawMqtt.connect(t, port, { clientId, version: 5 })
    assert.equal((await first.next('disconnect')).body[0], 0x8e)
  }
})

test('a broker that ends tells MQTT 5 clients so', async (t) => {
  const { port, broker } = await startBroker(t)
  const client = await RawMqtt.connect(t, port, { clientId: 'c', version: 5 })
  const told = client.next('disconnect')
  await broker.close()
  assert.equal((await told).body[0], 0x8b)
})
