import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BridgeOptions } from '../../../broker/bridges/bridge-options.ts'
import { p256ToJwk } from '../../../protocol/index.ts'
import { bridgeOptions, topicLine } from '../../broker/bridges/bridge-fixture.ts'
import { TestAdmin } from '../../helpers/admin.ts'
import { startBroker } from '../../helpers/broker.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { eventually } from '../directives/support.ts'
import { type Carrier, Device, refusedAt, shown, subscriber } from './device.ts'

const key = numberedKey(1)
const ways: readonly [BridgeOptions['protocolVersion'], Carrier][] = [
  ['mqttv311', 'attached'],
  ['mqttv50', 'attached'],
  ['mqttv50', 'detached'],
]

for (const [protocolVersion, carrier] of ways) {
  test(`${protocolVersion}, ${carrier}: an envelope that a bridge brings is verified against the topic that it had over there, and both topics are recorded`, async (t) => {
    const remote = await startBroker(t)
    const there = await TestAdmin.connect(t, remote.port)
    await there.request('keys.enroll', { key: p256ToJwk(key), name: 'device' })
    const topics = [{ ...topicLine('#', 'in', 2), localPrefix: 'site/', remotePrefix: 'cloud/' }]
    const options = { protect: [{ filter: 'site/#', signed: true }], provenance: ['site/#'] } as const
    const local = await startBroker(t, {
      ...options,
      bridges: [bridgeOptions(remote.port, { protocolVersion, topics })],
    })
    const here = await TestAdmin.connect(t, local.port)
    await here.request('keys.enroll', { key: p256ToJwk(key), name: 'device', restrictions: { topics: ['cloud/#'] } })
    const session = { clientId: 'away', clean: false, properties: { sessionExpiryInterval: 600 } }
    await (await subscriber(t, local.port, 'site/#', session)).end()
    const reader = await subscriber(t, local.port, 'site/#')

    const device = await Device.connect(t, remote.port, key)
    await device.agree(there)
    const made = device.make('cloud/1', 'from there', { carrier, mac: true })
    // Retained over there, so that it comes whenever the bridge is up.
    assert.equal(await device.send('cloud/1', made, { qos: 2, retain: true }), 0)
    await reader.waitFor(1)
    const [message] = shown(reader)
    assert.equal(reader.received[0]?.topic, 'site/1')
    assert.deepEqual(message?.payload, made.delivered.payload)
    assert.deepEqual(
      message?.userProperties.slice(0, made.delivered.userProperties.length),
      made.delivered.userProperties,
    )

    const other = await TestClient.connect(t, remote.port)
    assert.equal(await other.publish('cloud/2', 'plain'), 0)
    await eventually(
      () => refusedAt(here),
      (refused) => refused['not-signed'] === 1,
    )
    const [record, ...others] = await here.publishes()
    assert.deepEqual(
      [record?.topic, record?.storedTopic, record?.outcome, record?.mac, record?.listener],
      ['cloud/1', 'site/1', 'signed', false, 'bridge:cloud'],
    )
    assert.deepEqual(others, [])
    await here.verifies(1)

    await local.broker.close()
    const again = await startBroker(t, { ...options, location: local.location })
    for (const late of [
      await subscriber(t, again.port, 'elsewhere', session),
      await subscriber(t, again.port, 'site/#'),
    ]) {
      await late.waitFor(1)
      assert.equal(late.received[0]?.topic, 'site/1')
      assert.deepEqual(shown(late), [message])
    }
  })
}

test('what was signed for the local name of a bridged topic is refused: over there it is another topic', async (t) => {
  // It does not know the key, so it passes on what it cannot judge.
  const remote = await startBroker(t)
  const topics = [{ ...topicLine('#', 'in', 1), localPrefix: 'site/', remotePrefix: 'cloud/' }]
  const local = await startBroker(t, { bridges: [bridgeOptions(remote.port, { topics })] })
  const here = await TestAdmin.connect(t, local.port)
  await here.request('keys.enroll', { key: p256ToJwk(key), name: 'device' })
  const device = await Device.connect(t, remote.port, key)
  assert.equal(await device.publish('cloud/1', 'x', { signedTopic: 'site/1', retain: true }), 0)
  await eventually(
    () => refusedAt(here),
    (refused) => refused['signature-invalid'] === 1,
  )
  assert.deepEqual(await here.publishes(), [])
})
