import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { IClientOptions, IClientPublishOptions } from 'mqtt'
import { p256ToJwk, requestTopic, toBase64url } from '../../protocol/index.ts'
import { TestAdmin } from '../helpers/admin.ts'
import { startBroker } from '../helpers/broker.ts'
import { numberedKey } from '../helpers/keys.ts'
import { type MqttVersion, mqttVersions, TestClient } from '../helpers/mqtt-clients.ts'
import { Signer } from '../helpers/signing.ts'

const statusRequest = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'audit.status' })
const isV5 = ({ protocolVersion }: MqttVersion) => protocolVersion === 5
/** What a refused QoS 1 publish is answered with: MQTT 3 has no word for it. */
const refusedPublish = (version: MqttVersion) => (isV5(version) ? 0x87 : 0)
const refusedSubscription = (version: MqttVersion) => (isV5(version) ? 0x87 : 0x80)

/** Waits until everything published before has been delivered to `subscriber`, which listens to `fence`. */
async function fence(t: TestContext, port: number, subscriber: TestClient): Promise<void> {
  const last = await TestClient.connect(t, port)
  await last.publish('fence', 'end')
  await subscriber.waitFor(1, ({ topic }) => topic === 'fence')
}

for (const { name, version } of mqttVersions) {
  test(`${name}: # and + do not match what the broker tells below $notary/`, async (t) => {
    const { port } = await startBroker(t)
    const curious = await TestClient.connect(t, port, { ...version, clientId: 'curious' })
    const filters = ['#', '+/#', '+/admin/response/-', '+/admin/response/curious', '+/rejected/#', '+/+/+/+']
    for (const filter of filters) assert.equal(await curious.subscribe(filter), 2, filter)
    await curious.publish(requestTopic.admin, statusRequest)
    await curious.publish('$notary/alarm', 'refused')
    const admin = await TestAdmin.connect(t, port, version)
    await admin.request('keys.enroll', { key: p256ToJwk(numberedKey(1)) })
    await fence(t, port, curious)
    assert.deepEqual(new Set(curious.received.map(({ topic }) => topic)), new Set(['fence']))
  })

  test(`${name}: nobody publishes below $notary/ or $SYS/ but to a request topic`, async (t) => {
    const { port } = await startBroker(t)
    const client = await TestClient.connect(t, port, version)
    assert.equal(await client.subscribe('$notary/rejected/-', 0), 0)
    const below = ['admin', 'admin/request/x', `admin/response/${client.id}`, 'alarm', 'rejected/-', 'void', '', 'x/y']
    const topics = [
      '$notary',
      '$SYS',
      '$SYS/broker/version',
      '$SYS/x/new/clients',
      ...below.map((one) => `$notary/${one}`),
    ]
    let refusals = 0
    for (const topic of topics) {
      for (const options of [{ qos: 0 }, { qos: 1 }, { qos: 2 }, { qos: 1, retain: true }] as const) {
        const code = await client.publish(topic, 'x', options)
        assert.equal(code, options.qos === 0 ? 0 : refusedPublish(version), topic)
        refusals++
      }
    }
    await client.waitFor(refusals)
    for (const { payload } of client.received) assert.equal(JSON.parse(payload.toString()).cause, 'broker-topic')
    const admin = await TestAdmin.connect(t, port, version)
    assert.deepEqual((await admin.request('audit.status', {})).refused, { 'broker-topic': refusals })
    assert.deepEqual(await admin.publishes(), [])
  })

  test(`${name}: a client subscribes to its own topics below $notary/ and to nobody else's`, async (t) => {
    const { port } = await startBroker(t)
    const client = await TestClient.connect(t, port, { ...version, clientId: 'a/b+c#d%e' })
    const own = ['-', 'a%2Fb%2Bc%23d%25e']
    for (const id of own) {
      for (const filter of [`$notary/admin/response/${id}`, `$notary/rejected/${id}/#`]) {
        assert.equal(await client.subscribe(filter, 1), 1, filter)
      }
    }
    const others = [
      'admin/response/b',
      'admin/response/+',
      'admin/response/#',
      'admin/response',
      'rejected/+',
      '+/response/-',
    ]
    const broker = [
      '#',
      '',
      '+',
      'alarm/x',
      'audit/#',
      'admin/request',
      'admin/#',
      'void',
      'admin/response/-x',
      'rejected',
    ]
    const filters = [...others, ...broker].map((one) => `$notary/${one}`)
    for (const filter of ['$notary', ...filters]) {
      assert.equal(await client.subscribe(filter), refusedSubscription(version), filter)
    }
    // What is told to one client is nothing to take turns at, not even for its own.
    for (const below of ['admin/response/-', 'rejected/#', 'alarm', '#']) {
      const filter = `$share/g/$notary/${below}`
      assert.equal(await client.subscribe(filter), refusedSubscription(version), filter)
    }
    assert.equal(await client.subscribe('$share/g/$notary'), refusedSubscription(version))
    for (const filter of ['$share/g/x', '$share/g/#']) assert.equal(await client.subscribe(filter), 2, filter)
    assert.equal(await client.subscribe('$notaryx/#'), 2, "only $notary itself is the broker's")
    assert.equal(await client.publish('still/there', 'x'), 0)
  })

  test(`${name}: an answer goes to the connection that asked, once, and is neither retained nor queued`, async (t) => {
    const { port } = await startBroker(t)
    const asker = await TestClient.connect(t, port, { ...version, clientId: 'asker' })
    const other = await TestClient.connect(t, port, { ...version, clientId: 'other' })
    for (const client of [asker, other]) {
      assert.equal(await client.subscribe('$notary/admin/response/-', 1), 1)
      assert.equal(await client.subscribe('#'), 2)
    }
    const options: IClientPublishOptions = { qos: 1, retain: true }
    assert.equal(await asker.publish(requestTopic.admin, statusRequest, options), 0)
    const [answer] = await asker.waitFor(1)
    assert.deepEqual([answer?.topic, answer?.qos, answer?.retain], ['$notary/admin/response/-', 0, false])
    // Asks and is gone before the answer; its session stays.
    const persistent: IClientOptions = { ...version, clientId: 'leaver', clean: false }
    if (isV5(version)) persistent.properties = { sessionExpiryInterval: 3600 }
    const leaver = await TestClient.connect(t, port, persistent)
    assert.equal(await leaver.subscribe('$notary/admin/response/-', 1), 1)
    assert.equal(await leaver.subscribe('fence', 1), 1)
    leaver.mqtt.publish(requestTopic.admin, statusRequest, { qos: 1 })
    leaver.vanish()
    await fence(t, port, asker)
    await fence(t, port, other)
    const back = await TestClient.connect(t, port, persistent)
    await back.waitFor(2)
    const late = await TestClient.connect(t, port, { ...version, clientId: 'late' })
    await late.subscribe('$notary/admin/response/-', 1)
    await late.subscribe('#')
    await fence(t, port, late)
    const topicsOf = (client: TestClient) =>
      client.received.map(({ topic }) => topic).filter((topic) => topic !== 'fence')
    for (const client of [other, back, late]) assert.deepEqual(topicsOf(client), [], client.id)
    assert.deepEqual(topicsOf(asker), ['$notary/admin/response/-'])
    const admin = await TestAdmin.connect(t, port)
    assert.deepEqual(new Set((await admin.publishes()).map(({ topic }) => topic)), new Set(['fence']))
  })

  test(`${name}: a session that is resumed keeps its subscriptions to its own topics`, async (t) => {
    const { port } = await startBroker(t)
    const options: IClientOptions = { ...version, clientId: 'stays', clean: false }
    if (isV5(version)) options.properties = { sessionExpiryInterval: 3600 }
    const first = await TestClient.connect(t, port, options)
    await first.subscribe('$notary/admin/response/-', 0)
    await first.subscribe('$notary/rejected/stays', 0)
    await first.end()
    const again = await TestClient.connect(t, port, options)
    await again.publish('$notary/alarm', 'x')
    await again.publish(requestTopic.admin, statusRequest)
    const received = await again.waitFor(2)
    assert.deepEqual(
      new Set(received.map(({ topic }) => topic)),
      new Set(['$notary/admin/response/-', '$notary/rejected/stays']),
    )
  })

  test(`${name}: a CONNECT is refused when its will could not be published: broker topics, filters, signatures`, async (t) => {
    const { port } = await startBroker(t, { protect: [{ filter: 'plant/#', signed: true }] })
    const connectWithWill = (topic: string, payload: Uint8Array | string, userProperties?: Record<string, string>) => {
      const will = { topic, payload: Buffer.from(payload), qos: 1 as const, retain: false }
      const withProperties = userProperties === undefined ? will : { ...will, properties: { userProperties } }
      return TestClient.connect(t, port, { ...version, will: withProperties })
    }
    const code = isV5(version) ? 0x87 : 5
    const topics = [
      requestTopic.admin,
      '$notary',
      '$notary/alarm',
      '$notary/admin/response/x',
      '$SYS/broker/version',
      'plant/1/alarm',
    ]
    for (const topic of topics) await assert.rejects(connectWithWill(topic, 'gone'), { code }, topic)
    // A filter is no topic name: malformed, of which 3.1.1 says nothing but the end. [MQTT-5.0 3.1.3.3]
    for (const topic of ['a/#', 'a/+/b']) {
      const expected = isV5(version) ? { code: 0x90 } : { message: 'the connection closed before CONNACK' }
      await assert.rejects(connectWithWill(topic, 'gone'), expected, topic)
    }
    const stranger = new Signer(numberedKey(1)).sign('plant/1/alarm', 'gone')
    await assert.rejects(connectWithWill('plant/1/alarm', stranger), { code }, 'signed by nobody we know')
    if (isV5(version)) {
      await assert.rejects(connectWithWill('plant/1/alarm', 'gone', { notarymq: '0oRD' }), { code }, 'detached')
    }

    const watcher = await TestClient.connect(t, port, version)
    await watcher.subscribe('#')
    const mortal = await connectWithWill('free/will', 'gone')
    mortal.vanish()
    const [will] = await watcher.waitFor(1)
    assert.deepEqual([will?.topic, will?.payload.toString()], ['free/will', 'gone'])
    const records = await (await TestAdmin.connect(t, port)).publishes()
    assert.deepEqual(
      records.map(({ topic, clientId, outcome }) => [topic, clientId, outcome]),
      [['free/will', mortal.id, 'will']],
    )
  })
}

test("MQTT 5: an answer goes to the Response Topic when it is the client's own, with the Correlation Data", async (t) => {
  const { port } = await startBroker(t)
  const client = await TestClient.connect(t, port, { clientId: 'asker' })
  await client.subscribe('$notary/admin/response/asker/#', 0)
  await client.subscribe('$notary/rejected/asker', 0)
  const correlationData = Buffer.from([0, 1, 255])
  const own = '$notary/admin/response/asker'
  const asked = [
    [`${own}/a/b`, `${own}/a/b`],
    [own, own],
    // Others' topics, and those of other services, are not honoured: the answer comes where it would have come anyway.
    ['$notary/admin/response/somebody', own],
    ['$notary/rejected/asker', own],
    ['plant/1/temp', own],
  ] as const
  for (const [i, [responseTopic, expected]] of asked.entries()) {
    await client.publish(requestTopic.admin, statusRequest, { qos: 1, properties: { responseTopic, correlationData } })
    const answer = (await client.waitFor(i + 1))[i]
    assert.deepEqual([answer?.topic, answer?.correlationData], [expected, correlationData], responseTopic)
  }
})

test('an administrator is told nothing on topics it did not subscribe to, and its request is acknowledged all the same', async (t) => {
  const { port } = await startBroker(t)
  const client = await TestClient.connect(t, port)
  const enrol = { jsonrpc: '2.0', id: 1, method: 'keys.enroll', params: { key: p256ToJwk(numberedKey(1)) } }
  assert.equal(await client.publish(requestTopic.admin, JSON.stringify(enrol), { qos: 2 }), 0)
  const admin = await TestAdmin.connect(t, port)
  const { keys } = await admin.request('keys.list', {})
  assert.deepEqual(
    keys.map((key) => key.kid),
    [toBase64url(numberedKey(1).thumbprint)],
  )
  assert.deepEqual(client.received, [])
})
