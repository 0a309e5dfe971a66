import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { TestAdmin } from '../helpers/admin.ts'
import { type SpawnedBroker, spawnBroker } from '../helpers/broker.ts'
import { Bystander } from '../helpers/bystander.ts'
import { keysDirectory } from '../helpers/key-files.ts'
import { numberedKey } from '../helpers/keys.ts'
import { memoryBytes, peakMemoryBytes } from '../helpers/memory.ts'
import { type MqttVersion, publishPacket, type ReceivedPacket, subscribePacket } from '../helpers/mqtt-bytes.ts'
import { RawMqtt } from '../helpers/raw-mqtt.ts'
import { Signer, sha256Base64url } from '../helpers/signing.ts'

// The largest things that MQTT allows, and the most of them at once: legal, so they go through.

const device = numberedKey(43)
const mebibyte = 1024 * 1024
/** Generous: what is in flight may stand in memory several times, but not what passed. */
const mostMemoryBytes = 700 * mebibyte

interface Setting {
  readonly broker: SpawnedBroker
  readonly bystander: Bystander
  readonly admin: TestAdmin
}

async function start(t: TestContext): Promise<Setting> {
  const broker = await spawnBroker(t, {
    lines: ['notary_protect +/signed/# signed', `notary_keys ${keysDirectory(t, { device })}`],
  })
  const admin = await TestAdmin.connect(t, broker.port, { keepalive: 0 })
  return { broker, bystander: await Bystander.of(t, broker), admin }
}

async function assertUnharmed({ broker, bystander }: Setting, what: string): Promise<void> {
  await bystander.assertUnharmed(what)
  const peak = peakMemoryBytes(broker.child)
  assert.ok(peak < mostMemoryBytes, `${what}: at most ${peak} bytes, ${memoryBytes(broker.child)} at the end`)
}

async function subscriber(t: TestContext, port: number, filter: string, version: MqttVersion): Promise<RawMqtt> {
  const client = await RawMqtt.connect(t, port, { clientId: 'subscriber', version })
  client.write(subscribePacket(1, [filter], 1, version))
  await client.next('suback')
  return client
}

/** Topic Name and application message of a PUBLISH with QoS 1 and without properties. */
function contentOf({ body }: ReceivedPacket, version: MqttVersion): { topic: string; payload: Buffer } {
  const end = 2 + body.readUInt16BE(0)
  return { topic: body.toString('utf8', 2, end), payload: body.subarray(end + 2 + (version === 5 ? 1 : 0)) }
}

for (const version of [4, 5] as const) {
  test(`a topic of 65,535 bytes goes through and is recorded, unsigned and signed (version ${version})`, async (t) => {
    const setting = await start(t)
    const client = await subscriber(t, setting.broker.port, 'long/#', version)
    const signer = new Signer(device)
    for (const [start, sign] of [
      ['long/plain/', false],
      ['long/signed/', true],
    ] as const) {
      const topic = start + 'é'.repeat(20_000).padEnd(65_535 - 20_000 - start.length, 'x')
      assert.equal(Buffer.byteLength(topic), 65_535)
      const payload = sign ? signer.sign(topic, 'x') : Buffer.from('x')
      client.write(publishPacket({ topic, payload, qos: 1, version }))
      await client.next('puback')
      assert.equal(contentOf(await client.next('publish'), version).topic, topic)
      const [record] = await setting.admin.publishes({ topic: `${start}#` })
      assert.deepEqual([record?.topic, record?.outcome], [topic, sign ? 'signed' : 'unsigned'])
    }
    await assertUnharmed(setting, 'a topic of 65,535 bytes')
    await setting.admin.verifies(1)
  })

  test(`a payload of 5 MB goes through and is recorded, unsigned and signed (version ${version})`, async (t) => {
    const setting = await start(t)
    const client = await subscriber(t, setting.broker.port, 'large/#', version)
    const body = Buffer.alloc(5_000_000, 'five megabytes ')
    const signer = new Signer(device)
    for (const topic of ['large/plain', 'large/signed/x']) {
      const payload = topic === 'large/plain' ? body : signer.sign(topic, body)
      client.write(publishPacket({ topic, payload, qos: 1, version }))
      await client.next('puback')
      const delivered = contentOf(await client.next('publish'), version)
      assert.ok(delivered.payload.equals(payload), 'delivered as it was published')
      const [record] = await setting.admin.publishes({ topic })
      assert.deepEqual([record?.size, record?.payloadSha256], [body.length, sha256Base64url(body)])
    }
    const forged = Buffer.from(signer.sign('large/signed/x', body))
    forged[forged.length - 1] = (forged.at(-1) as number) ^ 1
    client.write(publishPacket({ topic: 'large/signed/x', payload: forged, qos: 1, version }))
    await client.next('puback')
    assert.equal((await setting.admin.publishes({ topic: 'large/#' })).length, 2)
    await assertUnharmed(setting, 'payloads of 5 MB')
    await setting.admin.verifies(1)
  })

  test(`a topic of 200 levels goes through, one of 201 ends its connection (version ${version})`, async (t) => {
    const setting = await start(t)
    const client = await subscriber(t, setting.broker.port, 'deep/#', version)
    const topic = ['deep', ...Array.from({ length: 199 }, () => '')].join('/')
    client.write(publishPacket({ topic, payload: 'x', qos: 1, version }))
    await client.next('puback')
    assert.equal(contentOf(await client.next('publish'), version).topic, topic)
    const other = await RawMqtt.connect(t, setting.broker.port, { clientId: 'deeper', version })
    other.write(publishPacket({ topic: `${topic}/`, payload: 'x', qos: 1, version }))
    await other.closed
    await assertUnharmed(setting, 'topics of many levels')
    assert.deepEqual(
      (await setting.admin.publishes({ topic: 'deep/#' })).map((record) => record.topic),
      [topic],
    )
  })

  test(`an empty payload is recorded and clears what is retained (version ${version})`, async (t) => {
    const setting = await start(t)
    const client = await RawMqtt.connect(t, setting.broker.port, { clientId: 'publisher', version })
    for (const payload of ['kept', '', '']) {
      client.write(publishPacket({ topic: 'empty', payload, qos: 1, retain: true, version }))
      await client.next('puback')
    }
    const late = await subscriber(t, setting.broker.port, 'empty', version)
    late.write(publishPacket({ topic: 'empty', payload: 'first', qos: 1, version }))
    assert.equal(contentOf(await late.next('publish'), version).payload.toString(), 'first')
    const records = await setting.admin.publishes({ topic: 'empty' })
    assert.deepEqual(
      records.map(({ size, retain }) => [size, retain]),
      [
        [4, true],
        [0, true],
        [0, true],
        [5, false],
      ],
    )
    await assertUnharmed(setting, 'empty payloads')
  })
}

test('a flood of QoS 0 publishes from four connections is recorded to the last one, in bounded memory', async (t) => {
  const setting = await start(t)
  const perClient = 10_000
  const payload = Buffer.alloc(200, 'x')
  const clients = await Promise.all(
    [0, 1, 2, 3].map((i) => RawMqtt.connect(t, setting.broker.port, { clientId: `flood-${i}` })),
  )
  await Promise.all(
    clients.map(async (client, i) => {
      const packet = publishPacket({ topic: `flood/${i}`, payload })
      const chunk = Buffer.concat(Array.from({ length: 100 }, () => packet))
      for (let sent = 0; sent < perClient; sent += 100) {
        if (!client.socket.write(chunk)) await once(client.socket, 'drain')
      }
      // QoS 0 has no acknowledgement: that of the last one stands for all before it.
      client.write(publishPacket({ topic: `flood/${i}`, payload: 'last', qos: 1 }))
      await client.next('puback')
    }),
  )
  const { accepted } = await setting.admin.request('audit.status', {})
  assert.equal(accepted, 4 * (perClient + 1))
  await assertUnharmed(setting, 'a flood of QoS 0')
})
