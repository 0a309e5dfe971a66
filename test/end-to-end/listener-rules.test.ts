import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { IClientOptions, IConnackPacket } from 'mqtt'
import type { BrokerOptions, ListenerOptions } from '../../broker/index.ts'
import { startBroker } from '../helpers/broker.ts'
import { TestClient } from '../helpers/mqtt-clients.ts'
import { RawMqtt } from '../helpers/raw-mqtt.ts'

/** A broker whose only listener has these rules. */
async function brokerWith(t: TestContext, options: Partial<BrokerOptions>, listener: Partial<ListenerOptions> = {}) {
  const listeners = [{ protocol: 'mqtt', port: 0, host: '127.0.0.1', ...listener }] as const
  return startBroker(t, { ...options, listeners })
}

/** Properties of the CONNACK, or the code of one that refuses. */
async function connackOf(
  t: TestContext,
  port: number,
  options: IClientOptions = {},
): Promise<IConnackPacket['properties'] | number> {
  let properties: IConnackPacket['properties']
  try {
    const client = await TestClient.connect(t, port, { ...options })
    properties = client.connack?.properties ?? {}
    return properties
  } catch (error) {
    const { code } = error as { code?: number }
    assert.ok(typeof code === 'number', String(error))
    return code
  }
}

test('a larger payload than message_size_limit is refused, not recorded and not delivered; the client stays', async (t) => {
  const { port, broker } = await brokerWith(t, { messageSizeLimit: 10 })
  const client = await TestClient.connect(t, port)
  await client.subscribe('#', 1)
  const before = broker.chain.state.frontier.size
  assert.equal(await client.publish('a', '12345678901'), 0x97)
  assert.equal(await client.publish('a', '1234567890'), 0)
  assert.deepEqual(
    (await client.waitFor(1)).map(({ payload }) => payload.length),
    [10],
  )
  assert.equal(broker.chain.state.frontier.size, before + 1)
  assert.equal(broker.counters.refused['message-too-large'], 1)
})

test('MQTT 5 clients are told of what is not offered', async (t) => {
  const { port } = await brokerWith(t, { retainAvailable: false, maximumQos: 1 }, { maxTopicAlias: 3 })
  const told = await connackOf(t, port)
  assert.ok(typeof told === 'object')
  assert.deepEqual([told.retainAvailable, told.maximumQoS, told.topicAliasMaximum], [false, 1, 3])
})

test('max_qos of a listener goes before that of the broker', async (t) => {
  const { port } = await brokerWith(t, { maximumQos: 0 }, { maximumQos: 1 })
  const told = await connackOf(t, port)
  assert.ok(typeof told === 'object')
  assert.equal(told.maximumQoS, 1)
})

test('a version that a listener does not take is refused in the words of that version', async (t) => {
  const { port } = await brokerWith(t, {}, { acceptProtocolVersions: [5] })
  assert.equal(await connackOf(t, port, { protocolVersion: 4 }), 1)
  assert.equal(typeof (await connackOf(t, port)), 'object')
})

test('with use_username_as_clientid the id is the username, and who has none is refused', async (t) => {
  const { port } = await brokerWith(t, {}, { useUsernameAsClientId: true })
  assert.equal(await connackOf(t, port, { clientId: 'mine' }), 0x87)
  const client = await TestClient.connect(t, port, { clientId: 'mine', username: 'ann' })
  const second = await TestClient.connect(t, port, { clientId: 'ann', username: 'ann' })
  // It has the same id, so it takes over.
  await new Promise<void>((resolve) => {
    if (client.mqtt.connected) client.mqtt.once('close', () => resolve())
    else resolve()
  })
  assert.equal(await second.publish('a', 'x'), 0)
})

test('client ids begin as clientid_prefixes demands', async (t) => {
  const { port } = await brokerWith(t, { clientIdPrefixes: ['dev-', 'app-'] })
  const codes = []
  for (const clientId of ['dev-1', 'app-1', 'other']) codes.push(await connackOf(t, port, { clientId }))
  assert.deepEqual(
    codes.map((one) => (typeof one === 'number' ? one : 'accepted')),
    ['accepted', 'accepted', 0x87],
  )
})

test('a client without an id gets one with the prefix, or none where that is not allowed', async (t) => {
  const { port } = await brokerWith(t, { autoIdPrefix: 'site-' })
  const told = await connackOf(t, port, { clientId: '' })
  assert.ok(typeof told === 'object')
  assert.match(told.assignedClientIdentifier ?? '', /^site-[0-9A-F-]{36}$/)
  const strict = await brokerWith(t, { allowZeroLengthClientId: false })
  assert.equal(await connackOf(t, strict.port, { clientId: '' }), 0x85)
})

test('global_max_clients counts sessions, also of those who are away; who has one comes back', async (t) => {
  const { port } = await brokerWith(t, { globalMaxClients: 1 })
  const session = { clientId: 'first', clean: false, properties: { sessionExpiryInterval: 60 } }
  const first = await TestClient.connect(t, port, session)
  assert.equal(await connackOf(t, port, { clientId: 'second' }), 0x97)
  await first.end()
  assert.equal(await connackOf(t, port, { clientId: 'second' }), 0x97)
  assert.equal(typeof (await connackOf(t, port, session)), 'object')
})

test('beyond global_max_connections a connection is closed at once', async (t) => {
  const { port } = await brokerWith(t, { globalMaxConnections: 1 })
  await TestClient.connect(t, port)
  const second = await RawMqtt.open(t, port)
  await second.closed
})

test('a session that never ends ends when its client stays away for persistent_client_expiration', async (t) => {
  const { port } = await brokerWith(t, { persistentClientExpirationSeconds: 1 })
  const session = { clientId: 'gone', clean: false, protocolVersion: 4 } as const
  const first = await TestClient.connect(t, port, session)
  await first.end()
  const again = await TestClient.connect(t, port, session)
  assert.equal(again.connack?.sessionPresent, true)
  await again.end()
  let isPresent = true
  // Its end is a timer of a second after the disconnect.
  for (let i = 0; i < 20 && isPresent; i++) {
    await new Promise((resolve) => setTimeout(resolve, 1500))
    const later = await TestClient.connect(t, port, session)
    isPresent = later.connack?.sessionPresent === true
    await later.end()
  }
  assert.equal(isPresent, false)
})
