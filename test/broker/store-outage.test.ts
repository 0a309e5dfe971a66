import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { LevelAuditStore, openStoreDatabase, type StoreDatabase, verifyStore } from '../../plugins/index.ts'
import { startBroker } from '../helpers/broker.ts'
import { atEnd } from '../helpers/cleanup.ts'
import { diskFailure, type FaultOutcome, outcomes } from '../helpers/failing-store.ts'
import { numberedKey } from '../helpers/keys.ts'
import { connectPacket, pingPacket, publishPacket } from '../helpers/mqtt-bytes.ts'
import { TestClient } from '../helpers/mqtt-clients.ts'
import { offlineSubscriber, resume, texts } from '../helpers/persistent-sessions.ts'
import { RawMqtt } from '../helpers/raw-mqtt.ts'
import { Signer } from '../helpers/signing.ts'
import { countPayloads } from '../helpers/stored-chain.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

/** The next write fails, and the store cannot be opened again before it is healed. @returns heals it */
function breakStore(t: TestContext, database: StoreDatabase, outcome: FaultOutcome): () => void {
  const batch = database.batch.bind(database) as (...args: unknown[]) => Promise<void>
  const open = database.open.bind(database) as () => Promise<void>
  let isHealed = false
  const failing = async (...args: unknown[]) => {
    Object.assign(database, { batch })
    if (outcome === 'stored but reported failed') await batch(...args)
    throw diskFailure
  }
  Object.assign(database, { batch: failing, open: () => (isHealed ? open() : Promise.reject(diskFailure)) })
  const heal = () => {
    isHealed = true
  }
  atEnd(t, heal)
  return heal
}

const log = { destinations: [{ kind: 'stderr' }], types: ['none'], timestamps: true } as const

async function assertVerifies(location: string): Promise<void> {
  const database = await openStoreDatabase(location, false)
  const { ok } = await verifyStore({ store: new LevelAuditStore(database) })
  await database.close()
  assert.equal(ok, true)
}

for (const outcome of outcomes) {
  test(`while the store takes no writes nothing is answered; then everything that was recorded is delivered once (${outcome})`, async (t) => {
    const location = temporaryDirectory(t)
    const { broker, port } = await startBroker(t, { location, log })
    const device = new Signer(numberedKey(51))
    await broker.chain.enroll(device.key, 'device')
    await offlineSubscriber(t, port, 'fault/#')
    const online = await TestClient.connect(t, port)
    await online.subscribe('fault/#')
    const idle = await RawMqtt.connect(t, port, { clientId: 'idle', version: 5 })
    const publisher = await RawMqtt.connect(t, port, { clientId: 'publisher', version: 5 })
    const older = await RawMqtt.connect(t, port, { clientId: 'older', version: 4 })
    const heal = breakStore(t, broker.chain.database, outcome)
    const payload = device.sign('fault/1', 'signed')
    publisher.write(publishPacket({ topic: 'fault/1', payload, qos: 1, version: 5 }))
    older.write(publishPacket({ topic: 'fault/2', payload: 'older', qos: 2, version: 4 }))

    // [MQTT-5.0 4.13]: whether it was recorded is unknown, so neither yes nor no is said.
    assert.equal((await publisher.next('disconnect')).body[0], 0x83)
    await Promise.all([publisher.closed, older.closed])
    await assert.rejects(publisher.next('puback'))
    await assert.rejects(older.next('pubrec'))
    for (const [version, code] of [
      [5, 0x88],
      [4, 3],
    ] as const) {
      const late = await RawMqtt.open(t, port)
      late.write(connectPacket({ clientId: 'late', version }))
      assert.equal((await late.next('connack')).body[1], code, 'Server unavailable')
    }
    assert.equal(broker.chain.outage?.code, 'ERR_STORE_FAILED')
    idle.write(pingPacket)
    await idle.next('pingresp')
    assert.equal(online.received.length, 0)
    heal()
    await online.waitFor(2)
    idle.write(publishPacket({ topic: 'fault/3', payload: 'after', qos: 1, version: 5 }))
    await idle.next('puback')
    assert.equal(broker.chain.outage, undefined)

    // Sent again, as it was not answered: the sequence number tells that it is there.
    const again = await RawMqtt.connect(t, port, { clientId: 'publisher', version: 5 })
    again.write(publishPacket({ topic: 'fault/1', payload, qos: 1, dup: true, version: 5 }))
    assert.deepEqual((await again.next('puback')).body.subarray(0, 3), Buffer.from([0, 1]))
    const resumed = await resume(t, port)
    await resumed.waitFor(3)
    const topics = ['fault/1', 'fault/2', 'fault/3']
    for (const { received } of [online, resumed]) assert.deepEqual(received.map(({ topic }) => topic).sort(), topics)
    assert.equal(online.received.at(-1)?.topic, 'fault/3')
    await broker.close()
    assert.deepEqual([...(await countPayloads(location, 'fault')).entries()].sort(), [
      ['after', 1],
      ['older', 1],
      ['signed', 1],
    ])
    await assertVerifies(location)
  })

  test(`a broker that is closed before the store takes writes again has answered nothing; the next start knows what is there (${outcome})`, async (t) => {
    const location = temporaryDirectory(t)
    const device = new Signer(numberedKey(51))
    const first = await startBroker(t, { location, log })
    await first.broker.chain.enroll(device.key, 'device')
    await offlineSubscriber(t, first.port, 'fault')
    const client = await RawMqtt.connect(t, first.port, { clientId: 'device' })
    breakStore(t, first.broker.chain.database, outcome)
    const messages = ['in the failing block', 'after it'].map((text) => device.sign('fault', text))
    client.write(...messages.map((payload, i) => publishPacket({ topic: 'fault', payload, qos: 1, packetId: i + 1 })))
    await client.closed
    await assert.rejects(client.next('puback'))
    await first.broker.close()
    assert.equal((await first.broker.failed).code, 'ERR_STORE_FAILED')

    const second = await startBroker(t, { location })
    const retry = await RawMqtt.connect(t, second.port, { clientId: 'device' })
    for (const [i, payload] of messages.entries()) {
      retry.write(publishPacket({ topic: 'fault', payload, qos: 1, packetId: i + 1, dup: true }))
      await retry.next('puback')
    }
    const resumed = await resume(t, second.port)
    await resumed.waitFor(2)
    assert.equal(texts(resumed).length, 2)
    await second.broker.close()
    assert.deepEqual([...(await countPayloads(location, 'fault')).values()], [1, 1])
    await assertVerifies(location)
  })
}
