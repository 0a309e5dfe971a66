import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAttachedEnvelope, parseDetachedEnvelope, toBase64url } from '../../../protocol/index.ts'
import { TestAdmin } from '../../helpers/admin.ts'
import { startBroker } from '../../helpers/broker.ts'
import { keysDirectory } from '../../helpers/key-files.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { Inbox, keyringOf, sdkClient, sdkVersions, signerOf, textOf } from '../../helpers/sdk.ts'
import { Signer as TestSigner } from '../../helpers/signing.ts'

const device = numberedKey(21)
const other = numberedKey(22)

for (const { name, protocolVersion } of sdkVersions) {
  test(`${name}: what one client signs another one verifies, in order, and the broker has recorded as signed`, async (t) => {
    const { port } = await startBroker(t, { keysDirectory: keysDirectory(t, { device }) })
    const sender = await sdkClient(t, port, { protocolVersion, identity: signerOf(device) })
    const receiver = await sdkClient(t, port, { protocolVersion, keyring: keyringOf({ 'sensor-1': device }) })
    const inbox = new Inbox(receiver)
    await receiver.subscribeAsync('plant/#', { qos: 1 })
    const before = Date.now()
    await Promise.all(Array.from({ length: 100 }, (_, i) => sender.publishAsync('plant/1', `${i}`, { qos: 1 })))
    const messages = await inbox.first(100)
    assert.deepEqual(
      messages.map(({ payload }) => textOf(payload)),
      Array.from({ length: 100 }, (_, i) => `${i}`),
    )
    for (const [i, { topic, verified, unverified, encrypted }] of messages.entries()) {
      assert.deepEqual([topic, unverified, encrypted], ['plant/1', undefined, false])
      const { kid, subject, seq, time, repeated, late, missing } = verified ?? assert.fail(`${i}`)
      assert.deepEqual([kid, subject, seq], [toBase64url(device.thumbprint), 'sensor-1', i + 1])
      assert.deepEqual([repeated, late, missing], [false, false, 0])
      assert.ok(time.getTime() >= before && time.getTime() <= Date.now())
    }
    const records = await (await TestAdmin.connect(t, port)).publishes({ topic: 'plant/#' })
    assert.equal(records.filter(({ outcome }) => outcome === 'signed').length, 100)
  })

  test(`${name}: a message nobody signed, one of a stranger, a forged and a revoked one say why they are not verified`, async (t) => {
    const { port } = await startBroker(t)
    const keyring = keyringOf({ device, other })
    keyring.revoke('other')
    const receiver = await sdkClient(t, port, { protocolVersion, keyring })
    const inbox = new Inbox(receiver)
    await receiver.subscribeAsync('a/#', { qos: 1 })
    const sender = await TestClient.connect(t, port)
    const signedForAnother = new TestSigner(device).sign('b', 'x')
    for (const payload of [
      'plain',
      new TestSigner(numberedKey(99)).sign('a/1', 'stranger'),
      signedForAnother,
      new TestSigner(other).sign('a/1', 'revoked'),
    ]) {
      assert.equal(await sender.publish('a/1', payload), 0)
    }
    const messages = await inbox.first(4)
    assert.deepEqual(
      messages.map(({ payload, unverified, verified }) => [textOf(payload), unverified, verified]),
      [
        ['plain', 'unsigned', undefined],
        ['stranger', 'unknown-key', undefined],
        ['x', 'signature-invalid', undefined],
        ['revoked', 'key-not-valid', undefined],
      ],
    )
  })

  test(`${name}: with accept 'verified' only what the keyring vouches for is a message, the rest is dropped`, async (t) => {
    const { port } = await startBroker(t)
    const receiver = await sdkClient(t, port, { protocolVersion, keyring: keyringOf({ device }), accept: 'verified' })
    const [inbox, dropped] = [new Inbox(receiver), new Inbox(receiver, 'dropped')]
    await receiver.subscribeAsync('a', { qos: 1 })
    const sender = await TestClient.connect(t, port)
    await sender.publish('a', 'plain')
    await sender.publish('a', new TestSigner(device).sign('a', 'signed'))
    assert.equal(textOf((await inbox.first(1))[0]?.payload ?? assert.fail()), 'signed')
    assert.deepEqual(
      dropped.messages.map(({ unverified }) => unverified),
      ['unsigned'],
    )
  })
}

test('a repeated, a late and a skipped number are told', async (t) => {
  const { port } = await startBroker(t)
  const receiver = await sdkClient(t, port, { keyring: keyringOf({ device }) })
  const inbox = new Inbox(receiver)
  await receiver.subscribeAsync('a', { qos: 1 })
  const sender = await TestClient.connect(t, port)
  const signer = new TestSigner(device)
  // The broker does not know the key, so it passes on what it would refuse.
  for (const seq of [5, 6, 9, 7, 7, 10]) await sender.publish('a', signer.sign('a', 'x', { seq }))
  assert.deepEqual(
    (await inbox.first(6)).map(({ verified: v }) => [v?.seq, v?.repeated, v?.late, v?.missing]),
    [
      [5, false, false, 0],
      [6, false, false, 0],
      [9, false, false, 2],
      [7, false, true, 0],
      [7, true, true, 0],
      [10, false, false, 0],
    ],
  )
})

test('a detached signature leaves the payload as it is, for those who know nothing of it', async (t) => {
  const { port } = await startBroker(t, { keysDirectory: keysDirectory(t, { device }) })
  const plain = await TestClient.connect(t, port)
  await plain.subscribe('a', 1)
  const receiver = await sdkClient(t, port, { keyring: keyringOf({ device }) })
  const inbox = new Inbox(receiver)
  await receiver.subscribeAsync('a', { qos: 1 })
  const sender = await sdkClient(t, port, { identity: signerOf(device), detached: true })
  await sender.publishAsync('a', 'open', { qos: 1, properties: { userProperties: { unit: 'C' } } })
  const [received] = await plain.waitFor(1)
  assert.equal(received?.payload.toString(), 'open')
  const properties = new Map(received?.userProperties)
  assert.equal(properties.get('unit'), 'C')
  assert.ok(parseDetachedEnvelope(properties.get('notarymq') ?? '', received?.payload ?? new Uint8Array()))
  assert.equal((await inbox.first(1))[0]?.verified?.subject, 'device')
  // A property that holds no envelope is not passed over.
  await plain.publish('a', 'x', { qos: 1, properties: { userProperties: { notarymq: 'nonsense' } } })
  assert.equal((await inbox.first(2))[1]?.unverified, 'malformed')
})

test('a key that is to sign for some topics only is not believed on others', async (t) => {
  const { port } = await startBroker(t)
  const keyring = keyringOf({})
  keyring.add('device', device, ['plant/+'])
  const receiver = await sdkClient(t, port, { keyring })
  const inbox = new Inbox(receiver)
  await receiver.subscribeAsync('#', { qos: 1 })
  const sender = await sdkClient(t, port, { identity: signerOf(device) })
  await sender.publishAsync('plant/1', 'x', { qos: 1 })
  await sender.publishAsync('door', 'x', { qos: 1 })
  const messages = await inbox.first(2)
  assert.deepEqual(
    messages.map(({ verified, unverified }) => [verified?.subject, unverified]),
    [
      ['device', undefined],
      [undefined, 'key-not-valid'],
    ],
  )
})

test('what is published without an identity is what was given, and requests to the broker are never signed', async (t) => {
  const { port } = await startBroker(t)
  const plain = await TestClient.connect(t, port)
  await plain.subscribe('a', 1)
  await (await sdkClient(t, port)).publishAsync('a', 'plain', { qos: 1 })
  assert.equal((await plain.waitFor(1))[0]?.payload.toString(), 'plain')
  const signing = await sdkClient(t, port, { identity: signerOf(device) })
  const inbox = new Inbox(signing)
  await signing.subscribeAsync('$notary/admin/response/-')
  const request = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'audit.status' })
  await signing.publishAsync('$notary/admin/request', request, { qos: 1 })
  const [answer] = await inbox.first(1)
  assert.equal(JSON.parse(textOf(answer?.payload ?? assert.fail())).id, 1)
  await signing.publishAsync('a', 'signed', { qos: 1 })
  const envelope = parseAttachedEnvelope((await plain.waitFor(2))[1]?.payload ?? assert.fail())
  assert.equal(textOf(envelope?.payload ?? assert.fail()), 'signed')
})

test('callbacks are called as those of MQTT.js are', async (t) => {
  const { port } = await startBroker(t, { protect: [{ filter: 'closed', signed: true }] })
  const client = await sdkClient(t, port)
  const outcome = (topic: string) =>
    new Promise<unknown>((resolve) => client.publish(topic, 'x', { qos: 1 }, (error) => resolve(error)))
  assert.equal(await outcome('open'), undefined)
  assert.equal(((await outcome('closed')) as { code?: string }).code, 'ERR_REFUSED')
  const failed = client.next('error')
  client.publish('closed', 'x', { qos: 1 })
  assert.equal(((await failed)[0] as { code?: string }).code, 'ERR_REFUSED')
  await new Promise<void>((resolve) => client.subscribe('a', { qos: 1 }, () => resolve()))
  await new Promise<void>((resolve) => client.unsubscribe('a', undefined, () => resolve()))
  await new Promise<void>((resolve) => client.end(false, undefined, () => resolve()))
  assert.equal(client.connected, false)
})
