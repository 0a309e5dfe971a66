import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { IClientOptions } from 'mqtt'
import { atEnd } from '../../helpers/cleanup.ts'
import {
  acknowledgement,
  connectPacket,
  PacketSplitter,
  packetType,
  pingPacket,
  subscribePacket,
} from '../../helpers/mqtt-bytes.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { RawMqtt } from '../../helpers/raw-mqtt.ts'
import { covers, departureOf, enter, eventually, openBroker, sysMessages } from './support.ts'

const durable = (clientId: string): IClientOptions => ({
  clientId,
  clean: false,
  properties: { sessionExpiryInterval: 600 },
})

/** Leaves a session behind that subscribes to a topic. */
async function leaveSession(t: TestContext, port: number, clientId: string, topic: string): Promise<void> {
  const client = await TestClient.connect(t, port, durable(clientId))
  await client.subscribe(topic, 1)
  await client.end()
}

/** Comes back to a session with at least so many messages. @returns what was kept for it */
async function kept(
  t: TestContext,
  port: number,
  { clientId, topic, least }: { clientId: string; topic: string; least: number },
): Promise<readonly string[]> {
  const client = await TestClient.connect(t, port, durable(clientId))
  await client.waitFor(least)
  await client.publish(topic, 'end')
  await client.waitFor(1, ({ payload }) => `${payload}` === 'end')
  return client.received.map(({ payload }) => `${payload}`.slice(0, 3)).filter((payload) => payload !== 'end')
}

/** A subscriber that acknowledges nothing by itself. */
async function silentSubscriber(t: TestContext, port: number, topic: string): Promise<RawMqtt> {
  const raw = await RawMqtt.connect(t, port, { clientId: `raw-${topic}`, version: 5 })
  raw.write(subscribePacket(1, [topic], 1, 5))
  await raw.next('suback')
  return raw
}

test('limits of packets, payloads, queues and windows', async (t) => {
  const { port, program } = await openBroker(t, [
    'max_inflight_messages 2',
    'max_inflight_bytes 100',
    'max_queued_messages 5',
    'max_queued_bytes 300',
    'max_packet_size 2000',
    'message_size_limit 1000',
    'max_keepalive 60',
    'max_topic_alias_broker 2',
    'queue_qos0_messages true',
    'notary_response_information answers/',
    'notary_connect_timeout 1',
    'sys_interval 0',
  ])
  const publisher = await TestClient.connect(t, port)

  await t.test('max_packet_size is told to MQTT 5 clients and ends the connection of who sends more', async (t) => {
    covers('max_packet_size')
    const client = await TestClient.connect(t, port)
    assert.equal(client.connack?.properties?.maximumPacketSize, 2000)
    const old = await TestClient.connect(t, port, { protocolVersion: 4 })
    const gone = departureOf(old)
    old.mqtt.publish('a', 'x'.repeat(2500), { qos: 0 })
    await gone
  })

  await t.test('message_size_limit refuses a larger payload and delivers it to nobody', async (t) => {
    covers('message_size_limit')
    const client = await TestClient.connect(t, port)
    await client.subscribe('size', 1)
    assert.deepEqual(
      [await client.publish('size', 'x'.repeat(1001)), await client.publish('size', 'x'.repeat(80))],
      [0x97, 0],
    )
    assert.deepEqual(
      (await client.waitFor(1)).map(({ payload }) => payload.length),
      [80],
    )
  })

  await t.test('max_keepalive is given to MQTT 5 clients; older ones cannot be told and are let in', async (t) => {
    covers('max_keepalive')
    const client = await TestClient.connect(t, port, { keepalive: 100 })
    assert.equal(client.connack?.properties?.serverKeepAlive, 60)
    assert.equal(await enter(t, port, { keepalive: 100, protocolVersion: 4 }), 0)
  })

  await t.test('max_inflight_messages and max_inflight_bytes hold back what is not acknowledged', async (t) => {
    covers('max_inflight_messages', 'max_inflight_bytes')
    assert.equal(publisher.connack?.properties?.receiveMaximum, 2)
    for (const [topic, payload, most] of [
      ['many', 'x', 2],
      ['large', 'x'.repeat(80), 1],
    ] as const) {
      const raw = await silentSubscriber(t, port, topic)
      const types: number[] = []
      const splitter = new PacketSplitter()
      raw.socket.on('data', (chunk: Buffer) => types.push(...splitter.push(chunk).map(({ type }) => type)))
      for (let i = 0; i < 3; i++) await publisher.publish(topic, payload)
      const ids: number[] = []
      const take = async () => {
        const { body } = await raw.next('publish')
        ids.push(body.readUInt16BE(2 + topic.length))
      }
      for (let i = 0; i < most; i++) await take()
      // What was on its way before the answer comes before it.
      raw.write(pingPacket)
      await raw.next('pingresp')
      assert.equal(types.filter((type) => type === packetType.publish).length, most, topic)
      raw.write(acknowledgement('puback', ids[0] ?? 0))
      await take()
    }
  })

  await t.test('max_queued_messages and max_queued_bytes drop what comes on top', async (t) => {
    covers('max_queued_messages', 'max_queued_bytes')
    await leaveSession(t, port, 'count', 'queue/count')
    await leaveSession(t, port, 'bytes', 'queue/bytes')
    for (let i = 0; i < 20; i++) {
      await publisher.publish('queue/count', `${i}`)
      await publisher.publish('queue/bytes', `${i} ${'x'.repeat(118)}`)
    }
    const count = await kept(t, port, { clientId: 'count', topic: 'queue/count', least: 5 })
    assert.deepEqual(count, ['0', '1', '2', '3', '4'])
    const bytes = await kept(t, port, { clientId: 'bytes', topic: 'queue/bytes', least: 3 })
    assert.deepEqual(bytes, ['0 x', '1 x', '2 x'])
  })

  await t.test('queue_qos0_messages keeps messages with QoS 0 for who is away', async (t) => {
    covers('queue_qos0_messages')
    await leaveSession(t, port, 'zero', 'queue/zero')
    await publisher.publish('queue/zero', 'abc', { qos: 0 })
    // The next one is behind it.
    await publisher.publish('queue/other', 'x')
    assert.deepEqual(await kept(t, port, { clientId: 'zero', topic: 'queue/zero', least: 1 }), ['abc'])
  })

  await t.test('max_topic_alias_broker is how many topic aliases a MQTT 5 client is sent at most', async (t) => {
    covers('max_topic_alias_broker')
    const client = await TestClient.connect(t, port, { properties: { topicAliasMaximum: 10 } })
    const aliases = new Set<number>()
    client.mqtt.on('packetreceive', (packet) => {
      if (packet.cmd === 'publish' && packet.properties?.topicAlias) aliases.add(packet.properties.topicAlias)
    })
    await client.subscribe('alias/#', 1)
    for (let i = 0; i < 12; i++) await publisher.publish(`alias/of/a/long/topic/name/${i % 4}`, 'x')
    await client.waitFor(12)
    assert.deepEqual([...aliases], [1, 2])
  })

  await t.test('notary_response_information is the prefix of what a client that asks is told', async (t) => {
    covers('notary_response_information')
    const asks = { properties: { requestResponseInformation: true } }
    const { connack, id } = await TestClient.connect(t, port, asks)
    assert.equal(connack?.properties?.responseInformation, `answers/${id}`)
  })

  await t.test('notary_connect_timeout ends a connection that says nothing', async (t) => {
    covers('notary_connect_timeout')
    const silent = await RawMqtt.open(t, port)
    await silent.closed
    await program.says(/^\d+: Client connection from 127\.0\.0\.1:\d+ closed: .*CONNECT/)
  })

  await t.test('sys_interval 0 publishes nothing below $SYS/', async (t) => {
    covers('sys_interval')
    assert.deepEqual([...(await sysMessages(t, port))], [])
  })
})

/** Opens a connection from another address of the loopback network. */
function openFrom(t: TestContext, port: number, localAddress: string): Socket {
  const socket = connect({ host: '127.0.0.1', port, localAddress })
  atEnd(t, () => socket.destroy())
  socket.on('error', () => socket.destroy())
  return socket
}

/** Sends CONNECT from such an address. @returns the code in CONNACK, or 'closed' */
function enterFrom(t: TestContext, port: number, localAddress: string): Promise<number | 'closed'> {
  const socket = openFrom(t, port, localAddress)
  socket.write(connectPacket({ clientId: `from-${localAddress}`, version: 5 }))
  return new Promise((resolve) => {
    socket.once('data', (chunk) => resolve(chunk[3] ?? -1))
    socket.once('close', () => resolve('closed'))
  })
}

test('limits of connections and clients over all listeners', async (t) => {
  const { port } = await openBroker(t, [
    'global_max_clients 3',
    'global_max_connections 4',
    'notary_max_connections_per_address 3',
    'persistent_client_expiration 1s',
    'retain_available false',
    'sys_interval 1',
  ])
  await t.test('retain_available false tells MQTT 5 clients, and ends the connection of who retains', async (t) => {
    covers('retain_available')
    const client = await TestClient.connect(t, port)
    assert.equal(client.connack?.properties?.retainAvailable, false)
    const gone = departureOf(client)
    client.mqtt.publish('a', 'x', { retain: true })
    await gone
  })

  const clients: TestClient[] = []
  await t.test('one address, all clients and all connections have their limits', async () => {
    covers('notary_max_connections_per_address', 'global_max_clients', 'global_max_connections')
    for (let i = 0; i < 3; i++) clients.push(await TestClient.connect(t, port, durable(`client-${i}`)))
    assert.equal(await enter(t, port), 'closed')
    // From elsewhere it is a connection, but there is no room for a client.
    assert.equal(await enterFrom(t, port, '127.0.0.2'), 0x97)
    // With one more that says nothing there is no room for a connection either. Those of before may still be counted.
    const attempt = () => {
      openFrom(t, port, '127.0.0.2')
      return enterFrom(t, port, '127.0.0.3')
    }
    assert.equal(await eventually(attempt, (result) => result === 'closed'), 'closed')
  })

  await t.test('persistent_client_expiration ends the sessions of who stays away', async (t) => {
    covers('persistent_client_expiration')
    for (const client of clients) await client.end()
    const code = await eventually(
      () => enter(t, port, { clientId: 'newcomer' }),
      (result) => result === 0,
    )
    assert.equal(code, 0)
  })
})
