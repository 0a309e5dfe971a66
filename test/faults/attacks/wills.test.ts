import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { nativeCrypto } from '../../../plugins/index.ts'
import { detachedProperty, type RefusalCause } from '../../../protocol/index.ts'
import {
  type Carried,
  type Carrier,
  carry,
  freshAddress,
  openPeerFrom,
  until,
  withoutPayload,
} from '../../helpers/attacks.ts'
import { AttackScene, notAuthorized } from '../../helpers/attacks-scene.ts'
import type { Will } from '../../helpers/conformance/build.ts'
import type { Peer } from '../../helpers/conformance/peer.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { Signer } from '../../helpers/signing.ts'

const topic = 'signed/gone'
const text = Buffer.from('gone')
const refusedByMqtt3 = 5

const ways: readonly {
  readonly name: string
  readonly level: 4 | 5
  readonly carrier: Carrier
  readonly isMqtt31?: true
}[] = [
  { name: 'MQTT 3.1', level: 4, carrier: 'attached', isMqtt31: true },
  { name: 'MQTT 3.1.1', level: 4, carrier: 'attached' },
  { name: 'MQTT 5', level: 5, carrier: 'attached' },
  { name: 'MQTT 5, detached', level: 5, carrier: 'detached' },
]

function willOf({ payload, properties }: Carried, to: string): Will {
  const value = properties?.userProperties[detachedProperty]
  return {
    topic: to,
    payload: Buffer.from(payload),
    ...(value && { properties: [['userProperty', [detachedProperty, value]]] }),
  }
}

/** Left behind, with the key enrolled and the other one revoked. */
async function open(t: TestContext) {
  const scene = await AttackScene.open(t)
  const device = new Signer(numberedKey(141))
  const lost = new Signer(numberedKey(142))
  const elsewhere = new Signer(numberedKey(143))
  const kid = await scene.enroll(device.key, 'device')
  await scene.admin.request('keys.revoke', { kid: await scene.enroll(lost.key, 'lost') })
  await scene.enroll(elsewhere.key, 'elsewhere', { topics: ['elsewhere/#'] })
  return { scene, device, lost, elsewhere, kid }
}

for (const { name, level, carrier, isMqtt31 } of ways) {
  const version = isMqtt31 ? { level: 3, protocolName: 'MQIsdp' } : {}
  const carried = (sign1: Uint8Array) => carry(carrier === 'attached' ? sign1 : withoutPayload(sign1), text, carrier)
  /** Each from an address of its own: a forged will makes its address wait. */
  async function leave(t: TestContext, port: number, clientId: string, will: Will) {
    const peer = await openPeerFrom(t, freshAddress(), port, level)
    const { reasonCode } = await peer.connect({ clientId, will, ...version })
    return { peer, reasonCode }
  }

  test(`${name}: a will that is not what it should be refuses its CONNECT, and never becomes a record`, async (t) => {
    const { scene, device, lost, elsewhere } = await open(t)
    const refuses = async (cause: RefusalCause, will: Will, clientId = 'thief') => {
      const { reasonCode, peer } = await leave(t, scene.port, clientId, will)
      assert.equal(reasonCode, level === 5 ? notAuthorized : refusedByMqtt3, cause)
      await peer.closed()
      scene.expect(cause)
    }
    const publisher = await scene.connect(t)
    const published = device.sign(topic, text)
    assert.equal(await publisher.publish(topic, published), 0)

    for (const to of [topic, 'open/gone']) {
      await refuses('signature-invalid', willOf(carried(device.sign('signed/other', text)), to))
      await refuses(
        'signature-invalid',
        willOf(carried(new Signer({ ...device.key, d: lost.key.d }).sign(to, text)), to),
      )
      await refuses('key-revoked', willOf(carried(lost.sign(to, text)), to))
      await refuses('key-restricted', willOf(carried(elsewhere.sign(to, text)), to))
      await refuses('signed-in-future', willOf(carried(device.sign(to, text, { timeMs: Date.now() + 3_600_000 })), to))
    }
    await refuses('not-signed', willOf({ payload: text }, topic))
    await refuses('unknown-key', willOf(carried(new Signer(numberedKey(149)).sign(topic, text)), topic))
    await refuses('mac-required', willOf(carried(device.sign('mac/gone', text)), 'mac/gone'))
    const { sid, key } = { sid: nativeCrypto.randomBytes(8), key: nativeCrypto.randomBytes(32) }
    const inMac = device.sign(topic, text)
    const macked = carry(carrier === 'attached' ? inMac : withoutPayload(inMac), text, carrier, { sid, key })
    await refuses('mac-session-unknown', willOf(macked, topic))
    // A message, caught on its way, by anybody or by its own client.
    await refuses('will-replayed', willOf(carried(published), topic))
    await refuses('will-replayed', willOf(carried(published), topic), publisher.id)

    assert.equal((await scene.admin.publishes({ topic })).length, 1)
    assert.deepEqual(await scene.admin.publishes({ topic: 'open/gone' }), [])
    await scene.assertHeld(1)
  })

  test(`${name}: a will that was left belongs to who left it: nobody else leaves or publishes it, before it fires and after`, async (t) => {
    const { scene, device } = await open(t)
    const thief = await scene.connect(t)
    const sign1 = device.sign(topic, text)
    const will = willOf(carried(sign1), topic)
    const owner = await leave(t, scene.port, 'owner', will)
    assert.equal(owner.reasonCode, 0)
    const attack = async () => {
      const stolen = await leave(t, scene.port, 'thief', will)
      assert.notEqual(stolen.reasonCode, 0)
      scene.expect('will-replayed')
      await scene.refuses(thief, 'will-replayed', topic, carry(withoutPayload(sign1), text, 'detached'))
      await scene.refuses(thief, 'will-replayed', topic, { payload: sign1, retain: true })
    }
    await attack()
    await fires(owner.peer, scene, 1)
    await attack()
    // Its owner may leave it again, and it may fire again.
    const again = await leave(t, scene.port, 'owner', will)
    assert.equal(again.reasonCode, 0)
    await fires(again.peer, scene, 2)
    const records = await scene.admin.publishes({ topic })
    assert.deepEqual(
      records.map(({ outcome, clientId, seq }) => [outcome, clientId, seq]),
      [1, 2].map(() => ['will', 'owner', 1]),
    )
    await scene.assertHeld(0)
  })

  test(`${name}: a will whose key is revoked before it fires is not published`, async (t) => {
    const { scene, device, kid } = await open(t)
    const { peer, reasonCode } = await leave(t, scene.port, 'owner', willOf(carried(device.sign(topic, text)), topic))
    assert.equal(reasonCode, 0)
    await scene.admin.request('keys.revoke', { kid })
    await peer.vanish()
    scene.expect('key-revoked')
    await until(async () => (await scene.admin.request('audit.status', {})).refused['key-revoked'] === 1)
    assert.deepEqual(await scene.admin.publishes({ topic }), [])
    await scene.assertHeld(0)
  })
}

/** The connection is lost, and the will becomes a record: the one with this number. */
async function fires(peer: Peer, scene: AttackScene, count: number): Promise<void> {
  await peer.vanish()
  await until(async () => (await scene.admin.publishes({ topic })).length === count)
}
