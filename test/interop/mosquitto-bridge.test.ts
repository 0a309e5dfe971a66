import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { BridgeError } from '../../broker/bridges/index.ts'
import { acceptAt, bridgeOptions, runBridge, topicLine } from '../broker/bridges/bridge-fixture.ts'
import { Forwarder } from '../broker/bridges/forwarder.ts'
import { freePort, startBroker } from '../helpers/broker.ts'
import { TestAuthority } from '../helpers/certificates.ts'
import { atEnd } from '../helpers/cleanup.ts'
import { isListening } from '../helpers/listening.ts'
import { TestClient } from '../helpers/mqtt-clients.ts'
import { run } from '../helpers/processes.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'
import { hasTool } from '../helpers/tools.ts'

const mosquitto = '/usr/sbin/mosquitto'
const hasMosquitto = (t: TestContext) => hasTool(t, mosquitto, ['-h'], 'mosquitto')

interface Mosquitto {
  readonly port: number
  readonly child: ChildProcess
  readonly kill: () => Promise<void>
}

/** Debian's Mosquitto on a loopback port, when it answers. */
async function startMosquitto(
  t: TestContext,
  given: { port?: number; lines?: readonly string[] } = {},
): Promise<Mosquitto> {
  const port = given.port ?? (await freePort())
  const file = join(temporaryDirectory(t), 'mosquitto.conf')
  const lines = given.lines ?? ['allow_anonymous true']
  writeFileSync(file, [`listener ${port} 127.0.0.1`, 'user root', 'max_queued_messages 0', ...lines, ''].join('\n'))
  const child = spawn(mosquitto, ['-c', file], { stdio: 'ignore' })
  const ended = once(child, 'exit')
  const kill = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await ended
  }
  atEnd(t, kill)
  for (let left = 200; left > 0 && !(await isListening(port)); left--) await delay(25)
  return { port, child, kill }
}

const told = ({ topic, payload, qos, retain }: { topic: string; payload: Buffer; qos: number; retain: boolean }) =>
  `${topic} ${payload} q${qos}${retain ? ' r' : ''}`

const versions = ['mqttv31', 'mqttv311', 'mqttv50'] as const

for (const protocolVersion of versions) {
  test(`${protocolVersion}: out and in lines carry every QoS under their prefixes, and nothing else`, async (t) => {
    if (!hasMosquitto(t)) return
    const [remote, { port }] = [await startMosquitto(t), await startBroker(t)]
    const topics = [
      { ...topicLine('t/#', 'out', 2), localPrefix: 'here/', remotePrefix: 'site/7/' },
      { ...topicLine('c/#', 'in', 2), localPrefix: 'cloud/', remotePrefix: 'to/7/' },
      { ...topicLine('', 'both', 1), localPrefix: 'one', remotePrefix: 'other' },
    ]
    const bridge = runBridge(t, acceptAt(port), bridgeOptions(remote.port, { protocolVersion, topics }))
    await bridge.whenUp()
    const [here, there] = [await TestClient.connect(t, port), await TestClient.connect(t, remote.port)]
    await there.subscribe('#')
    await here.subscribe('#')
    for (const qos of [0, 1, 2] as const) {
      await here.publish('here/t/x', `out ${qos}`, { qos })
      await there.publish('to/7/c', `in ${qos}`, { qos })
    }
    await here.publish('elsewhere', 'stays')
    await here.publish('one', 'exact')
    await there.waitFor(7)
    assert.deepEqual(there.received.filter(({ topic }) => topic.startsWith('site')).map(told), [
      'site/7/t/x out 0 q0',
      'site/7/t/x out 1 q1',
      'site/7/t/x out 2 q2',
    ])
    assert.equal(
      there.received.some(({ topic }) => topic === 'elsewhere'),
      false,
    )
    await there.waitFor(1, ({ topic }) => topic === 'other')
    await here.waitFor(3, ({ topic }) => topic.startsWith('cloud/'))
    assert.deepEqual(here.received.filter(({ topic }) => topic.startsWith('cloud/')).map(told), [
      'cloud/c in 0 q0',
      'cloud/c in 1 q1',
      'cloud/c in 2 q2',
    ])
    assert.deepEqual(bridge.errors, [])
  })
}

for (const protocolVersion of versions) {
  test(`${protocolVersion}: a message that goes both ways is neither echoed nor doubled, and keeps its retain flag`, async (t) => {
    if (!hasMosquitto(t)) return
    const [remote, { port }] = [await startMosquitto(t), await startBroker(t)]
    const before = await TestClient.connect(t, remote.port)
    await before.publish('old/there', 'kept', { qos: 1, retain: true })
    const options = bridgeOptions(remote.port, { protocolVersion, topics: [topicLine('#', 'both', 2)] })
    const bridge = runBridge(t, acceptAt(port), options)
    await bridge.whenUp()
    const [here, there] = [await TestClient.connect(t, port), await TestClient.connect(t, remote.port)]
    await here.subscribe('a/#')
    await there.subscribe('a/#')
    for (let i = 0; i < 20; i++) {
      await here.publish(`a/here/${i}`, `${i}`, { qos: 2 })
      await there.publish(`a/there/${i}`, `${i}`, { qos: 2 })
    }
    await here.publish('a/last', '', { qos: 2 })
    await there.publish('a/last', '', { qos: 2 })
    await there.publish('keep/there', 'k', { qos: 1, retain: true })
    await here.publish('keep/here', 'k', { qos: 1, retain: true })
    await here.waitFor(42)
    await there.waitFor(42)
    await here.publish('a/end', '', { qos: 2 })
    await there.publish('a/end', '', { qos: 2 })
    await here.waitFor(2, ({ topic }) => topic === 'a/end')
    await there.waitFor(2, ({ topic }) => topic === 'a/end')
    assert.equal(here.received.length, 44)
    assert.equal(there.received.length, 44)
    const late = await TestClient.connect(t, port)
    await late.subscribe('+/there')
    await late.waitFor(2)
    assert.deepEqual(late.received.map(told).sort(), ['keep/there k q1 r', 'old/there kept q1 r'])
    const lateThere = await TestClient.connect(t, remote.port)
    await lateThere.subscribe('keep/here')
    assert.deepEqual((await lateThere.waitFor(1)).map(told), ['keep/here k q1 r'])
  })
}

test('without No Local, as with 3.1.1 and try_private false, a message both ways comes back once, and only once', async (t) => {
  if (!hasMosquitto(t)) return
  const [remote, { port }] = [await startMosquitto(t), await startBroker(t)]
  const options = bridgeOptions(remote.port, { tryPrivate: false, topics: [topicLine('#', 'both', 1)] })
  await runBridge(t, acceptAt(port), options).whenUp()
  const [here, there] = [await TestClient.connect(t, port), await TestClient.connect(t, remote.port)]
  await here.subscribe('#')
  await there.subscribe('#')
  await here.publish('a', 'x')
  await here.waitFor(2)
  await there.publish('end', '')
  await here.waitFor(1, ({ topic }) => topic === 'end')
  const topics = (client: TestClient) => client.received.map(({ topic }) => topic)
  assert.deepEqual(topics(here), ['a', 'a', 'end'])
  assert.deepEqual(topics(there), ['a', 'end'])
})

const numbered = (topic: string, count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => ({ topic, payload: Buffer.from(`${from + i}`) }))

test('what is published while the remote broker is dead is delivered when a new one is there, all of it and in order', async (t) => {
  if (!hasMosquitto(t)) return
  const { port } = await startBroker(t, { maxQueuedMessages: 0 })
  const remote = await startMosquitto(t)
  const network = await Forwarder.start(t, remote.port)
  const bridge = runBridge(t, acceptAt(port), bridgeOptions(network.port, { topics: [topicLine('t/#', 'out', 2)] }))
  await bridge.whenUp()
  const here = await TestClient.connect(t, port)
  const there = await TestClient.connect(t, remote.port)
  await there.subscribe('t/#')
  await here.publishAll(numbered('t/one', 100), 1)
  await there.waitFor(100)
  network.isOpen = false
  await remote.kill()
  await bridge.whenFailed()
  await here.publishAll(numbered('t/one', 300, 100), 1)
  for (let i = 400; i < 410; i++) await here.publish('t/one', `${i}`, { qos: 2 })
  // A broker without persistence knows nobody: a subscriber has to be there before the bridge is.
  network.target = (await startMosquitto(t)).port
  const again = await TestClient.connect(t, network.target)
  await again.subscribe('t/#')
  network.isOpen = true
  await again.waitFor(310)
  assert.deepEqual(
    again.received.map(({ payload }) => Number(payload)),
    Array.from({ length: 310 }, (_, i) => 100 + i),
  )
})

for (const protocolVersion of versions) {
  test(`${protocolVersion}: however often the network breaks, QoS 2 arrives exactly once both ways and QoS 1 at least once`, async (t) => {
    if (!hasMosquitto(t)) return
    const { port } = await startBroker(t, { maxQueuedMessages: 0 })
    const remote = await startMosquitto(t)
    const network = await Forwarder.start(t, remote.port)
    const topics = [topicLine('out/+', 'out', 2), topicLine('in/+', 'in', 2)]
    const bridge = runBridge(t, acceptAt(port), bridgeOptions(network.port, { protocolVersion, topics }))
    await bridge.whenUp()
    const [here, there] = [await TestClient.connect(t, port), await TestClient.connect(t, remote.port)]
    await there.subscribe('out/+')
    await here.subscribe('in/+')
    const count = 300
    let isDone = false
    const breaking = (async () => {
      while (!isDone) {
        await delay(30)
        const ups = bridge.ups()
        network.cut()
        await bridge.whenUp(ups + 1)
      }
    })()
    for (let i = 0; i < count; i++) {
      const [topicEnd, qos] = i % 3 === 0 ? (['1', 1] as const) : (['2', 2] as const)
      await Promise.all([
        here.publish(`out/${topicEnd}`, `${i}`, { qos }),
        there.publish(`in/${topicEnd}`, `${i}`, { qos }),
      ])
    }
    isDone = true
    await breaking
    await Promise.all([here.publish('out/end', '', { qos: 2 }), there.publish('in/end', '', { qos: 2 })])
    for (const [client, direction] of [
      [there, 'out'],
      [here, 'in'],
    ] as const) {
      await client.waitFor(1, ({ topic }) => topic === `${direction}/end`)
      const got = (end: string) =>
        client.received.filter(({ topic }) => topic === `${direction}/${end}`).map(({ payload }) => Number(payload))
      const sent = (wanted: boolean) =>
        Array.from({ length: count }, (_, i) => i).filter((i) => (i % 3 === 0) === wanted)
      assert.deepEqual(got('2'), sent(false), `${direction}, QoS 2`)
      assert.deepEqual([...new Set(got('1'))], sent(true), `${direction}, QoS 1`)
    }
    assert.ok(bridge.errors.length > 3)
  })
}

test('with TLS, a name and a password it gets in, and it says by code what keeps it out otherwise', async (t) => {
  if (!hasMosquitto(t)) return
  const directory = temporaryDirectory(t)
  const authority = await TestAuthority.create(directory)
  const stranger = await TestAuthority.create(directory, 'stranger')
  const server = await authority.issue({ name: 'server', use: 'server' })
  const client = await authority.issue({ name: 'client', use: 'client' })
  const passwords = join(directory, 'passwords')
  await run(t, 'mosquitto_passwd', ['-c', '-b', passwords, 'bridge', 'correct horse'])
  const remote = await startMosquitto(t, {
    lines: [
      `cafile ${authority.caFile}`,
      `certfile ${server.certFile}`,
      `keyfile ${server.keyFile}`,
      'require_certificate true',
      'allow_anonymous false',
      `password_file ${passwords}`,
    ],
  })
  const { port } = await startBroker(t)
  const tls = { caFile: authority.caFile, certFile: client.certFile, keyFile: client.keyFile }
  const login = { remoteUsername: 'bridge', remotePassword: 'correct horse' }
  const good = bridgeOptions(remote.port, { tls, ...login, topics: [topicLine('#', 'both', 1)], localClientId: 'good' })
  const bridge = runBridge(t, acceptAt(port), good)
  await bridge.whenUp()
  assert.deepEqual(bridge.errors, [])
  const cases = [
    [{ ...good, tls: { ...tls, caFile: stranger.caFile } }, 'ERR_BRIDGE_UNREACHABLE'],
    [{ ...good, remotePassword: 'wrong' }, 'ERR_BRIDGE_REFUSED'],
    [{ ...good, addresses: [{ host: '127.0.0.1', port: await freePort() }] }, 'ERR_BRIDGE_UNREACHABLE'],
  ] as const
  for (const [options, code] of cases) {
    const failing = runBridge(t, acceptAt(port), { ...options, remoteClientId: code })
    await failing.whenFailed()
    assert.equal((failing.errors[0] as BridgeError).code, code)
  }
})

test('both brokers say whether the bridge is up: 1, 0 by its will when the network breaks, 1 again, 0 when it ends', async (t) => {
  if (!hasMosquitto(t)) return
  const { port } = await startBroker(t)
  const remote = await startMosquitto(t)
  const network = await Forwarder.start(t, remote.port)
  const watcher = await TestClient.connect(t, remote.port)
  await watcher.subscribe('$SYS/broker/connection/#')
  const options = bridgeOptions(network.port, { topics: [topicLine('x', 'out', 0)], notifications: true })
  const bridge = runBridge(t, acceptAt(port), options)
  await bridge.whenUp()
  network.cut()
  await bridge.whenUp(2)
  await watcher.waitFor(3)
  await bridge.bridges.close()
  await watcher.waitFor(4)
  const topic = '$SYS/broker/connection/site/state'
  assert.deepEqual(
    watcher.received.map(({ topic, payload }) => `${topic} ${payload}`),
    [1, 0, 1, 0].map((state) => `${topic} ${state}`),
  )
  assert.deepEqual(
    bridge.notices,
    [0, 1, 0, 1, 0].map((state) => `${topic} ${state}`),
  )
  const late = await TestClient.connect(t, remote.port)
  await late.subscribe(topic)
  assert.equal((await late.waitFor(1))[0]?.retain, true)
})

test('while its first address is away it uses the second, and comes back; with round_robin it stays', async (t) => {
  if (!hasMosquitto(t)) return
  const { port } = await startBroker(t)
  const second = await startMosquitto(t)
  const first = await Forwarder.start(t, await freePort())
  first.isOpen = false
  for (const roundRobin of [false, true]) {
    const absent = await freePort()
    const addresses = [absent, second.port].map((port) => ({ host: '127.0.0.1', port }))
    const name = `robin-${roundRobin}`
    const options = bridgeOptions(0, {
      addresses,
      roundRobin,
      remoteClientId: name,
      topics: [topicLine(name, 'out', 1)],
    })
    const bridge = runBridge(t, acceptAt(port), options, { standInCheckMs: 50 })
    await bridge.whenUp()
    const there = await TestClient.connect(t, second.port)
    await there.subscribe(name)
    const here = await TestClient.connect(t, port)
    await here.publish(name, 'to the second')
    await there.waitFor(1)
    const main = await startMosquitto(t, { port: absent })
    const atFirst = await TestClient.connect(t, main.port)
    await atFirst.subscribe(name)
    if (!roundRobin) {
      await bridge.whenUp(2)
      await here.publish(name, 'to the first')
      await atFirst.waitFor(1)
    } else {
      await here.publish(name, 'still to the second')
      await there.waitFor(2)
      assert.equal(atFirst.received.length, 0)
    }
  }
})

test('a remote broker that falls silent is given up after the keep alive, and found again', async (t) => {
  if (!hasMosquitto(t)) return
  const { port } = await startBroker(t)
  const network = await Forwarder.start(t, (await startMosquitto(t)).port)
  const options = bridgeOptions(network.port, { keepAliveSeconds: 1, topics: [topicLine('x', 'out', 1)] })
  const bridge = runBridge(t, acceptAt(port), options)
  await bridge.whenUp()
  network.isMute = true
  await bridge.whenFailed()
  assert.equal((bridge.errors[0] as BridgeError).code, 'ERR_BRIDGE_LOST')
  network.isMute = false
  await bridge.whenUp(2)
})

test('what waits for the bridge when the broker stops goes over it when the broker is back', async (t) => {
  if (!hasMosquitto(t)) return
  const remote = await startMosquitto(t)
  const location = temporaryDirectory(t)
  const network = await Forwarder.start(t, remote.port)
  const options = bridgeOptions(network.port, { topics: [topicLine('t', 'out', 2)] })
  const there = await TestClient.connect(t, remote.port)
  await there.subscribe('t')
  const first = await startBroker(t, { location })
  const before = runBridge(t, acceptAt(first.port), options)
  await before.whenUp()
  network.isOpen = false
  network.cut()
  await before.whenFailed()
  const here = await TestClient.connect(t, first.port)
  for (let i = 0; i < 50; i++) await here.publish('t', `${i}`, { qos: 2 })
  await before.bridges.close()
  await first.broker.close()
  network.isOpen = true
  const second = await startBroker(t, { location })
  await runBridge(t, acceptAt(second.port), options).whenUp()
  await there.waitFor(50)
  assert.deepEqual(
    there.received.map(({ payload }) => Number(payload)),
    Array.from({ length: 50 }, (_, i) => i),
  )
})
