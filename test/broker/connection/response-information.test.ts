import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startBroker } from '../../helpers/broker.ts'
import { connectBytes } from '../../helpers/conformance/build.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { RawMqtt } from '../../helpers/raw-mqtt.ts'

test('a client id that leaves no room for the Response Information behind it gets a CONNACK without, and harms nobody', async (t) => {
  const { port } = await startBroker(t, { responseInformation: 'response/' })
  const bystander = await TestClient.connect(t, port)
  const asking = async (clientId: string) => {
    const client = await RawMqtt.open(t, port)
    client.write(connectBytes({ level: 5, clientId, properties: [['requestResponseInformation', 1]] }))
    return (await client.next('connack')).body
  }
  assert.ok((await asking('short')).includes('response/short'))
  const long = await asking('i'.repeat(65_530))
  assert.deepEqual([long[1], long.includes('response/')], [0, false])
  assert.equal(await bystander.publish('t', 'still recorded'), 0)
})
