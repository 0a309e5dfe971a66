import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { TestAdmin } from '../../helpers/admin.ts'
import { carriages, carry, freshAddress, openPeerFrom, until, withoutPayload } from '../../helpers/attacks.ts'
import { notAuthorized } from '../../helpers/attacks-scene.ts'
import { type SpawnedBroker, spawnBroker } from '../../helpers/broker.ts'
import { Bystander } from '../../helpers/bystander.ts'
import { keysDirectory } from '../../helpers/key-files.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { Signer } from '../../helpers/signing.ts'

const topic = 'signed/press'
const device = new Signer(numberedKey(191))
const newest = 5000

/** What was accepted once, and is sent again after each restart. */
const accepted = carriages.map(({ version, carrier }, i) => {
  const text = Buffer.from(`accepted ${i}`)
  const sign1 = device.sign(topic, text, { seq: newest + i })
  return { version, ...carry(carrier === 'attached' ? sign1 : withoutPayload(sign1), text, carrier) }
})
const tooOld = device.sign(topic, 'x', { seq: 1 })
const reused = device.sign(topic, 'something else', { seq: newest })
const will = device.sign('signed/gone', 'gone', { seq: newest + 100 })

async function attack(t: TestContext, broker: SpawnedBroker): Promise<void> {
  const bystander = await Bystander.of(t, broker)
  const subscriber = await TestClient.connect(t, broker.port)
  await subscriber.subscribe('signed/#')
  for (const { version, payload, properties } of accepted) {
    const client = await TestClient.connect(t, broker.port, version)
    const options = { qos: 1 as const, ...(properties && { properties }) }
    for (let copy = 0; copy < 2; copy++) assert.equal(await client.publish(topic, payload, options), 0)
  }
  const thief = await TestClient.connect(t, broker.port)
  for (const payload of [tooOld, reused]) assert.equal(await thief.publish(topic, payload), notAuthorized)
  assert.equal(await thief.publish('signed/gone', will), notAuthorized)
  await thief.publish('open/end', 'end')
  assert.deepEqual(subscriber.received, [])
  await bystander.assertUnharmed('replays')
  const admin = await TestAdmin.connect(t, broker.port)
  const { refused } = await admin.request('audit.status', {})
  assert.deepEqual(refused, { 'seq-too-old': 1, 'seq-reuse': 1, 'will-replayed': 1 })
  const reuses = async () => (await admin.records()).filter(({ kind }) => kind === 'seq-reuse').length
  await until(async () => (await reuses()) > 0)
  const records = await admin.records()
  assert.equal(records.filter((record) => record.topic === topic && record.kind === 'publish').length, accepted.length)
  assert.equal(await reuses(), 1, 'reported once, over all restarts')
  assert.deepEqual(
    records.filter((record) => record.topic === 'signed/gone').map(({ outcome }) => outcome),
    ['will'],
  )
}

test('what was accepted before a restart, in order or with kill -9, is replayed for nothing, and numbers are not set back', async (t) => {
  const lines = ['notary_protect signed/# signed', `notary_keys ${keysDirectory(t, { device: device.key })}`]
  const first = await spawnBroker(t, { lines })
  const publisher = await TestClient.connect(t, first.port)
  for (const { payload, properties } of accepted) {
    assert.equal(await publisher.publish(topic, payload, { qos: 1, ...(properties && { properties }) }), 0)
  }
  const owner = await openPeerFrom(t, freshAddress(), first.port, 5)
  const left = { topic: 'signed/gone', payload: Buffer.from(will) }
  assert.equal((await owner.connect({ clientId: 'owner', will: left })).reasonCode, 0)
  const heir = await TestClient.connect(t, first.port)
  await heir.subscribe('signed/gone')
  await owner.vanish()
  await heir.waitFor(1)
  await attack(t, first)
  await first.stop('SIGKILL')
  const second = await spawnBroker(t, { location: first.location, lines })
  await attack(t, second)
  await second.stop()
  await attack(t, await spawnBroker(t, { location: first.location, lines }))
})
