import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { p256ToJwk } from '../../../protocol/index.ts'
import { TestAdmin } from '../../helpers/admin.ts'
import { spawnBroker, startBroker } from '../../helpers/broker.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { mqttVersions } from '../../helpers/mqtt-clients.ts'
import { withHopMac } from '../../helpers/signing.ts'
import { type Carrier, Device, refusedAt, shown, subscriber } from './device.ts'

const topic = 'plant/1'
const key = numberedKey(1)
const levels = [0, 1, 2] as const

async function site(t: TestContext, more: object = {}) {
  const { port } = await startBroker(t, { protect: [{ filter: 'plant/#', mac: true }], ...more })
  const admin = await TestAdmin.connect(t, port)
  await admin.request('keys.enroll', { key: p256ToJwk(key), name: 'device' })
  return { port, admin }
}

const ways = mqttVersions.flatMap(({ name, version }) => {
  const carriers: readonly Carrier[] = version.protocolVersion === 5 ? ['attached', 'detached'] : ['attached']
  return carriers.map((carrier) => ({ name: `${name}, ${carrier}`, version, carrier }))
})

for (const { name, version, carrier } of ways) {
  test(`${name}: after a key exchange a hop MAC is checked and taken off before delivery, at every QoS`, async (t) => {
    const { port, admin } = await site(t)
    const device = await Device.connect(t, port, key, version)
    await device.agree(admin)
    const reader = await subscriber(t, port, 'plant/#')
    const made = levels.map((qos) => device.make(topic, `at ${qos}`, { carrier, mac: true }))
    for (const qos of levels) assert.equal(await device.send(topic, made[qos] ?? assert.fail(), { qos }), 0)
    await reader.waitFor(3)
    assert.deepEqual(
      shown(reader),
      made.map(({ delivered }) => delivered),
    )
    const records = await admin.publishes()
    assert.deepEqual(
      records.map(({ outcome, mac, qos }) => [outcome, mac, qos]),
      levels.map((qos) => ['signed', true, qos]),
    )
    await admin.verifies(4)
  })
}

test('where a hop MAC is asked for, one of nobody, of another connection, of another key, a broken one and none are refused, each with its cause', async (t) => {
  const { port, admin } = await site(t)
  const second = numberedKey(2)
  await admin.request('keys.enroll', { key: p256ToJwk(second), name: 'second' })
  const device = await Device.connect(t, port, key)
  assert.equal(await device.publish(topic, 'x'), 0x87)
  assert.equal(await device.publish(topic, 'x', { carrier: 'detached' }), 0x87)
  assert.equal(await device.client.publish(topic, withHopMac(device.signer.sign(topic, 'x'))), 0x87)
  assert.deepEqual(await refusedAt(admin), { 'mac-required': 2, 'mac-session-unknown': 1 })
  await device.agree(admin)
  for (const carrier of ['attached', 'detached'] as const) {
    const made = device.make(topic, 'x', { carrier, mac: true })
    const elsewhere = await Device.connect(t, port, device.signer)
    assert.equal(await elsewhere.send(topic, made), 0x87)
    const broken = Buffer.from(made.payload)
    broken.writeUInt8(broken.readUInt8(broken.length - 1) ^ 1, broken.length - 1)
    assert.equal(await device.send(topic, { ...made, payload: broken }), 0x87)
    // Nothing of it has taken the number.
    assert.equal(await device.send(topic, made), 0)
  }
  const other = await Device.connect(t, port, second)
  await other.agree(admin)
  // A session of one key does not speak for another one.
  assert.equal(await other.signAs(device.signer).publish(topic, 'x', { mac: true }), 0x87)
  assert.deepEqual(await refusedAt(admin), {
    'mac-required': 2,
    'mac-session-unknown': 3,
    'mac-invalid': 2,
    'mac-key-mismatch': 1,
  })
})

test('a hop MAC that nobody asked for is checked all the same, but not for a key that the log does not know', async (t) => {
  const { port, admin } = await site(t)
  const device = await Device.connect(t, port, key)
  await device.agree(admin)
  assert.equal(await device.client.publish('free', withHopMac(device.signer.sign('free', 'x'))), 0x87)
  const stranger = device.signAs(numberedKey(9))
  const reader = await subscriber(t, port, 'free')
  const { payload } = stranger.make('free', 'x', { mac: true })
  assert.equal(await device.client.publish('free', payload), 0)
  await reader.waitFor(1)
  // Opaque, so it is left as it is.
  assert.deepEqual(reader.received[0]?.payload, payload)
  assert.deepEqual(
    (await admin.publishes()).map(({ outcome, mac }) => [outcome, mac]),
    [['unknown-key', false]],
  )
})

test('after kill -9 what was queued and what is retained comes without its hop MAC, byte for byte as it was delivered before', async (t) => {
  const lines = ['notary_protect plant/# mac']
  const first = await spawnBroker(t, { lines })
  const admin = await TestAdmin.connect(t, first.port)
  await admin.request('keys.enroll', { key: p256ToJwk(key), name: 'device' })
  const session = { clientId: 'away', clean: false, properties: { sessionExpiryInterval: 600 } }
  const away = await subscriber(t, first.port, 'plant/#', session)
  await away.end()
  const live = await subscriber(t, first.port, 'plant/#')
  const device = await Device.connect(t, first.port, key)
  await device.agree(admin)
  for (const [i, carrier] of (['attached', 'detached'] as const).entries()) {
    const options = { carrier, mac: true, retain: true, user: { unit: 'C' } }
    assert.equal(await device.publish(`plant/${i}`, carrier, options), 0)
  }
  await live.waitFor(2)
  await first.stop('SIGKILL')
  const second = await spawnBroker(t, { location: first.location, lines })
  const again = await subscriber(t, second.port, 'elsewhere', session)
  await again.waitFor(2)
  const late = await subscriber(t, second.port, 'plant/#')
  await late.waitFor(2)
  assert.deepEqual(shown(again), shown(live))
  // Retained ones come in no order.
  assert.deepEqual(new Set(shown(late)), new Set(shown(live)))
  // The session died with its connection.
  const back = await Device.connect(t, second.port, device.signer)
  assert.equal(await back.send(topic, device.make(topic, 'x', { mac: true })), 0x87)
  await back.agree(await TestAdmin.connect(t, second.port))
  assert.equal(await back.publish(topic, 'x', { mac: true }), 0)
})
