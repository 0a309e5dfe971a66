import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { IClientSubscribeOptions, IPublishPacket } from 'mqtt'
import { nativeCrypto } from '../../plugins/native-crypto.ts'
import {
  blockTopic,
  checkpointTopic,
  ed25519NoteVerifier,
  openCheckpoint,
  parseSignedHeader,
  parseVerifierKey,
  verifySignedHeader,
} from '../../protocol/index.ts'
import { type RunningBroker, startBroker } from '../helpers/broker.ts'
import { type MqttVersion, mqttVersions, type Received, TestClient } from '../helpers/mqtt-clients.ts'

const often = { checkpointIntervalMs: 100 }
const isCheckpoint = ({ topic }: Received) => topic === checkpointTopic

function sizeOf({ broker }: RunningBroker, note: Uint8Array): number {
  const log = ed25519NoteVerifier(parseVerifierKey(broker.chain.logVkey, nativeCrypto), nativeCrypto)
  return Number(openCheckpoint(note, [log]).checkpoint.treeSize)
}

/** Subscribes to a checkpoint that covers everything so far, and gives the client once it has one. */
async function hearing(t: TestContext, running: RunningBroker, version: MqttVersion): Promise<TestClient> {
  const client = await TestClient.connect(t, running.port, version)
  assert.equal(await client.subscribe(checkpointTopic, 1), 1)
  await client.waitFor(1, isCheckpoint)
  return client
}

for (const { name, version } of mqttVersions) {
  test(`${name}: whoever subscribes gets the newest checkpoint retained, and later ones as they come`, async (t) => {
    const running = await startBroker(t, often)
    const first = await hearing(t, running, version)
    const publisher = await TestClient.connect(t, running.port)
    await publisher.publish('a', 'x')
    const heard = await first.waitFor(2, isCheckpoint)
    const sizes = heard.map(({ payload }) => sizeOf(running, payload))
    assert.ok((sizes[1] ?? 0) > (sizes[0] ?? 0), `${sizes}`)
    const late = await hearing(t, running, version)
    const [retained] = late.received
    assert.deepEqual([retained?.retain, retained?.qos], [true, 0])
    assert.equal(sizeOf(running, retained?.payload ?? Buffer.alloc(0)), running.broker.chain.state.frontier.size)
    // What goes on as it comes: without the flag, where nobody asked for it. [MQTT-5.0 3.3.1-12]
    assert.equal(heard.at(-1)?.retain, false)
  })

  test(`${name}: the header of every block is told as it becomes durable, and nothing of the past`, async (t) => {
    const { broker, port } = await startBroker(t, often)
    const publisher = await TestClient.connect(t, port)
    await publisher.publish('a', 'before')
    const client = await TestClient.connect(t, port, version)
    assert.equal(await client.subscribe(blockTopic, 0), 0)
    const { height } = broker.chain.state
    await publisher.publish('a', 'one')
    await publisher.publish('a', 'two')
    const heard = await client.waitFor(2)
    const headers = heard.map(({ payload }) => parseSignedHeader(payload).header)
    assert.deepEqual(
      headers.map((header) => header.height),
      [height, height + 1],
    )
    for (const { payload, retain } of heard) {
      assert.equal(retain, false)
      await verifySignedHeader(payload, broker.chain.brokerKey, nativeCrypto)
    }
  })

  test(`${name}: a session that is resumed goes on to hear of checkpoints`, async (t) => {
    const { port } = await startBroker(t, often)
    const properties = version.protocolVersion === 5 ? { properties: { sessionExpiryInterval: 3600 } } : {}
    const options = { ...version, clientId: 'stays', clean: false, ...properties }
    const before = await TestClient.connect(t, port, options)
    await before.subscribe(checkpointTopic, 0)
    await before.end()
    const again = await TestClient.connect(t, port, options)
    await again.publish('a', 'x')
    await again.waitFor(1, isCheckpoint)
  })

  test(`${name}: after UNSUBSCRIBE nothing more is told`, async (t) => {
    const running = await startBroker(t, often)
    const gone = await hearing(t, running, version)
    const stays = await hearing(t, running, version)
    await gone.subscribe(blockTopic)
    await gone.mqtt.unsubscribeAsync([checkpointTopic, blockTopic])
    const count = gone.received.length
    await stays.publish('a', 'x')
    const before = stays.received.filter(isCheckpoint).length
    await stays.waitFor(before + 1, isCheckpoint)
    await gone.publish('fence', '')
    assert.equal(gone.received.length, count)
  })
}

/** Subscribes as MQTT 5 can. @returns the packets that came until a message that was sent after SUBACK */
async function packetsAfter(client: TestClient, options: IClientSubscribeOptions): Promise<IPublishPacket[]> {
  const packets: IPublishPacket[] = []
  const listen = (topic: string, _payload: Buffer, packet: IPublishPacket) => {
    if (topic === checkpointTopic) packets.push(packet)
  }
  client.mqtt.on('message', listen)
  await client.mqtt.subscribeAsync(checkpointTopic, options)
  const fence = `fence/${packets.length}/${client.received.length}`
  await client.subscribe(fence)
  await client.publish(fence, '')
  await client.waitFor(1, ({ topic }) => topic === fence)
  client.mqtt.removeListener('message', listen)
  return packets
}

test('MQTT 5: Retain Handling says whether a subscription begins with the retained checkpoint [MQTT-5.0 3.3.1-9], [MQTT-5.0 3.3.1-10], [MQTT-5.0 3.3.1-11]', async (t) => {
  // No second checkpoint comes in the middle.
  const running = await startBroker(t, often)
  await hearing(t, running, { protocolVersion: 5 })
  await running.broker.reload({ location: running.location, ...slow(running) })
  const client = await TestClient.connect(t, running.port)
  const subscribed = async (rh: number) => (await packetsAfter(client, { qos: 0, rh })).map(({ retain }) => retain)
  assert.deepEqual(await subscribed(2), [])
  assert.deepEqual(await subscribed(0), [true])
  assert.deepEqual(await subscribed(1), [], 'it has the subscription already')
  assert.deepEqual(await subscribed(0), [true], 'each time, even so')
  await client.mqtt.unsubscribeAsync(checkpointTopic)
  assert.deepEqual(await subscribed(1), [true])
})

function slow({ broker, port }: RunningBroker) {
  const [webSocket] = broker.listeners.filter(({ protocol }) => protocol === 'websockets')
  return {
    listeners: [
      { protocol: 'mqtt', port, host: '127.0.0.1' },
      { protocol: 'websockets', port: webSocket?.port ?? 0, host: '127.0.0.1', allowedOrigins: 'localhost' },
    ],
    allowAnonymous: true,
    anonymousAdmin: true,
    checkpointIntervalMs: 86_400_000,
  } as const
}

test('MQTT 5: Retain As Published keeps the flag on checkpoints that come later, and they name the subscription', async (t) => {
  const running = await startBroker(t, often)
  const publisher = await hearing(t, running, { protocolVersion: 5 })
  const client = await TestClient.connect(t, running.port)
  const packets: IPublishPacket[] = []
  client.mqtt.on('message', (_topic, _payload, packet) => packets.push(packet))
  await client.mqtt.subscribeAsync(checkpointTopic, {
    qos: 0,
    rap: true,
    properties: { subscriptionIdentifier: 77 },
  })
  await client.waitFor(1)
  await publisher.publish('a', 'x')
  await client.waitFor(2)
  for (const { retain, properties } of packets) {
    assert.deepEqual([retain, properties?.subscriptionIdentifier], [true, 77])
  }
})
