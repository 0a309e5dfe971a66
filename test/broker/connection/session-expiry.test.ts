import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startBroker } from '../../helpers/broker.ts'
import { connectBytes, persistent } from '../../helpers/conformance/build.ts'
import { RawMqtt } from '../../helpers/raw-mqtt.ts'

const never = 0xffff_ffff
/** Session Expiry Interval of 3600 seconds. [MQTT-5.0 3.2.2.3.2] */
const hour = Buffer.from('1100000e10', 'hex')

test('a MQTT 5 client is told of the session expiry that holds when it is shorter than it asked for', async (t) => {
  const { port } = await startBroker(t, { persistentClientExpirationSeconds: 3600 })
  const connackOf = async (fields: Parameters<typeof connectBytes>[0]) => {
    const client = await RawMqtt.open(t, port)
    client.write(connectBytes({ clientId: 'c', ...fields }))
    return (await client.next('connack')).body
  }
  for (const asked of [3601, never]) {
    assert.equal((await connackOf({ level: 5, ...persistent(5, asked) })).includes(hour), true, `${asked}`)
  }
  for (const asked of [0, 1, 3600]) {
    assert.equal((await connackOf({ level: 5, ...persistent(5, asked) })).includes(0x11), false, `${asked}`)
  }
  assert.deepEqual(await connackOf({ level: 4, clean: false }), Buffer.from([1, 0]), '3.1.1 has no such property')
})

test('without persistent_client_expiration a session lives as long as its client asks', async (t) => {
  const { port } = await startBroker(t)
  const client = await RawMqtt.open(t, port)
  client.write(connectBytes({ clientId: 'c', level: 5, ...persistent(5, never) }))
  assert.equal((await client.next('connack')).body.includes(0x11), false)
})
