import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseSign1 } from '../../protocol/index.ts'
import { enrolledIdentity, openTestLinks } from '../broker/listeners/notary-link-support.ts'
import { TestAdmin } from '../helpers/admin.ts'
import { startBroker } from '../helpers/broker.ts'
import { TestClient } from '../helpers/mqtt-clients.ts'
import { pythonJson, runPython } from '../helpers/python.ts'
import { newIdentity } from '../helpers/signing-identity.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'
import { hasPython } from '../helpers/tools.ts'

/** What the script prints first, and for every message. */
interface Line {
  readonly highestSeq?: number
  readonly reasonCode?: number | null
  readonly index?: number
  readonly carrier?: string
  readonly qos?: number
}

const topic = 'plant/press-7/temperature'
const protect = [{ filter: 'plant/#', signed: true, mac: true }] as const

test('a Python client agrees on a key over the socket and publishes there', async (t) => {
  if (!hasPython(t)) return
  const links = await openTestLinks(t, { protect: [{ filter: 'plant/#', signed: true }] })
  const identity = await enrolledIdentity(t, links)
  const brokerKey = join(links.sessions.location, 'keys', 'broker.pub.pem')
  const where = ['--port', `${links.port}`, '--client-id', 'press-7', '--topic', topic]
  const before = links.sessions.chain.state.frontier.size
  const args = ['exchange_client.py', 'link', '--key', identity.path, '--broker-key', brokerKey, ...where, '--seq', '7']
  const [session, ...answers] = await pythonJson<Line>(t, args)
  assert.equal(session?.highestSeq, 7)
  assert.deepEqual(
    answers.map(({ reasonCode, index }) => [reasonCode, index]),
    [1, 2, 3].map((n) => [0, before + n]),
  )
  assert.deepEqual(links.refused, [])
})

test('a Python client refuses a broker with another key', async (t) => {
  if (!hasPython(t)) return
  const links = await openTestLinks(t)
  const identity = await enrolledIdentity(t, links)
  const other = await openTestLinks(t)
  const brokerKey = join(temporaryDirectory(t), 'broker.pub.pem')
  copyFileSync(join(other.sessions.location, 'keys', 'broker.pub.pem'), brokerKey)
  const where = ['--port', `${links.port}`, '--client-id', 'press-7', '--topic', topic]
  const ended = await runPython(t, [
    'exchange_client.py',
    'link',
    '--key',
    identity.path,
    '--broker-key',
    brokerKey,
    ...where,
  ])
  assert.equal(ended.code, 1)
  assert.match(ended.stderr, /InvalidSignature/)
})

for (const protocol of [3, 4, 5]) {
  const carriers = protocol === 5 ? ['attached', 'detached'] : ['attached']
  test(`a Python client with MQTT version ${protocol} agrees on a key over MQTT and publishes ${carriers.join(' and ')} at QoS 0, 1 and 2`, async (t) => {
    if (!hasPython(t)) return
    const { broker, port, location } = await startBroker(t, { protect })
    const identity = newIdentity(t)
    await broker.chain.enroll(identity.key, 'press-7')
    const subscriber = await TestClient.connect(t, port)
    await subscriber.subscribe(topic)
    const brokerKey = join(location, 'keys', 'broker.pub.pem')
    const where = ['--port', `${port}`, '--client-id', 'press-7', '--topic', topic, '--protocol', `${protocol}`]
    const lines = await pythonJson<Line>(t, [
      ...['exchange_client.py', 'mqtt', '--key', identity.path, '--broker-key', brokerKey],
      ...where,
    ])
    const wanted = carriers.flatMap((carrier) => [0, 1, 2].map((qos) => `${carrier} ${qos}`))
    assert.deepEqual(
      lines.slice(1).map(({ carrier, qos }) => `${carrier} ${qos}`),
      wanted,
    )
    const received = await subscriber.waitFor(wanted.length, (message) => message.topic === topic)
    const payloads = received.map(({ payload }) =>
      payload[0] === 0xd2 ? (parseSign1(payload).payload ?? '') : payload,
    )
    assert.deepEqual(
      payloads.map((payload) => Buffer.from(payload).toString()).sort(),
      wanted.map((what) => `21.5 ${what}`).sort(),
    )
    const admin = await TestAdmin.connect(t, port)
    const records = await admin.publishes({ topic })
    assert.deepEqual(
      records.map(({ outcome, mac }) => [outcome, mac]),
      wanted.map(() => ['signed', true]),
    )
    await admin.verifies(wanted.length + 1)
  })
}
