import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { carriages, carry, withoutPayload } from '../../helpers/attacks.ts'
import { AttackScene } from '../../helpers/attacks-scene.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { Signer } from '../../helpers/signing.ts'

for (const { name, version, carrier } of carriages) {
  test(`${name}: what is retained is neither replaced, set back, copied nor cleared by who does not hold the key`, async (t) => {
    const scene = await AttackScene.open(t)
    const device = new Signer(numberedKey(151))
    await scene.enroll(device.key, 'device')
    const client = await scene.connect(t, version)
    const made = (sign1: Uint8Array, text: string) =>
      carry(carrier === 'attached' ? sign1 : withoutPayload(sign1), Buffer.from(text), carrier)
    const first = device.sign('signed/state', 'closed')
    const second = device.sign('signed/state', 'open')
    for (const kept of [made(first, 'closed'), made(second, 'open')]) {
      assert.equal(await client.publish('signed/state', kept.payload, { qos: 1, retain: true, ...kept }), 0)
    }

    const retain = true
    // Acknowledged as the copy that it is; the newer one stays.
    const old = made(first, 'closed')
    assert.equal(await client.publish('signed/state', old.payload, { qos: 1, retain, ...old }), 0)
    await scene.refuses(client, 'replayed-with-other-flags', 'signed/state', { ...old, retain: false })
    for (const topic of ['signed/other', 'open/other']) {
      await scene.refuses(client, 'signature-invalid', topic, { ...made(second, 'open'), retain })
    }
    const stranger = new Signer(numberedKey(152))
    const forged = made(new Signer({ ...device.key, d: stranger.key.d }).sign('signed/state', 'x', { seq: 9 }), 'x')
    await scene.refuses(client, 'signature-invalid', 'signed/state', { ...forged, retain })
    await scene.refuses(client, 'unknown-key', 'signed/state', {
      ...made(stranger.sign('signed/state', 'x'), 'x'),
      retain,
    })
    await scene.refuses(client, 'not-signed', 'signed/state', { payload: 'x', retain })
    await scene.refuses(client, 'not-signed', 'signed/state', { payload: '', retain })
    // An empty envelope clears its own topic only.
    await scene.refuses(client, 'signature-invalid', 'signed/state', {
      ...made(device.sign('signed/x', ''), ''),
      retain,
    })

    const kept = await retainedAt(t, scene.port)
    assert.deepEqual(kept, [['signed/state', Buffer.from(made(second, 'open').payload)]])
    const clear = made(device.sign('signed/state', ''), '')
    assert.equal(await client.publish('signed/state', clear.payload, { qos: 1, retain, ...clear }), 0)
    // Replayed, what was cleared does not come back.
    const again = made(second, 'open')
    assert.equal(await client.publish('signed/state', again.payload, { qos: 1, retain, ...again }), 0)
    assert.deepEqual(await retainedAt(t, scene.port), [])
    await scene.assertHeld(3)
  })
}

/** Topics and payloads of all that is retained, as a new subscriber gets them. */
async function retainedAt(t: TestContext, port: number): Promise<(string | Buffer)[][]> {
  const client = await TestClient.connect(t, port)
  for (const filter of ['signed/#', 'open/#']) await client.subscribe(filter)
  // Retained messages come before anything that is published later.
  await client.publish('open/end', 'end')
  await client.waitFor(1, ({ topic }) => topic === 'open/end')
  return client.received.filter(({ retain }) => retain).map(({ topic, payload }) => [topic, payload])
}
