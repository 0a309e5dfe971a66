import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { disconnectBytes } from '../../helpers/conformance/build.ts'
import { assertDisconnected } from '../../helpers/conformance/expectations.ts'
import { type BrokerUnderTest, conformance, newClientId, newTopic } from '../../helpers/conformance/suite.ts'

const expiring = (seconds: number) => ({ clean: false, properties: [['sessionExpiryInterval', seconds]] }) as const

/** Long enough for an interval of one or two seconds to pass and to be noticed. */
const expiredAfterMs = 3_000

async function isPresent(broker: BrokerUnderTest, clientId: string): Promise<boolean> {
  return (await broker.connectWithAnswer(5, { clientId, clean: false })).connack.sessionPresent
}

conformance('Session Expiry Interval of MQTT 5', (test) => {
  test('[MQTT-5.0 4.1.0-2, 3.1.2-23] a session is kept for its interval and discarded after it', async (broker) => {
    const [short, long] = [newClientId(), newClientId()]
    await (await broker.connect(5, { clientId: short, ...expiring(1) })).disconnect()
    await (await broker.connect(5, { clientId: long, ...expiring(60) })).disconnect()
    await sleep(expiredAfterMs)
    assert.equal(await isPresent(broker, short), false)
    assert.equal(await isPresent(broker, long), true)
  })

  test('[MQTT-5.0 4.1.0-2] without the interval, or with 0, a session ends with its connection', async (broker) => {
    for (const fields of [{ clean: false }, expiring(0)]) {
      const clientId = newClientId()
      await (await broker.connect(5, { clientId, ...fields })).disconnect()
      assert.equal(await isPresent(broker, clientId), false)
    }
  })

  test('[MQTT-5.0 3.1.2-23] 0xFFFFFFFF keeps a session', async (broker) => {
    const clientId = newClientId()
    await (await broker.connect(5, { clientId, ...expiring(0xffffffff) })).disconnect()
    assert.equal(await isPresent(broker, clientId), true)
  })

  test('[MQTT-5.0 4.1.0-1] the interval does not run while the connection is open', async (broker) => {
    const topic = newTopic()
    const clientId = newClientId()
    const peer = await broker.connect(5, { clientId, ...expiring(2) })
    await peer.subscribe([[topic, 0]])
    await sleep(expiredAfterMs)
    await peer.publish({ topic, payload: 'still here' })
    assert.equal((await peer.receive()).payload.toString(), 'still here')
    await peer.vanish()
    assert.equal(await isPresent(broker, clientId), true)
  })

  test('[MQTT-5.0 3.1.2-5] a resumed session with Session Expiry Interval 0 still gets what was queued', async (broker) => {
    const topic = newTopic()
    const clientId = newClientId()
    const before = await broker.connect(5, { clientId, ...expiring(60) })
    await before.subscribe([[topic, 1]])
    await before.disconnect()
    await (await broker.connect(5)).publish({ topic, qos: 1, payload: 'queued' })
    const { peer: after, connack } = await broker.connectWithAnswer(5, { clientId, clean: false })
    assert.equal(connack.sessionPresent, true)
    assert.equal((await after.receive()).payload.toString(), 'queued')
    await after.disconnect()
    assert.equal(await isPresent(broker, clientId), false)
  })

  test('[MQTT-5.0 3.1.2-4, 3.1.2-23] a clean start with an interval begins a session that is kept', async (broker) => {
    const clientId = newClientId()
    const fields = { clientId, ...expiring(60), clean: true }
    await (await broker.connect(5, fields)).disconnect()
    assert.equal(await isPresent(broker, clientId), true)
  })

  test('[MQTT-5.0 3.1.2-23, 4.1.0-2] DISCONNECT may change the interval', async (broker) => {
    const [ended, kept] = [newClientId(), newClientId()]
    const one = await broker.connect(5, { clientId: ended, ...expiring(60) })
    await one.disconnect(0, [['sessionExpiryInterval', 0]])
    assert.equal(await isPresent(broker, ended), false)
    const other = await broker.connect(5, { clientId: kept, ...expiring(1) })
    await other.disconnect(0, [['sessionExpiryInterval', 60]])
    await sleep(expiredAfterMs)
    assert.equal(await isPresent(broker, kept), true)
  })

  test('[MQTT-5.0 4.13.1-1] DISCONNECT must not set an interval when CONNECT set none', async (broker) => {
    const peer = await broker.connect(5)
    peer.write(disconnectBytes(0, [['sessionExpiryInterval', 60]]))
    await assertDisconnected(peer, 0x82)
  })
})
