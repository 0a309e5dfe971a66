import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { keysDirectory } from '../../helpers/key-files.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { Signer } from '../../helpers/signing.ts'
import { covers, departureOf, openBroker } from './support.ts'

const device = numberedKey(1)

async function start(t: TestContext, lines: readonly string[]): Promise<number> {
  const { port } = await openBroker(t, [`notary_keys ${keysDirectory(t, { 'device-1': device })}`, ...lines])
  return port
}

/** Signed for another topic than the one it is sent to. */
const forge = (client: TestClient) => client.publish('a', new Signer(device).sign('b', 'x'))

test('notary_failure_budget closes a connection on which more signatures than that are invalid', async (t) => {
  covers('notary_failure_budget')
  const port = await start(t, ['notary_failure_budget 3'])
  const [forger, other] = [await TestClient.connect(t, port), await TestClient.connect(t, port)]
  const departure = departureOf(forger)
  for (let failure = 1; failure <= 3; failure++) assert.equal(await forge(forger), 0x87)
  assert.equal(await forger.publish('a', 'unsigned'), 0)
  // Each second another one is forgiven, so it may take more than one more.
  Promise.allSettled(Array.from({ length: 20 }, () => forge(forger)))
  await departure
  assert.equal(await other.publish('a', new Signer(device).sign('a', 'x')), 0)
})

test('notary_failure_budget 0 closes none', async (t) => {
  covers('notary_failure_budget')
  const client = await TestClient.connect(t, await start(t, ['notary_failure_budget 0']))
  for (let failure = 1; failure <= 30; failure++) assert.equal(await forge(client), 0x87)
  assert.equal(await client.publish('a', 'still here'), 0)
})

test('notary_publish_rate reads a client no faster, loses nothing of it, and holds up nobody else', async (t) => {
  covers('notary_publish_rate')
  const port = await start(t, ['notary_publish_rate 30 5'])
  const subscriber = await TestClient.connect(t, port)
  await subscriber.subscribe('#', 0)
  // A client of MQTT 5 may not have as many in flight.
  const fast = await TestClient.connect(t, port, { protocolVersion: 4 })
  const other = await TestClient.connect(t, port)
  const payloads = Array.from({ length: 120 }, (_, index) => `${index}`)
  const codes = Promise.all(payloads.map((payload) => fast.publish('fast', payload)))
  await subscriber.waitFor(1)
  assert.equal(await other.publish('other', ''), 0)
  assert.deepEqual(new Set(await codes), new Set([0]))
  await subscriber.waitFor(121)
  const topics = subscriber.received.map(({ topic }) => topic)
  assert.ok(topics.indexOf('other') < topics.lastIndexOf('fast'))
  const fastOnes = subscriber.received.filter(({ topic }) => topic === 'fast')
  assert.deepEqual(
    fastOnes.map(({ payload }) => `${payload}`),
    payloads,
  )
})
