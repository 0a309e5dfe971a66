import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { IClientOptions } from 'mqtt'
import { Authority } from '../../broker/certificates/authority.ts'
import { parseHostName } from '../../broker/certificates/names.ts'
import type { ListenerOptions } from '../../broker/index.ts'
import { TestAdmin } from '../helpers/admin.ts'
import { startBroker } from '../helpers/broker.ts'
import { type MqttVersion, TestClient } from '../helpers/mqtt-clients.ts'
import { SeededRandom } from '../helpers/random.ts'
import { sha256Base64url } from '../helpers/signing.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

const levels = [0, 1, 2] as const
const largeBytes = 1024 * 1024

test('what is published over TCP, TLS, mutual TLS, WebSocket or secure WebSocket arrives over all of them, and records name the listener', async (t) => {
  const authority = await Authority.open(temporaryDirectory(t))
  const hosts = ['localhost', '127.0.0.1'].map(parseHostName)
  const { certFile, keyFile } = await authority.issueServer(hosts, 1, false)
  const press = await authority.issueClient('press-7', 1, false)
  const tls = { certFile, keyFile }
  const caFile = authority.certFile
  const common = { port: 0, host: '127.0.0.1' }
  const ways: Record<string, [scheme: string, ListenerOptions, IClientOptions]> = {
    tcp: ['mqtt', { ...common, protocol: 'mqtt' }, {}],
    tls: ['mqtts', { ...common, protocol: 'mqtt', tls }, { ca: readFileSync(caFile) }],
    mutual: [
      'mqtts',
      { ...common, protocol: 'mqtt', tls: { ...tls, caFile, requireCertificate: true } },
      { ca: readFileSync(caFile), cert: readFileSync(press.certFile), key: readFileSync(press.keyFile) },
    ],
    ws: ['ws', { ...common, protocol: 'websockets' }, {}],
    wss: ['wss', { ...common, protocol: 'websockets', tls }, { ca: readFileSync(caFile) }],
  }
  const { broker } = await startBroker(t, { listeners: Object.values(ways).map(([, listener]) => listener) })
  const versions: readonly MqttVersion[] = [{ protocolVersion: 5 }, { protocolVersion: 4 }]
  const clients = await Promise.all(
    Object.entries(ways).map(async ([name, [scheme, , options]], i) => {
      const info = broker.listeners[i]
      assert.equal(info?.name, `${scheme}://127.0.0.1:${info?.port}`)
      const version = versions[i % versions.length] as MqttVersion
      const client = await TestClient.connect(t, info.name, { ...options, ...version, clientId: name })
      assert.equal(await client.subscribe('all/#', 2), 2)
      return { name, client, listener: info.name }
    }),
  )

  const random = new SeededRandom(8883)
  const sent = clients.flatMap(({ name, client, listener }) =>
    levels.map((qos) => {
      const payload = random.bytes(qos === 0 ? 200 : largeBytes)
      return { client, listener, clientId: name, qos, topic: `all/${name}/${qos}`, payload }
    }),
  )
  const codes = await Promise.all(
    sent.map(({ client, topic, payload, qos }) => client.publish(topic, payload, { qos })),
  )
  assert.deepEqual(new Set(codes), new Set([0]))

  const wanted = new Map(sent.map(({ topic, qos, payload }) => [topic, [qos, sha256Base64url(payload)]]))
  for (const { name, client } of clients) {
    const received = await client.waitFor(sent.length)
    const got = received.map(({ topic, qos, payload }) => [topic, [qos, sha256Base64url(payload)]] as const)
    assert.equal(got.length, sent.length, name)
    assert.deepEqual(new Map(got.sort()), new Map([...wanted].sort()), name)
  }

  const admin = await TestAdmin.connect(t, broker.listeners[0]?.port ?? 0)
  const records = await admin.publishes()
  const told = (one: { clientId?: string; topic?: string; qos?: number; listener?: string; payloadSha256?: string }) =>
    [one.clientId, one.topic, one.qos, one.listener, one.payloadSha256].join(' ')
  assert.deepEqual(
    records.map(told).sort(),
    sent.map((one) => told({ ...one, payloadSha256: sha256Base64url(one.payload) })).sort(),
  )
  await admin.verifies()
})
