import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { carry, forgeSign1, freshAddress, openPeerFrom, type PublishToForge } from '../../helpers/attacks.ts'
import { AttackScene, notAuthorized } from '../../helpers/attacks-scene.ts'
import { publishBytes } from '../../helpers/conformance/build.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { Signer } from '../../helpers/signing.ts'

const topic = 'signed/press'
const payload = Buffer.from('x')
const budget = 10
const connectionRateExceeded = 0x9f

for (const level of [4, 5] as const) {
  test(`MQTT ${level === 4 ? '3.1.1' : '5'}: too many forgeries at once end the connection, and its address, and no other, has to wait`, async (t) => {
    const scene = await AttackScene.open(t)
    const device = new Signer(numberedKey(171))
    await scene.enroll(device.key, 'device')
    const forged = () => {
      const publish: PublishToForge = { key: device.key, seq: ++device.seq, timeMs: Date.now(), topic, payload }
      return carry(forgeSign1(publish, { signedPayload: Buffer.from('y') }, 'attached'), payload, 'attached').payload
    }
    const address = freshAddress()
    const thief = await openPeerFrom(t, address, scene.port, level)
    assert.equal((await thief.connect()).reasonCode, 0)
    for (let i = 0; i < budget; i++) {
      assert.equal(await thief.publish({ topic, payload: forged(), qos: 1 }), level === 5 ? notAuthorized : 0)
    }
    await thief.ping()

    // As many as may be in flight: however slow this machine is, far more than the budget is refilled with meanwhile.
    const many = Array.from({ length: 20 }, (_, i) =>
      publishBytes(level, { topic, payload: forged(), qos: 1, packetId: 1000 + i }),
    )
    thief.write(...many)
    if (level === 5) assert.equal((await thief.next('disconnect')).reasonCode, connectionRateExceeded)
    await thief.closed()

    const waiting = connect({ host: '127.0.0.1', port: scene.port, localAddress: address })
    waiting.on('error', () => {
      // Closed or reset: either way it is turned away.
    })
    await once(waiting, 'close')
    assert.equal(waiting.bytesRead, 0)

    const honest = await openPeerFrom(t, freshAddress(), scene.port, level)
    assert.equal((await honest.connect()).reasonCode, 0)
    assert.equal(await honest.publish({ topic, payload: device.sign(topic, payload), qos: 1 }), level === 5 ? 0x10 : 0)
    assert.equal((await scene.admin.publishes({ topic })).length, 1)
    const { refused } = await scene.admin.request('audit.status', {})
    const count = refused['signature-invalid'] ?? 0
    assert.ok(count > budget, `${count} were refused`)
    scene.expect('signature-invalid', count)
    await scene.assertHeld(1)
  })
}
