import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spawnBroker } from '../helpers/broker.ts'
import { TestClient } from '../helpers/mqtt-clients.ts'

test('with log_type all every packet of a client is a line in the words of Mosquitto, and no payload is in any', async (t) => {
  const { port, log, stop } = await spawnBroker(t, { lines: ['log_type all', 'log_timestamp false'] })
  const will = { topic: 'gone', payload: Buffer.from('secret'), qos: 1, retain: false } as const
  const client = await TestClient.connect(t, port, { clientId: 'c', will })
  await client.subscribe('a/#', 2)
  await client.publish('a/b', 'secret', { qos: 2 })
  await client.waitFor(1)
  await client.publish('a/c', 'secret', { qos: 1, retain: true })
  await client.waitFor(2)
  await client.mqtt.unsubscribeAsync('a/#')
  await client.end()
  assert.equal(await stop('SIGTERM'), 0)
  // Packet ids are the client's choice.
  const unnumbered = (line: string) => line.replace(/\bm\d+/, 'm#').replace(/Mid: \d+/, 'Mid: #')
  const lines = log().split('\n').map(unnumbered)
  for (const expected of [
    'Will message specified (6 bytes) (r0, q1).',
    '\tgone',
    'Sending CONNACK to c (0, 0)',
    'Received SUBSCRIBE from c',
    '\ta/# (QoS 2)',
    'Sending SUBACK to c',
    "Received PUBLISH from c (d0, q2, r0, m2, 'a/b', ... (6 bytes))",
    'Sending PUBREC to c (m2, rc0)',
    'Received PUBREL from c (Mid: 2)',
    'Sending PUBCOMP to c (m2)',
    "Sending PUBLISH to c (d0, q2, r0, m1, 'a/b', ... (6 bytes))",
    'Received PUBREC from c (Mid: 1)',
    'Sending PUBREL to c (m1)',
    'Received PUBCOMP from c (Mid: 1, RC:0)',
    "Received PUBLISH from c (d0, q1, r1, m3, 'a/c', ... (6 bytes))",
    'Received UNSUBSCRIBE from c',
    '\ta/#',
    'Sending UNSUBACK to c',
    'Received DISCONNECT from c',
    'Client c disconnected.',
  ]) {
    assert.ok(lines.includes(unnumbered(expected)), expected)
  }
  assert.ok(!log().includes('secret'))
})

test('without debug no packet is logged', async (t) => {
  const { port, log, stop } = await spawnBroker(t, { lines: [] })
  const client = await TestClient.connect(t, port)
  await client.publish('a', 'x')
  await stop('SIGTERM')
  assert.doesNotMatch(log(), /PUBLISH|CONNACK/)
})
