import assert from 'node:assert/strict'
import { test } from 'node:test'
import { p256ToJwk, toBase64url } from '../../../protocol/index.ts'
import { TestAdmin } from '../../helpers/admin.ts'
import { startBroker } from '../../helpers/broker.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { mqttVersions, type Received } from '../../helpers/mqtt-clients.ts'
import { type Carrier, Device, shown, subscriber } from './device.ts'

const key = numberedKey(1)
const carriers: readonly Carrier[] = ['attached', 'detached']

test('a signed retained message with an empty payload clears its topic, in either carrier; an unsigned empty one that is refused does not', async (t) => {
  const { port } = await startBroker(t, { protect: [{ filter: 'plant/#', signed: true }] })
  const admin = await TestAdmin.connect(t, port)
  await admin.request('keys.enroll', { key: p256ToJwk(key), name: 'device' })
  const device = await Device.connect(t, port, key)
  for (const carrier of carriers) {
    assert.equal(await device.publish(`plant/${carrier}`, 'kept', { carrier, retain: true }), 0)
    assert.equal(await device.client.publish(`plant/${carrier}`, '', { qos: 1, retain: true }), 0x87)
  }
  const before = await subscriber(t, port, 'plant/#')
  await before.waitFor(2)
  for (const carrier of carriers) {
    assert.equal(await device.publish(`plant/${carrier}`, '', { carrier, retain: true }), 0)
  }
  const after = await subscriber(t, port, 'plant/#')
  await device.publish('plant/end', 'end')
  await after.waitFor(1)
  assert.deepEqual(
    after.received.map(({ topic }) => topic),
    ['plant/end'],
  )
  await admin.verifies(5)
})

test('who published, and the inner payload, are shown alike on the way, from a queue, retained, and after a restart; user properties to MQTT 5 alone', async (t) => {
  const options = { provenance: ['told/#'], unwrap: ['+/bare'] }
  const first = await startBroker(t, options)
  const admin = await TestAdmin.connect(t, first.port)
  await admin.request('keys.enroll', { key: p256ToJwk(key), name: 'device' })
  const sessions = mqttVersions.map(({ name, version }) => {
    const keep = version.protocolVersion === 5 ? { properties: { sessionExpiryInterval: 600 } } : {}
    return { ...version, ...keep, clientId: `away ${name}`, clean: false }
  })
  for (const session of sessions) await (await subscriber(t, first.port, 'told/#', session)).end()
  const live = await subscriber(t, first.port, 'told/#')
  const device = await Device.connect(t, first.port, key, { clientId: 'press-7', username: 'ann' })
  await device.agree(admin)
  for (const topic of ['told/bare', 'told/whole']) {
    for (const carrier of carriers) {
      const sending = { carrier, mac: carrier === 'attached', user: { unit: 'C', 'notarymq-user': 'ceo' } }
      assert.equal(await device.publish(topic, carrier, { ...sending, retain: true }), 0)
    }
  }
  assert.equal(await device.client.publish('told/plain', 'x', { qos: 1, retain: true }), 0)
  await live.waitFor(5)
  const records = await admin.publishes()
  const thumbprint = toBase64url(key.thumbprint)
  const provenance = records.map(({ index, time, kid }) => [
    ['notarymq-index', `${index}`],
    ['notarymq-client', 'press-7'],
    // The name is a claim that nothing checked, so the broker does not vouch for it.
    ['notarymq-auth', 'none'],
    ...(kid === undefined ? [] : [['notarymq-key', thumbprint]]),
    ['notarymq-time', time],
  ])
  assert.deepEqual(
    live.received.map(({ userProperties }) => userProperties.filter(([name]) => name.startsWith('notarymq-'))),
    provenance,
  )
  assert.deepEqual(
    live.received.map(({ payload, topic }) => [topic, payload.length < 20]),
    [
      ['told/bare', true],
      ['told/bare', true],
      ['told/whole', false],
      ['told/whole', true],
      ['told/plain', true],
    ],
  )
  const last = (messages: readonly Received[]) => new Map(messages.map((message) => [message.topic, message]))
  const assertRetained = async (port: number) => {
    const late = await subscriber(t, port, 'told/#')
    await late.waitFor(3)
    for (const [topic, { payload, userProperties }] of last(live.received)) {
      const kept = late.received.find((message) => message.topic === topic)
      assert.deepEqual([kept?.payload, kept?.userProperties], [payload, userProperties], topic)
    }
  }
  await assertRetained(first.port)
  const assertQueued = async (port: number, session: (typeof sessions)[number]) => {
    const reader = await subscriber(t, port, 'elsewhere', session)
    await reader.waitFor(5)
    const whole = shown(live)
    const expected =
      session.protocolVersion === 5 ? whole : whole.map(({ payload }) => ({ payload, userProperties: [] }))
    assert.deepEqual(shown(reader), expected)
  }
  const [early, ...others] = sessions
  if (early !== undefined) await assertQueued(first.port, early)
  await first.broker.close()
  const second = await startBroker(t, { ...options, location: first.location })
  for (const session of others) await assertQueued(second.port, session)
  await assertRetained(second.port)
})
