import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { IClientOptions } from 'mqtt'
import { p256ToJwk } from '../../../protocol/index.ts'
import { TestAdmin } from '../../helpers/admin.ts'
import { spawnBroker, startBroker } from '../../helpers/broker.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { mqttVersions, TestClient } from '../../helpers/mqtt-clients.ts'
import { Signer } from '../../helpers/signing.ts'
import { eventually } from '../directives/support.ts'
import { type Carrier, Device, refusedAt, type SignedParts, shown, signedParts, subscriber } from './device.ts'

const topic = 'plant/1/gone'
const key = numberedKey(1)
const protect = [
  { filter: 'plant/#', signed: true },
  { filter: 'safe/#', mac: true },
] as const

/** A will as MQTT.js takes it. */
function willOf({ payload, properties }: SignedParts, name = topic): NonNullable<IClientOptions['will']> {
  return { topic: name, payload, qos: 1, retain: false, ...(properties === undefined ? {} : { properties }) }
}

async function enrolled(admin: TestAdmin) {
  const { kid } = await admin.request('keys.enroll', { key: p256ToJwk(key), name: 'device' })
  return { admin, kid, signer: new Signer(key) }
}

async function site(t: TestContext) {
  const { port } = await startBroker(t, { protect })
  return { port, ...(await enrolled(await TestAdmin.connect(t, port))) }
}

/** Tries to connect with a will. @returns 0, or the code of the CONNACK that refuses */
async function connectCode(t: TestContext, port: number, options: IClientOptions): Promise<number> {
  try {
    const client = await TestClient.connect(t, port, options)
    await client.end()
    return 0
  } catch (error) {
    return (error as { code: number }).code
  }
}

/** Connects with a will and vanishes. */
async function die(t: TestContext, port: number, options: IClientOptions): Promise<void> {
  const client = await TestClient.connect(t, port, options)
  client.vanish()
}

const ways = mqttVersions.flatMap(({ name, version }) => {
  const carriers: readonly Carrier[] = version.protocolVersion === 5 ? ['attached', 'detached'] : ['attached']
  const refusal = version.protocolVersion === 5 ? 0x87 : 5
  return carriers.map((carrier) => ({ name: `${name}, ${carrier}`, version, carrier, refusal }))
})

for (const { name, version, carrier, refusal } of ways) {
  test(`${name}: a signed will is verified at CONNECT, fires as often as its client dies, and is nobody else's`, async (t) => {
    const { port, admin, signer } = await site(t)
    const good = signedParts(signer, topic, 'gone', { carrier })
    const client = { ...version, clientId: 'press-7' }
    const unsigned = { ...good, payload: Buffer.from('gone'), properties: undefined }
    assert.equal(await connectCode(t, port, { ...client, will: willOf(unsigned) }), refusal)
    const watcher = await subscriber(t, port, 'plant/#')
    for (const times of [1, 2]) {
      await die(t, port, { ...client, will: willOf(good) })
      await watcher.waitFor(times)
    }
    assert.deepEqual(shown(watcher), [good.delivered, good.delivered])
    assert.equal(await connectCode(t, port, { ...version, clientId: 'press-8', will: willOf(good) }), refusal)
    const thief = await Device.connect(t, port, signer)
    assert.equal(await thief.send(topic, good), 0x87)
    assert.deepEqual(await refusedAt(admin), { 'not-signed': 1, 'will-replayed': 2 })
    assert.deepEqual(
      (await admin.publishes()).map(({ outcome, seq, clientId, subject }) => [outcome, seq, clientId, subject]),
      new Array(2).fill(['will', 1, 'press-7', 'device']),
    )
    await admin.verifies(2)
    // Last, since an address that forges has to wait.
    assert.equal(await connectCode(t, port, { ...client, will: willOf(good, 'plant/2/gone') }), refusal)
    assert.equal((await refusedAt(admin))['signature-invalid'], 1)
  })
}

test('a message of the key that was accepted cannot be left as a will', async (t) => {
  const { port, admin, signer } = await site(t)
  const device = await Device.connect(t, port, signer)
  const made = device.make(topic, 'x')
  assert.equal(await device.send(topic, made), 0)
  assert.equal(await connectCode(t, port, { clientId: 'press-7', will: willOf(made) }), 0x87)
  assert.deepEqual(await refusedAt(admin), { 'will-replayed': 1 })
})

test('a will that a clean disconnect takes back has taken its number all the same, which the next messages pass by', async (t) => {
  const { port, signer } = await site(t)
  const made = signedParts(signer, topic, 'gone')
  assert.equal(await connectCode(t, port, { clientId: 'press-7', will: willOf(made) }), 0)
  const device = await Device.connect(t, port, signer)
  assert.equal(await device.send(topic, made), 0x87)
  assert.equal(await device.publish(topic, 'next'), 0)
})

test('a key that was revoked since CONNECT has no will any more', async (t) => {
  const { port, admin, kid, signer } = await site(t)
  const client = await TestClient.connect(t, port, { will: willOf(signedParts(signer, topic, 'gone')) })
  await admin.request('keys.revoke', { kid })
  client.vanish()
  await eventually(
    () => refusedAt(admin),
    (refused) => refused['key-revoked'] === 1,
  )
  assert.deepEqual(await admin.publishes(), [])
})

test('a will on a topic that asks for a hop MAC is refused: nobody is there to make one when it fires', async (t) => {
  const { port, admin, signer } = await site(t)
  const name = 'safe/gone'
  assert.equal(await connectCode(t, port, { will: willOf(signedParts(signer, name, 'gone'), name) }), 0x87)
  const device = await Device.connect(t, port, signer)
  await device.agree(admin)
  const maced = device.make(name, 'gone', { mac: true })
  assert.equal(await connectCode(t, port, { will: willOf(maced, name) }), 0x87)
  assert.deepEqual(await refusedAt(admin), { 'mac-required': 1, 'mac-session-unknown': 1 })
})

test('after kill -9 a signed will fires once, stays the will of its client, and its number stays taken', async (t) => {
  const lines = ['notary_protect plant/# signed']
  const first = await spawnBroker(t, { lines })
  const { signer } = await enrolled(await TestAdmin.connect(t, first.port))
  const made = signedParts(signer, topic, 'gone', { carrier: 'detached' })
  const away = { clientId: 'away', clean: false, properties: { sessionExpiryInterval: 600 } }
  await (await subscriber(t, first.port, 'plant/#', away)).end()
  await TestClient.connect(t, first.port, { clientId: 'press-7', will: willOf(made) })
  await first.stop('SIGKILL')

  const second = await spawnBroker(t, { location: first.location, lines })
  const client = await subscriber(t, second.port, 'elsewhere', away)
  await client.waitFor(1)
  const device = await Device.connect(t, second.port, signer)
  assert.equal(await device.send(topic, made), 0x87)
  assert.equal(await device.publish(topic, 'other content', { seq: 1 }), 0x87)
  assert.equal(await connectCode(t, second.port, { clientId: 'press-8', will: willOf(made) }), 0x87)
  await die(t, second.port, { clientId: 'press-7', will: willOf(made) })
  await client.waitFor(2)
  assert.deepEqual(shown(client), [made.delivered, made.delivered])
  const admin = await TestAdmin.connect(t, second.port)
  assert.deepEqual(await refusedAt(admin), { 'will-replayed': 3 })
  await admin.verifies(2)
})
