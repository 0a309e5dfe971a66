import { test } from 'node:test'
import { startBroker } from '../../helpers/broker.ts'
import { RawMqtt } from '../../helpers/raw-mqtt.ts'

test('a connection whose first byte begins no CONNECT is closed at once, long before the connect timeout', {
  timeout: 30_000,
}, async (t) => {
  const { port } = await startBroker(t, { connectTimeoutSeconds: 86_400 })
  for (const bytes of ['G', 'GET /', '\x30', '\x00']) {
    const client = await RawMqtt.open(t, port)
    client.write(Buffer.from(bytes, 'latin1'))
    await client.closed
  }
})
