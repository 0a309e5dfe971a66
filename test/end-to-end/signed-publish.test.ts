import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { defaultWindowSize, p256ToJwk, type RefusalCause, rejectedTopic, toBase64url } from '../../protocol/index.ts'
import { TestAdmin } from '../helpers/admin.ts'
import { spawnBroker, startBroker } from '../helpers/broker.ts'
import { numberedKey } from '../helpers/keys.ts'
import { mqttVersions, TestClient } from '../helpers/mqtt-clients.ts'
import { Signer, sha256Base64url, withHopMac } from '../helpers/signing.ts'

const topic = 'plant/1/temp'
const protect = [{ filter: 'plant/#', signed: true }] as const
const device = numberedKey(1)
const kid = toBase64url(device.thumbprint)

async function startWithDevice(t: TestContext) {
  const running = await startBroker(t, { protect })
  const admin = await TestAdmin.connect(t, running.port)
  await admin.request('keys.enroll', { key: p256ToJwk(device), name: 'device 1' })
  return { ...running, admin, signer: new Signer(device) }
}

/** What was told of refusals, as a client gets it below `$notary/rejected/`. */
const eventsOf = (client: TestClient, own: string) => {
  const received = client.received.filter((message) => message.topic === own)
  return received.map(({ payload }) => JSON.parse(payload.toString()) as { cause: string; topic: string; qos: number })
}

for (const { name, version } of mqttVersions) {
  test(`${name}: a signed publish is delivered byte for byte as published, at every QoS, and recorded with its signer`, async (t) => {
    const { port, admin, signer } = await startWithDevice(t)
    const [publisher, subscriber] = await Promise.all(
      ['publisher', 'subscriber'].map((clientId) => TestClient.connect(t, port, { ...version, clientId })),
    )
    assert.ok(publisher !== undefined && subscriber !== undefined)
    assert.equal(await subscriber.subscribe('plant/#'), 2)
    const envelopes = ['21.5', '', 'x'.repeat(70_000)].map((payload) => signer.sign(topic, payload))
    const retained = signer.sign(topic, 'kept')
    for (const [qos, payload] of envelopes.entries()) {
      assert.equal(await publisher.publish(topic, payload, { qos: qos as 0 | 1 | 2 }), 0)
    }
    assert.equal(await publisher.publish(topic, retained, { qos: 1, retain: true }), 0)
    const received = await subscriber.waitFor(4)
    assert.deepEqual(
      received.map(({ payload, qos }) => [payload, qos]),
      [...envelopes, retained].map((envelope, i) => [Buffer.from(envelope), [0, 1, 2, 1][i]]),
    )
    const late = await TestClient.connect(t, port, version)
    await late.subscribe(topic)
    const [kept] = await late.waitFor(1)
    assert.deepEqual([kept?.payload, kept?.retain], [Buffer.from(retained), true])

    const records = await admin.publishes({ kid, include: ['envelope'] })
    assert.deepEqual(
      records.map(({ outcome, subject, seq, clientId, payloadSha256 }) => {
        return [outcome, subject, seq, clientId, payloadSha256]
      }),
      ['21.5', '', 'x'.repeat(70_000), 'kept'].map((payload, i) => {
        return ['signed', 'device 1', i + 1, 'publisher', sha256Base64url(payload)]
      }),
    )
    for (const { envelope } of records) assert.match(envelope ?? '', /^0oRY/, 'a COSE_Sign1, its payload left out')
    await admin.verifies(4)
  })

  test(`${name}: every refusal tells its cause on $notary/rejected/-, is counted, leaves no record, and the connection stays`, async (t) => {
    const { port, admin, signer } = await startWithDevice(t)
    const revoked = new Signer(numberedKey(2))
    const { kid: revokedKid } = await admin.request('keys.enroll', { key: p256ToJwk(revoked.key), name: 'lost' })
    await admin.request('keys.revoke', { kid: revokedKid, reason: 'lost on the train' })
    const client = await TestClient.connect(t, port, { ...version, clientId: 'line/7' })
    const listener = await TestClient.connect(t, port, version)
    assert.equal(await client.subscribe('$notary/rejected/-', 0), 0)
    await listener.subscribe('plant/#')
    const accepted = signer.sign(topic, 'accepted', { seq: 5000 })
    assert.equal(await client.publish(topic, accepted), 0)
    const tooOld = 5000 - defaultWindowSize
    assert.equal(await client.publish(topic, signer.sign(topic, 'oldest of the window', { seq: tooOld + 1 })), 0)

    const future = Date.now() + 6 * 60_000
    const refused: [RefusalCause, Uint8Array, { topic?: string; qos?: 0 | 1 | 2; retain?: boolean }?][] = [
      ['not-signed', Buffer.from('21.5')],
      ['not-signed', Buffer.from('21.5'), { qos: 0 }],
      ['not-signed', Buffer.from('21.5'), { qos: 2 }],
      ['unknown-key', new Signer(numberedKey(3)).sign(topic, 'x')],
      ['key-revoked', revoked.sign(topic, 'x')],
      ['signature-invalid', signer.sign('plant/2/temp', 'x', { seq: 5001 })],
      ['signature-invalid', signer.sign('other/topic', 'x', { seq: 5001 }), { topic: 'another/topic' }],
      // ES384, EdDSA, RS256, HMAC 256/256: the key decides, not the message.
      ...[-35, -8, -257, 5].map((alg) => {
        return ['algorithm-not-allowed', signer.sign(topic, 'x', { alg, seq: 5001 })] as [RefusalCause, Uint8Array]
      }),
      ['seq-too-old', signer.sign(topic, 'x', { seq: tooOld })],
      ['seq-reuse', signer.sign(topic, 'other content', { seq: 5000 })],
      ['seq-reuse', signer.sign(topic, 'accepted', { seq: 5000, timeMs: 1 })],
      ['seq-reuse', signer.sign('plant/2/temp', 'accepted', { seq: 5000 }), { topic: 'plant/2/temp' }],
      ['replayed-with-other-flags', accepted, { qos: 2 }],
      ['replayed-with-other-flags', accepted, { retain: true }],
      ['signed-in-future', signer.sign(topic, 'x', { seq: 5001, timeMs: future })],
      ['mac-session-unknown', withHopMac(signer.sign(topic, 'x', { seq: 5001 }))],
      ['broker-topic', Buffer.from('x'), { topic: '$SYS/broker/version' }],
    ]
    for (const [cause, payload, { topic: name = topic, qos = 1, retain = false } = {}] of refused) {
      const code = await client.publish(name, payload, { qos, retain })
      assert.equal(code, version.protocolVersion === 5 && qos > 0 ? 0x87 : 0, cause)
    }
    await client.waitFor(refused.length)
    assert.deepEqual(
      eventsOf(client, '$notary/rejected/-').map((event) => [event.cause, event.topic, event.qos]),
      refused.map(([cause, , changes]) => [cause, changes?.topic ?? topic, changes?.qos ?? 1]),
    )
    const counts = new Map<string, number>()
    for (const [cause] of refused) counts.set(cause, (counts.get(cause) ?? 0) + 1)
    const status = await admin.request('audit.status', {})
    assert.deepEqual(status.refused, Object.fromEntries(counts))

    // Nothing of it used up number 5001, nor ended the connection, nor was delivered.
    assert.equal(await client.publish(topic, signer.sign(topic, 'next', { seq: 5001 })), 0)
    assert.equal((await listener.waitFor(3)).length, 3)
    assert.equal((await admin.request('audit.status', {})).accepted, 3)
    const records = await admin.publishes()
    assert.deepEqual(
      records.map(({ seq }) => seq),
      [5000, tooOld + 1, 5001],
    )
    await admin.verifies(3)
  })
}

test('MQTT 5: a user property notarymq that is no envelope is refused where a signature is asked for, whatever the payload, and passes elsewhere', async (t) => {
  const { port, admin, signer } = await startWithDevice(t)
  const client = await TestClient.connect(t, port)
  const own = rejectedTopic(client.id)
  await client.subscribe(own, 0)
  for (const notarymq of ['', '0oRD', ['a', 'b']]) {
    const properties = { userProperties: { unit: 'C', notarymq } }
    for (const payload of [Buffer.from('21.5'), signer.sign(topic, '21.5')]) {
      assert.equal(await client.publish(topic, payload, { qos: 1, properties }), 0x87)
      assert.equal(await client.publish('free/topic', payload, { qos: 1, properties }), 0)
    }
  }
  await client.waitFor(6)
  assert.deepEqual(new Set(eventsOf(client, own).map(({ cause }) => cause)), new Set(['detached-malformed']))
  assert.deepEqual((await admin.request('audit.status', {})).refused, { 'detached-malformed': 6 })
  assert.deepEqual(new Set((await admin.publishes()).map(({ outcome }) => outcome)), new Set(['unsigned']))
})

test('ES256 (-7) is accepted as the same algorithm as ESP256 (-9)', async (t) => {
  const { port, admin, signer } = await startWithDevice(t)
  const client = await TestClient.connect(t, port)
  assert.equal(await client.publish(topic, signer.sign(topic, '21.5', { alg: -7 })), 0)
  assert.equal(await client.publish(topic, signer.sign(topic, '21.5', { alg: -9 })), 0)
  assert.deepEqual(
    (await admin.publishes()).map(({ outcome }) => outcome),
    ['signed', 'signed'],
  )
  await admin.verifies(2)
})

test('copies of one signed publish in flight at once, from several connections, are all acknowledged and recorded once', async (t) => {
  const { port, admin, signer } = await startWithDevice(t)
  const subscriber = await TestClient.connect(t, port)
  await subscriber.subscribe('plant/#')
  const clients = await Promise.all(
    [4, 5, 5, 5].map((protocolVersion) => {
      return TestClient.connect(t, port, { protocolVersion: protocolVersion as 4 | 5 })
    }),
  )
  const payload = signer.sign(topic, '21.5')
  const copies = new Array(10).fill({ topic, payload })
  const codes = await Promise.all(clients.map((client) => client.publishAll(copies)))
  assert.deepEqual(new Set(codes.flat()), new Set([0]))
  const end = signer.sign(topic, 'end')
  assert.equal(await clients[0]?.publish(topic, end), 0)
  const received = await subscriber.waitFor(
    2,
    (message) => message.payload.equals(end) || message.payload.equals(payload),
  )
  assert.deepEqual(
    received.map((message) => message.payload),
    [Buffer.from(payload), Buffer.from(end)],
  )
  assert.deepEqual(
    (await admin.publishes()).map(({ seq }) => seq),
    [1, 2],
  )
  assert.deepEqual((await admin.request('audit.status', {})).refused, {})
})

test('after kill -9 a copy of an accepted publish is acknowledged, not delivered or recorded again; a revoked key stays revoked', async (t) => {
  const lines = ['notary_protect plant/# signed']
  const first = await spawnBroker(t, { lines })
  const signer = new Signer(device)
  const lost = new Signer(numberedKey(2))
  const admin = await TestAdmin.connect(t, first.port)
  await admin.request('keys.enroll', { key: p256ToJwk(device), name: 'device 1' })
  const { kid: lostKid } = await admin.request('keys.enroll', { key: p256ToJwk(lost.key), name: 'lost' })
  const levels = [0, 1, 2] as const
  const envelopes = levels.map((qos) => signer.sign(topic, `qos ${qos}`))
  const ofLost = lost.sign(topic, 'before the loss')
  const client = await TestClient.connect(t, first.port)
  for (const qos of levels) assert.equal(await client.publish(topic, envelopes[qos] ?? '', { qos }), 0)
  assert.equal(await client.publish(topic, ofLost), 0)
  await admin.request('keys.revoke', { kid: lostKid })
  assert.equal(await client.publish(topic, ofLost), 0x87)
  assert.equal(await first.stop('SIGKILL'), 'SIGKILL')

  const second = await spawnBroker(t, { location: first.location, lines })
  const again = await TestClient.connect(t, second.port)
  const subscriber = await TestClient.connect(t, second.port)
  await subscriber.subscribe('#')
  for (const qos of levels) assert.equal(await again.publish(topic, envelopes[qos] ?? '', { qos }), 0)
  assert.equal(await again.publish(topic, envelopes[0] ?? '', { qos: 1 }), 0x87)
  assert.equal(await again.publish(topic, signer.sign(topic, 'x', { seq: 2 })), 0x87)
  assert.equal(await again.publish(topic, ofLost), 0x87)
  assert.equal(await again.publish(topic, lost.sign(topic, 'after the loss')), 0x87)
  assert.equal(await again.publish('free', 'end'), 0)
  assert.deepEqual(
    (await subscriber.waitFor(1)).map((message) => message.topic),
    ['free'],
  )

  const then = await TestAdmin.connect(t, second.port)
  const { refused, accepted } = await then.request('audit.status', {})
  assert.deepEqual(refused, { 'replayed-with-other-flags': 1, 'seq-reuse': 1, 'key-revoked': 2 })
  assert.equal(accepted, 1)
  const records = await then.publishes()
  assert.deepEqual(
    records.map(({ outcome, subject, seq }) => [outcome, subject, seq]),
    [
      ...levels.map((qos) => ['signed', 'device 1', qos + 1]),
      ['signed', 'lost', 1],
      ['unsigned', undefined, undefined],
    ],
  )
  await then.verifies(4)
})
