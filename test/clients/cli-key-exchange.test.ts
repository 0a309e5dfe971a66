import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { proveBroker } from '../../clients/identity/index.ts'
import { performKeyExchange } from '../../clients/key-exchange/index.ts'
import {
  addHopMac,
  nobleCrypto,
  parseSign1,
  type RefusalCause,
  signPublish,
  toBase64url,
} from '../../protocol/index.ts'
import { TestAdmin } from '../helpers/admin.ts'
import { type RunningBroker, startBroker } from '../helpers/broker.ts'
import { TestAuthority } from '../helpers/certificates.ts'
import { runHere } from '../helpers/cli.ts'
import { mqttVersions, TestClient } from '../helpers/mqtt-clients.ts'
import { newIdentity } from '../helpers/signing-identity.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

const protect = [{ filter: 'plant/#', signed: true, mac: true }] as const
const topic = 'plant/press-7'

/** A broker, a device that is enrolled there, and a file of known brokers that is not there yet. */
async function startSite(t: TestContext) {
  const running = await startBroker(t, { protect })
  const identity = newIdentity(t)
  await running.broker.chain.enroll(identity.key, 'press-7')
  const knownBrokers = join(temporaryDirectory(t), 'known-brokers')
  const flags = ['-h', '127.0.0.1', '-p', `${running.port}`, '--known-brokers', knownBrokers]
  return { ...running, identity, knownBrokers, flags }
}

const publicPem = ({ location }: RunningBroker) => join(location, 'keys', 'broker.pub.pem')

for (const flags of [[], ['--detached']]) {
  test(`pub --mac ${flags.join(' ')} agrees on a session, and the topic that asks for a hop MAC takes the message`, async (t) => {
    const site = await startSite(t)
    const subscriber = await TestClient.connect(t, site.port)
    await subscriber.subscribe(topic)
    const command = [
      'pub',
      '-t',
      topic,
      '-m',
      '21.5',
      '--identity',
      site.identity.path,
      '--mac',
      ...flags,
      ...site.flags,
    ]
    assert.deepEqual(await runHere(...command), { code: 0, stdout: '', stderr: '' })
    const [message] = await subscriber.waitFor(1)
    const payload = message?.payload ?? Buffer.alloc(0)
    const inner = flags.length === 0 ? parseSign1(payload).payload : payload
    assert.equal(Buffer.from(inner ?? []).toString(), '21.5')
    const admin = await TestAdmin.connect(t, site.port)
    const records = await admin.publishes({ topic })
    assert.deepEqual(
      records.map(({ outcome, mac }) => [outcome, mac]),
      [['signed', true]],
    )
    await admin.verifies(2)
  })
}

test('without --mac the topic that asks for a hop MAC refuses, with exit code 1', async (t) => {
  const site = await startSite(t)
  const { code } = await runHere('pub', '-t', topic, '-m', '21.5', '--identity', site.identity.path, ...site.flags)
  assert.equal(code, 1)
})

test('--mac and --detached need an identity, and --detached needs MQTT 5', async () => {
  const pub = ['pub', '-t', topic, '-m', 'x', '-p', '1']
  assert.equal((await runHere(...pub, '--mac')).code, 2)
  assert.equal((await runHere(...pub, '--detached')).code, 2)
})

test('identity: a broker is remembered at first use, known from then on, and refused with another key', async (t) => {
  const site = await startSite(t)
  const ask = async (...more: string[]) => {
    const { code, stdout } = await runHere('identity', '--json', ...site.flags, ...more)
    return code === 0 ? { code, ...(JSON.parse(stdout) as { trust: string; kid: string }) } : { code }
  }
  const kid = toBase64url(site.broker.chain.brokerThumbprint)
  const first = await ask()
  assert.deepEqual([first.code, 'trust' in first && first.trust, 'kid' in first && first.kid], [0, 'first-use', kid])
  const known = await ask()
  assert.equal('trust' in known && known.trust, 'known')
  const given = await ask('--broker-key', publicPem(site))
  assert.equal('trust' in given && given.trust, 'given')

  const other = await startBroker(t)
  const client = await TestClient.connect(t, other.port)
  const { brokerKey } = site.broker.chain
  const pin = { name: 'other:1883', brokerKey, knownBrokersFile: site.knownBrokers }
  await assert.rejects(proveBroker(client.mqtt, pin), { code: 'ERR_BROKER_UNPROVEN' })
  assert.deepEqual(await ask('--broker-key', publicPem(other)), { code: 1 })
  // Another broker takes the place of this one.
  const line = readFileSync(site.knownBrokers, 'utf8').replace(`${site.port}`, `${other.port}`)
  writeFileSync(site.knownBrokers, line)
  const { code, stderr } = await runHere('identity', '-h', '127.0.0.1', '-p', `${other.port}`, ...site.flags.slice(4))
  assert.equal(code, 1)
  assert.match(stderr, /another key/)
})

test('identity over TLS: the proof is bound to the certificate of the connection', async (t) => {
  const authority = await TestAuthority.create(temporaryDirectory(t))
  const { certFile, keyFile } = await authority.issue({ name: 'localhost', use: 'server' })
  const tls = { certFile, keyFile }
  const { broker } = await startBroker(t, { listeners: [{ protocol: 'mqtt', port: 0, host: '127.0.0.1', tls }] })
  const knownBrokers = join(temporaryDirectory(t), 'known-brokers')
  const where = ['-h', 'localhost', '-p', `${broker.listeners[0]?.port}`, '--cafile', authority.caFile]
  const { code, stdout, stderr } = await runHere('identity', '--json', '--known-brokers', knownBrokers, ...where)
  assert.deepEqual([code, stderr], [0, ''])
  assert.equal((JSON.parse(stdout) as { isBoundToTls: boolean }).isBoundToTls, true)
})

for (const { name, version } of mqttVersions) {
  test(`a session of one connection is worth nothing on another, nor after it has ended (${name})`, async (t) => {
    const { broker, port, identity } = await startSite(t)
    const settings = { brokerKey: broker.chain.brokerKey }
    const client = await TestClient.connect(t, port, version)
    const session = await performKeyExchange(client.mqtt, identity, settings)
    let seq = 100
    const publishOn = async (other: TestClient) => {
      const toSign = { topic, payload: Buffer.from('x'), seq: seq++, timeMs: Date.now() }
      const sign1 = signPublish(identity.key, identity.thumbprint, toSign, nobleCrypto)
      return other.publish(topic, addHopMac(sign1, session, new Uint8Array(0), nobleCrypto))
    }
    const unknown = (): number => broker.counters.refused['mac-session-unknown' satisfies RefusalCause] ?? 0
    const thief = await TestClient.connect(t, port, version)
    await publishOn(thief)
    assert.equal(unknown(), 1)
    await publishOn(client)
    assert.equal(unknown(), 1)
    await client.mqtt.endAsync()
    const again = await TestClient.connect(t, port, { ...version, clientId: client.id })
    await publishOn(again)
    assert.equal(unknown(), 2)
  })
}

test('a key that is not enrolled agrees on nothing, and its client is told so', async (t) => {
  const { broker, port } = await startSite(t)
  const client = await TestClient.connect(t, port)
  const rejected = `$notary/rejected/${client.id}`
  await client.subscribe(rejected)
  const exchange = performKeyExchange(client.mqtt, newIdentity(t), { brokerKey: broker.chain.brokerKey })
  await assert.rejects(exchange, { code: 'ERR_REFUSED' })
  const [event] = await client.waitFor(1, (message) => message.topic === rejected)
  assert.equal((JSON.parse(`${event?.payload}`) as { cause: string }).cause, 'unknown-key')
})
