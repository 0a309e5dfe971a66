import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { BridgeError, type BridgeErrorCode } from '../../../broker/bridges/index.ts'
import { packetType } from '../../../broker/edge/index.ts'
import { startBroker } from '../../helpers/broker.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { acceptAt, bridgeOptions, runBridge, topicLine } from './bridge-fixture.ts'
import { type Heard, ScriptedRemote } from './scripted-remote.ts'

const topics = [topicLine('in/#', 'in', 2), topicLine('out/#', 'out', 2)]

async function start(t: TestContext) {
  const remote = await ScriptedRemote.start(t)
  const { port } = await startBroker(t, { maxQueuedMessages: 0 })
  const here = await TestClient.connect(t, port)
  await here.subscribe('in/#')
  return { remote, port, here }
}

const codesOf = (errors: readonly unknown[]): (BridgeErrorCode | undefined)[] =>
  errors.map((error) => (error instanceof BridgeError ? error.code : undefined))

const acknowledgement = (type: number, packetId: number): Heard => ({ type, packetId })

test('what comes in is acknowledged to the remote broker when it is there, and with QoS 2 released after its PUBREL', async (t) => {
  const { remote, port, here } = await start(t)
  runBridge(t, acceptAt(port), bridgeOptions(remote.port, { topics }))
  const visit = await remote.visit()
  visit.publish('one', 7, { qos: 1 })
  assert.deepEqual(await visit.hear(), acknowledgement(packetType.puback, 7))
  visit.publish('two', 8)
  assert.deepEqual(await visit.hear(), acknowledgement(packetType.pubrec, 8))
  visit.acknowledge(packetType.pubrel, 8)
  assert.deepEqual(await visit.hear(), acknowledgement(packetType.pubcomp, 8))
  await here.waitFor(2)
})

test('what goes out stays in the queue here until the remote broker has acknowledged it', async (t) => {
  const { remote, port, here } = await start(t)
  const options = bridgeOptions(remote.port, { topics })
  const bridge = runBridge(t, acceptAt(port), options)
  const first = await remote.visit()
  await bridge.whenUp()
  await here.publish('out/x', 'kept', { qos: 1 })
  const sent = await first.hear()
  assert.ok('publish' in sent && !sent.publish.dup)
  first.socket.destroy()
  remote.sessionPresent = true
  const second = await remote.visit()
  const again = await second.hear()
  assert.ok('publish' in again && again.publish.dup)
  assert.equal(again.publish.packetId, sent.publish.packetId)
  second.acknowledge(packetType.puback, again.publish.packetId)
  await here.publish('out/x', 'next', { qos: 1 })
  const next = await second.hear()
  assert.ok('publish' in next)
  assert.equal(`${next.publish.payload}`, 'next')
})

test('a remote broker that forgot its QoS 2 exchanges uses their packet ids for new messages, and none is lost', async (t) => {
  const { remote, port, here } = await start(t)
  runBridge(t, acceptAt(port), bridgeOptions(remote.port, { topics }))
  const first = await remote.visit()
  first.publish('before', 1)
  assert.deepEqual(await first.hear(), acknowledgement(packetType.pubrec, 1))
  first.socket.destroy()
  const second = await remote.visit()
  for (const packetId of [1, 2]) {
    second.publish(`after ${packetId}`, packetId)
    assert.deepEqual(await second.hear(), acknowledgement(packetType.pubrec, packetId))
  }
  assert.deepEqual(
    (await here.waitFor(3)).map(({ payload }) => `${payload}`),
    ['before', 'after 1', 'after 2'],
  )
})

test('a remote broker that remembers its QoS 2 exchanges sends them again, and none is doubled', async (t) => {
  const { remote, port, here } = await start(t)
  runBridge(t, acceptAt(port), bridgeOptions(remote.port, { topics }))
  const first = await remote.visit()
  first.publish('once', 1)
  assert.deepEqual(await first.hear(), acknowledgement(packetType.pubrec, 1))
  first.socket.destroy()
  remote.sessionPresent = true
  const second = await remote.visit()
  second.publish('once', 1, { dup: true })
  assert.deepEqual(await second.hear(), acknowledgement(packetType.pubrec, 1))
  second.acknowledge(packetType.pubrel, 1)
  assert.deepEqual(await second.hear(), acknowledgement(packetType.pubcomp, 1))
  second.publish('more', 2, { qos: 1 })
  await here.waitFor(1, ({ payload }) => `${payload}` === 'more')
  assert.equal(here.received.length, 2)
})

test('packet ids that a remote session has from before ours began are taken back there before they are used', async (t) => {
  const { remote, port, here } = await start(t)
  remote.sessionPresent = true
  const bridge = runBridge(t, acceptAt(port), bridgeOptions(remote.port, { topics }))
  const visit = await remote.visit()
  await bridge.whenUp()
  await here.publish('out/x', 'first', { qos: 2 })
  await here.publish('out/x', 'second', { qos: 1 })
  assert.deepEqual(await visit.hear(), acknowledgement(packetType.pubrel, 1))
  visit.acknowledge(packetType.pubcomp, 1)
  for (const payload of ['first', 'second']) {
    const sent = await visit.hear()
    assert.ok('publish' in sent)
    assert.equal(`${sent.publish.payload}`, payload)
  }
})

test('more than the broker here admits at once waits at the remote broker, and all of it comes', async (t) => {
  const { remote, port, here } = await start(t)
  runBridge(t, acceptAt(port), bridgeOptions(remote.port, { topics }))
  const visit = await remote.visit()
  const count = 500
  for (let i = 1; i <= count; i++) visit.publish(`${i}`, i, { qos: 1 })
  for (let i = 1; i <= count; i++) assert.deepEqual(await visit.hear(), acknowledgement(packetType.puback, i))
  await here.waitFor(count)
})

test('QoS 2 messages in any number at once are taken, though their PUBRELs come behind all of them', async (t) => {
  const { remote, port, here } = await start(t)
  runBridge(t, acceptAt(port), bridgeOptions(remote.port, { topics }))
  const visit = await remote.visit()
  const count = 100
  const payload = 'x'.repeat(100_000)
  for (let i = 1; i <= count; i++) visit.publish(payload, i)
  const done = new Set<number>()
  while (done.size < count) {
    const heard = await visit.hear()
    assert.ok('type' in heard)
    if (heard.type === packetType.pubrec) visit.acknowledge(packetType.pubrel, heard.packetId)
    else done.add(heard.packetId)
  }
  await here.waitFor(count)
  assert.equal(here.received.length, count)
})

test('a remote broker that does not know bridges is asked again as an ordinary client', async (t) => {
  const { remote, port } = await start(t)
  remote.returnCode = 1
  const bridge = runBridge(t, acceptAt(port), bridgeOptions(remote.port, { topics }))
  assert.equal((await remote.visit()).versionByte, 0x84)
  remote.returnCode = 0
  assert.equal((await remote.visit()).versionByte, 4)
  await bridge.whenUp()
  assert.deepEqual(codesOf(bridge.errors), ['ERR_BRIDGE_REFUSED'])
})

test('a remote broker that accepts and never says a word is given up', async (t) => {
  const { remote, port } = await start(t)
  remote.returnCode = undefined
  const bridge = runBridge(t, acceptAt(port), bridgeOptions(remote.port), { answerTimeoutMs: 100 })
  await bridge.whenFailed(2)
  assert.deepEqual(codesOf(bridge.errors.slice(0, 2)), ['ERR_BRIDGE_LOST', 'ERR_BRIDGE_LOST'])
})

test('bytes that are no MQTT end the connection and not the process', async (t) => {
  const { remote, port } = await start(t)
  const bridge = runBridge(t, acceptAt(port), bridgeOptions(remote.port, { topics }))
  const visit = await remote.visit()
  await bridge.whenUp()
  visit.socket.write(Buffer.from([0x36, 0]))
  await bridge.whenUp(2)
  assert.deepEqual(codesOf(bridge.errors), ['ERR_BRIDGE_LOST'])
})

test('a broker here that refuses the bridge is told of, and asked again', async (t) => {
  const remote = await ScriptedRemote.start(t)
  const { port } = await startBroker(t, { allowAnonymous: false })
  const bridge = runBridge(t, acceptAt(port), bridgeOptions(remote.port, { topics }))
  await bridge.whenFailed(2)
  assert.equal(codesOf(bridge.errors)[0], 'ERR_BRIDGE_REFUSED')
  await bridge.bridges.close()
})

for (const protocolVersion of ['mqttv31', 'mqttv311', 'mqttv50'] as const) {
  test(`${protocolVersion}: it can be closed at every moment while it connects`, async (t) => {
    const { port } = await startBroker(t)
    const other = await startBroker(t)
    for (let ms = 0; ms < 30; ms += 3) {
      const options = bridgeOptions(other.port, { protocolVersion, topics, remoteClientId: `closing-${ms}` })
      const bridge = runBridge(t, acceptAt(port), options)
      await new Promise((resolve) => setTimeout(resolve, ms))
      await bridge.bridges.close()
      assert.equal(bridge.bridges.all[0]?.isUp, false)
    }
  })
}

test('two of our brokers with all topics both ways echo nothing; payload and properties arrive as they were sent', async (t) => {
  const [one, other] = [await startBroker(t), await startBroker(t)]
  const options = bridgeOptions(other.port, { protocolVersion: 'mqttv50', topics: [topicLine('#', 'both', 2)] })
  await runBridge(t, acceptAt(one.port), options).whenUp()
  const [here, there] = [await TestClient.connect(t, one.port), await TestClient.connect(t, other.port)]
  await here.subscribe('#')
  await there.subscribe('#')
  const packets: unknown[] = []
  there.mqtt.on('message', (_topic, _payload, { properties }) => packets.push({ ...properties }))
  const payload = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
  const properties = {
    payloadFormatIndicator: false,
    messageExpiryInterval: 1000,
    contentType: 'application/cose',
    responseTopic: 'answers',
    correlationData: Buffer.from([1, 2]),
    userProperties: { a: '3', b: ['2', '1'] },
  }
  assert.equal(await here.publish('a', payload, { qos: 2, properties }), 0)
  const [received] = await there.waitFor(1)
  assert.deepEqual(received?.payload, payload)
  const { messageExpiryInterval, ...kept } = properties
  const [seen] = packets as [{ messageExpiryInterval: number; userProperties: object }]
  const { messageExpiryInterval: left, userProperties, ...rest } = seen
  assert.ok(left > 900 && left <= messageExpiryInterval)
  assert.deepEqual({ ...userProperties }, kept.userProperties)
  const { userProperties: _, ...plain } = kept
  assert.deepEqual(rest, plain)
  for (let i = 0; i < 20; i++) {
    await here.publish(`h/${i}`, '', { qos: 1 })
    await there.publish(`t/${i}`, '', { qos: 1 })
  }
  await here.publish('last', '', { qos: 1 })
  await there.publish('last', '', { qos: 1 })
  await Promise.all([here.waitFor(43), there.waitFor(43)])
  // Every message is recorded once at each of the two, and nothing else is.
  assert.equal(here.received.length, 43)
  assert.equal(there.received.length, 43)
  assert.equal(one.broker.counters.accepted, 43)
  assert.equal(other.broker.counters.accepted, 43)
})

test('filters that an earlier configuration left in the session here are unsubscribed, before anything is relayed', async (t) => {
  const remote = await ScriptedRemote.start(t)
  const { port, broker } = await startBroker(t)
  const subscriptions = () => broker.describeSubscriptions().map((line) => line.split(' ').slice(1).join(' '))
  const run = (...filters: readonly string[]) => {
    const lines = filters.map((filter) => topicLine(filter, 'out', 1))
    const options = bridgeOptions(remote.port, { topics: lines.length > 0 ? lines : [topicLine('in/#', 'in', 1)] })
    return runBridge(t, acceptAt(port), options, {
      subscriptionsOf: () => subscriptions().map((line) => line.split(' ')[1] ?? ''),
    })
  }
  for (const filters of [['a/#', 'b/#', 'c'], ['c', 'd/+'], [], ['e']]) {
    const bridge = run(...filters)
    await bridge.whenUp()
    assert.deepEqual(subscriptions().sort(), filters.map((filter) => `1 ${filter}`).sort())
    await bridge.bridges.close()
  }
})
