import assert from 'node:assert/strict'
import { test } from 'node:test'
import { detachedProperty, detachedValueOf, encodeSign1, p256ToJwk, parseSign1 } from '../../../protocol/index.ts'
import { bridgeOptions, topicLine } from '../../broker/bridges/bridge-fixture.ts'
import { TestAdmin } from '../../helpers/admin.ts'
import { startBroker } from '../../helpers/broker.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { publishPacket, subscribePacket, userProperty } from '../../helpers/mqtt-bytes.ts'
import { mqttVersions, TestClient } from '../../helpers/mqtt-clients.ts'
import { RawMqtt } from '../../helpers/raw-mqtt.ts'
import { Signer, sha256Base64url } from '../../helpers/signing.ts'
import { Device, refusedAt, shown, subscriber } from './device.ts'

const topic = 'plant/1'
const key = numberedKey(1)
const protect = [{ filter: 'plant/#', signed: true }] as const

test('a detached envelope leaves the payload as it is for every subscriber, live and retained, and is recorded as an attached one is', async (t) => {
  const { port } = await startBroker(t, { protect })
  const admin = await TestAdmin.connect(t, port)
  await admin.request('keys.enroll', { key: p256ToJwk(key), name: 'device' })
  const device = await Device.connect(t, port, key)
  const others = await Promise.all(mqttVersions.map(({ version }) => subscriber(t, port, 'plant/#', version)))
  const reader = await subscriber(t, port, 'plant/#')
  const parts = (['0', '1', '2'] as const).map((text) => {
    return device.make(topic, text, { carrier: 'detached', user: { unit: 'C' } })
  })
  for (const [qos, made] of parts.entries()) {
    const retain = qos === 2
    assert.equal(await device.send(topic, made, { qos: qos as 0 | 1 | 2, retain }), 0)
  }
  for (const other of others) {
    await other.waitFor(3)
    assert.deepEqual(
      other.received.map(({ payload }) => `${payload}`),
      ['0', '1', '2'],
    )
  }
  const expected = parts.map(({ delivered }) => delivered)
  await reader.waitFor(3)
  assert.deepEqual(shown(reader), expected)
  const late = await subscriber(t, port, topic)
  await late.waitFor(1)
  assert.deepEqual(shown(late), [expected[2]])
  assert.equal(late.received[0]?.retain, true)
  const records = await admin.publishes()
  assert.deepEqual(
    records.map(({ outcome, subject, seq, payloadSha256 }) => [outcome, subject, seq, payloadSha256]),
    ['0', '1', '2'].map((text, i) => ['signed', 'device', i + 1, sha256Base64url(text)]),
  )
  await admin.verifies(3)
})

test('an attached copy of a detached publish is the same content: acknowledged and not recorded again', async (t) => {
  const { port } = await startBroker(t, { protect })
  const admin = await TestAdmin.connect(t, port)
  await admin.request('keys.enroll', { key: p256ToJwk(key), name: 'device' })
  const device = await Device.connect(t, port, key)
  const signed = { seq: 9, timeMs: Date.now() }
  assert.equal(await device.publish(topic, 'x', { ...signed, carrier: 'detached' }), 0)
  assert.equal(await device.publish(topic, 'x', signed), 0)
  assert.equal((await admin.publishes()).length, 1)
})

test('every other user property keeps its place, those with our prefix vanish, and the envelope is not moved', async (t) => {
  const { port } = await startBroker(t, { protect })
  const admin = await TestAdmin.connect(t, port)
  await admin.request('keys.enroll', { key: p256ToJwk(key), name: 'device' })
  const sign1 = new Signer(key).sign(topic, 'x')
  const envelope = userProperty(detachedProperty, detachedValueOf(encodeSign1(parseSign1(sign1), undefined)))
  const [b1, a, b2] = [userProperty('b', '1'), userProperty('a', '2'), userProperty('b', '3')]
  const forged = ['index', 'key', 'user', '', 'other'].map((name) => userProperty(`notarymq-${name}`, 'forged'))
  const reader = await RawMqtt.connect(t, port, { clientId: 'reader', version: 5 })
  reader.write(subscribePacket(1, [topic], 0, 5))
  await reader.next('suback')
  const writer = await RawMqtt.connect(t, port, { clientId: 'writer', version: 5 })
  const given = Buffer.concat([b1, ...forged.slice(0, 3), envelope, a, ...forged.slice(3), b2])
  writer.write(publishPacket({ topic, payload: 'x', qos: 1, retain: true, version: 5, properties: given }))
  await writer.next('puback')
  const kept = Buffer.concat([b1, envelope, a, b2])
  const live = await reader.next('publish')
  assert.deepEqual(live.body, publishPacket({ topic, payload: 'x', version: 5, properties: kept }).subarray(3))
  const late = await RawMqtt.connect(t, port, { clientId: 'late', version: 5 })
  late.write(subscribePacket(1, [topic], 0, 5))
  assert.deepEqual((await late.next('publish')).body, live.body)
  await admin.verifies(1)
})

test('what is sent under our prefix is taken out of unsigned publishes, wills and what bridges bring, and nothing else is', async (t) => {
  const remote = await startBroker(t)
  const { port } = await startBroker(t, {
    bridges: [bridgeOptions(remote.port, { protocolVersion: 'mqttv50', topics: [topicLine('far/#', 'in', 1)] })],
  })
  const client = await subscriber(t, port, '#')
  const userProperties = { 'notarymq-client': 'ceo', unit: 'C', notarymqx: 'mine', 'notarymq-': '' }
  const kept = [
    ['unit', 'C'],
    ['notarymqx', 'mine'],
  ]
  const writer = await TestClient.connect(t, port, {
    will: {
      topic: 'will',
      payload: Buffer.from('x'),
      qos: 1,
      retain: false,
      properties: { userProperties },
    },
  })
  await writer.publish('plain', 'x', { qos: 1, properties: { userProperties } })
  writer.vanish()
  await client.waitFor(2)
  // Retained over there: it comes whenever the bridge is up.
  const far = await TestClient.connect(t, remote.port)
  await far.publish('far/x', 'x', { qos: 1, retain: true, properties: { userProperties } })
  await client.waitFor(3)
  assert.deepEqual(
    client.received.map(({ topic: name, userProperties: own }) => [name, own]),
    ['plain', 'will', 'far/x'].map((name) => [name, kept]),
  )
})

test('where a signature is asked for, a property that is no envelope is refused, and one of an unknown key too', async (t) => {
  const { port } = await startBroker(t, { protect })
  const admin = await TestAdmin.connect(t, port)
  const device = await Device.connect(t, port, key)
  assert.equal(await device.publish(topic, 'x', { carrier: 'detached' }), 0x87)
  assert.equal(await device.publish('free', 'x', { carrier: 'detached' }), 0)
  await admin.request('keys.enroll', { key: p256ToJwk(key), name: 'device' })
  const made = device.make(topic, 'x', { carrier: 'detached' })
  const value = made.properties?.userProperties[detachedProperty] ?? assert.fail('no envelope')
  for (const notarymq of [`${value}=`, value.slice(0, -4), `${value}AAAA`, value.replace(/^0/, '1')]) {
    const properties = { userProperties: { notarymq } }
    assert.equal(await device.send(topic, { ...made, properties }), 0x87, notarymq)
  }
  assert.equal(await device.send(topic, { ...made, payload: Buffer.from('y') }), 0x87)
  assert.deepEqual(await refusedAt(admin), { 'unknown-key': 1, 'detached-malformed': 4, 'signature-invalid': 1 })
  assert.deepEqual(
    (await admin.publishes()).map(({ outcome }) => outcome),
    ['unknown-key'],
  )
})
