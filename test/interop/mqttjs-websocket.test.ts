import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { type TestContext, test } from 'node:test'
import { WebSocket } from 'ws'
import { adminResponseTopic, type JsonRpcResponse, requestTopic } from '../../protocol/index.ts'
import { assertFailure, TestAdmin } from '../helpers/admin.ts'
import { startBroker } from '../helpers/broker.ts'
import { mqttVersions, TestClient } from '../helpers/mqtt-clients.ts'
import { sha256Base64url } from '../helpers/signing.ts'

const levels = [0, 1, 2] as const
const webSocketUrl = (port: number, path = '/mqtt') => `ws://127.0.0.1:${port}${path}`

/** Tries a WebSocket handshake as a page of `origin` would. @returns the HTTP status of the answer */
async function handshake(t: TestContext, port: number, origin: string | undefined): Promise<number> {
  const socket = new WebSocket(webSocketUrl(port), 'mqtt', origin === undefined ? {} : { origin })
  t.after(() => socket.terminate())
  const opened = once(socket, 'open').then(() => 101)
  const refused = once(socket, 'unexpected-response').then(([, response]) => (response as IncomingMessage).statusCode)
  return (await Promise.race([opened, refused])) ?? 0
}

for (const { name, version } of mqttVersions) {
  for (const [publisherSide, subscriberSide] of [
    ['WebSocket', 'TCP'],
    ['TCP', 'WebSocket'],
  ]) {
    test(`${name}: MQTT.js publishes over ${publisherSide}, QoS 0 to 2, and is heard over ${subscriberSide}; the chain names the listener`, async (t) => {
      const { port, webSocketPort } = await startBroker(t)
      const where = { WebSocket: webSocketUrl(webSocketPort), TCP: port } as Record<string, string | number>
      const subscriber = await TestClient.connect(t, where[subscriberSide as string] ?? 0, version)
      const publisher = await TestClient.connect(t, where[publisherSide as string] ?? 0, version)
      assert.equal(await subscriber.subscribe('plant/#'), 2)
      // One byte more than a WebSocket frame header of two bytes can count, and one more than TCP carries at once.
      const payloads = ['21.5', 'x'.repeat(126), 'y'.repeat(70_000)]
      const sent = levels.flatMap((qos) => payloads.map((payload, i) => ({ topic: `plant/${i}/temp`, qos, payload })))
      for (const { topic, qos, payload } of sent) assert.equal(await publisher.publish(topic, payload, { qos }), 0)

      const received = await subscriber.waitFor(sent.length)
      assert.deepEqual(
        received.map(({ topic, qos, payload }) => ({ topic, qos, payload: payload.toString() })),
        sent,
      )
      const admin = await TestAdmin.connect(t, port)
      const listener = publisherSide === 'WebSocket' ? `ws://127.0.0.1:${webSocketPort}` : `mqtt://127.0.0.1:${port}`
      const records = await admin.publishes()
      assert.deepEqual(
        records.map(({ topic, qos, payloadSha256, ...record }) => [
          topic,
          qos,
          payloadSha256,
          record.clientId,
          record.listener,
          record.outcome,
        ]),
        sent.map(({ topic, qos, payload }) => [
          topic,
          qos,
          sha256Base64url(payload),
          publisher.id,
          listener,
          'unsigned',
        ]),
      )
      await admin.verifies()
    })
  }
}

test('a page served from this machine may open a WebSocket, whatever its port; any other origin is refused', async (t) => {
  const { webSocketPort } = await startBroker(t)
  const origins = ['http://localhost', 'http://localhost:8080', 'https://127.0.0.1:3000', 'http://[::1]:5173']
  for (const origin of [undefined, ...origins]) assert.equal(await handshake(t, webSocketPort, origin), 101, origin)
  const foreign = [
    'https://plant.example',
    'http://localhost.plant.example',
    'http://127.0.0.1.plant.example',
    'http://localhost@plant.example',
    // Sandboxed frames and local files send this.
    'null',
    'localhost',
  ]
  for (const origin of foreign) assert.equal(await handshake(t, webSocketPort, origin), 403, origin)
})

test('a listener without an origin rule refuses pages of every origin, and admits what is not a browser', async (t) => {
  const { webSocketPort } = await startBroker(t, {
    listeners: [{ protocol: 'websockets', port: 0, host: '127.0.0.1' }],
    anonymousAdmin: false,
  })
  assert.equal(await handshake(t, webSocketPort, 'http://localhost'), 403)
  assert.equal(await handshake(t, webSocketPort, undefined), 101)
})

test('MQTT.js with a foreign Origin never gets a CONNACK; with a local one it publishes', async (t) => {
  const { port, webSocketPort } = await startBroker(t)
  const foreign = { wsOptions: { origin: 'https://plant.example' } }
  await assert.rejects(TestClient.connect(t, webSocketUrl(webSocketPort), foreign), /closed before CONNACK/)
  const page = await TestClient.connect(t, webSocketUrl(webSocketPort), { wsOptions: { origin: 'http://localhost' } })
  assert.equal(await page.publish('from/page', 'hello'), 0)
  const records = await (await TestAdmin.connect(t, port)).publishes()
  assert.deepEqual(
    records.map(({ topic, clientId }) => [topic, clientId]),
    [['from/page', page.id]],
  )
})

for (const { name, version } of mqttVersions) {
  test(`${name}: anonymous clients are administrators over loopback TCP, and never over WebSocket`, async (t) => {
    const { port, webSocketPort } = await startBroker(t)
    const methods = ['audit.status', 'audit.query', 'audit.record', 'audit.verify', 'keys.list', 'keys.enroll']
    const stranger = await TestClient.connect(t, webSocketUrl(webSocketPort), version)
    assert.equal(await stranger.subscribe(adminResponseTopic(stranger.id), 0), 0)
    for (const [i, method] of [...methods, 'keys.revoke'].entries()) {
      const request = JSON.stringify({ jsonrpc: '2.0', id: i, method, params: { index: 0 } })
      assert.equal(await stranger.publish(requestTopic.admin, request), 0)
      const answer = (await stranger.waitFor(i + 1))[i]?.payload.toString() ?? ''
      assertFailure(JSON.parse(answer) as JsonRpcResponse, 'not-authorized', i)
    }
    const admin = await TestAdmin.connect(t, port, version)
    assert.equal((await admin.request('audit.status', {})).treeSize, 1, 'nothing was changed')
    assert.deepEqual((await admin.request('keys.list', {})).keys, [])
  })
}
