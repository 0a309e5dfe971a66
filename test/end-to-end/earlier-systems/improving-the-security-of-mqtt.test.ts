/** "Improving the security of MQTT": TLS beside plain listeners, topics for TLS alone, a broker that proves who it is. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parsePreSharedKeys, preSharedKeyCipher } from '../../../clients/encryption/index.ts'
import { proveBroker } from '../../../clients/identity/index.ts'
import { TestAdmin } from '../../helpers/admin.ts'
import { TestMemory } from '../../helpers/encryption-memory.ts'
import { key11 } from '../../helpers/keys.ts'
import type { TestClient } from '../../helpers/mqtt-clients.ts'
import { Inbox, sdkClient, textOf } from '../../helpers/sdk.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { startTwoListeners } from '../../helpers/two-listeners.ts'

test('plain and mutual TLS listeners side by side: messages cross, and without a certificate nobody gets in on 8883', async (t) => {
  const { authority, broker, port, overPlain, overTls } = await startTwoListeners(t, {}, { isMutual: true })
  const { certFile, keyFile } = await authority.issueClient('press-7', 1, false)
  const certificate = { cert: readFileSync(certFile), key: readFileSync(keyFile) }
  await assert.rejects(overTls())
  const [plain, secure] = [await overPlain(), await overTls(certificate)]
  for (const client of [plain, secure]) await client.subscribe('plant/#', 1)
  assert.equal(await plain.publish('plant/a', 'from 1883'), 0)
  assert.equal(await secure.publish('plant/b', 'from 8883'), 0)
  for (const client of [plain, secure]) {
    const received = await client.waitFor(2)
    assert.deepEqual(
      received.map(({ payload }) => payload.toString()),
      ['from 1883', 'from 8883'],
    )
  }
  const admin = await TestAdmin.connect(t, port)
  assert.deepEqual(
    (await admin.publishes()).map(({ listener }) => listener),
    broker.listeners.map(({ name }) => name),
  )
})

test('a topic marked `tls` does not leak to clients on 1883: not live, not retained, not by a wildcard, not by publishing', async (t) => {
  const site = await startTwoListeners(t, { protect: [{ filter: 'safe/#', tls: true }] })
  const [plain, secure] = [await site.overPlain(), await site.overTls()]
  for (const filter of ['#', 'safe/#', '+/door']) {
    await plain.subscribe(filter, 1)
    await secure.subscribe(filter, 1)
  }
  assert.equal(await secure.publish('safe/door', 'code 4711', { qos: 1, retain: true }), 0)
  assert.equal(await plain.publish('safe/door', 'open'), 0x87)
  const late = await site.overPlain()
  await late.subscribe('safe/#', 1)
  await secure.publish('open/end', 'end')
  await late.subscribe('open/#', 1)
  await secure.publish('open/end', 'end')
  await Promise.all([plain.waitFor(2), late.waitFor(1), secure.waitFor(3)])
  const payloads = (client: TestClient) => new Set(client.received.map(({ payload }) => payload.toString()))
  assert.deepEqual([payloads(plain), payloads(late)], [new Set(['end']), new Set(['end'])])
  assert.deepEqual(payloads(secure), new Set(['code 4711', 'end']))
})

test('the broker proves who it is to whoever asks, over TLS for this very connection, and otherwise publishes nothing', async (t) => {
  const site = await startTwoListeners(t)
  const silent = await site.overPlain()
  await silent.subscribe('#', 1)
  await silent.subscribe('$SYS/#', 1)
  const knownBrokersFile = join(temporaryDirectory(t), 'known-brokers')
  const pin = { name: 'broker:1883', knownBrokersFile }
  const plain = await site.overPlain()
  const secure = await site.overTls()
  const first = await proveBroker(plain.mqtt, pin)
  assert.deepEqual([first.trust, first.isBoundToTls], ['first-use', false])
  const second = await proveBroker(secure.mqtt, pin)
  assert.deepEqual([second.trust, second.isBoundToTls], ['known', true])
  assert.deepEqual(second.statement.brokerKey, first.statement.brokerKey)
  await assert.rejects(proveBroker(secure.mqtt, { ...pin, brokerKey: key11 }), { code: 'ERR_BROKER_UNPROVEN' })
  await plain.publish('end', 'end')
  await silent.waitFor(1, ({ topic }) => topic === 'end')
  assert.deepEqual(
    silent.received.filter(({ topic }) => !topic.startsWith('$SYS/')).map(({ topic }) => topic),
    ['end'],
  )
})

test('payloads under a pre-shared AES-128 key: who has it reads them, on 1883 and on 8883; the broker and all others do not', async (t) => {
  const { authority, port, tlsPort, broker } = await startTwoListeners(t, {
    protect: [{ filter: 'shop/#', encrypted: true }],
  })
  // 16 bytes: the key chooses AES-128 in GCM.
  const keys = parsePreSharedKeys('shop-2026:2b7e151628aed2a6abf7158809cf4f3c')
  const encryption = () => preSharedKeyCipher({ keys, topics: ['shop/#'], memory: new TestMemory() })
  const overTls = { protocol: 'mqtts' as const, ca: readFileSync(authority.certFile) }
  const others = preSharedKeyCipher({
    keys: parsePreSharedKeys('shop-2026:000102030405060708090a0b0c0d0e0f'),
    topics: ['shop/#'],
    memory: new TestMemory(),
  })
  const [plain, secure, stranger] = [
    await sdkClient(t, port, { encryption: encryption() }),
    await sdkClient(t, tlsPort, { encryption: encryption(), ...overTls }),
    await sdkClient(t, port, { encryption: others }),
  ]
  const inboxes = [plain, secure, stranger].map((client) => new Inbox(client))
  for (const client of [plain, secure, stranger]) await client.subscribeAsync('shop/#', { qos: 1 })
  await plain.publishAsync('shop/till', 'from 1883', { qos: 1 })
  await secure.publishAsync('shop/till', 'from 8883', { qos: 1 })
  const read = await Promise.all(inboxes.map((inbox) => inbox.first(2)))
  assert.deepEqual(
    read.map((messages) => messages.map(({ payload, undecrypted }) => undecrypted ?? textOf(payload))),
    [
      ['from 1883', 'from 8883'],
      ['from 1883', 'from 8883'],
      ['not-authentic', 'not-authentic'],
    ],
  )
  const admin = await TestAdmin.connect(t, port)
  for (const { index } of await admin.publishes({ topic: 'shop/#' })) {
    const { payload = '' } = await admin.request('audit.record', { index, include: ['payload'] })
    // COSE_Encrypt0 whose protected header says A128GCM.
    const bytes = Buffer.from(payload, 'base64url')
    assert.equal(bytes.subarray(0, 6).toString('hex'), 'd08343a10101')
    assert.equal(bytes.includes('from'), false)
  }
  // Asked for by the policy: what is not encrypted does not get in.
  await assert.rejects((await sdkClient(t, port)).publishAsync('shop/till', 'open', { qos: 1 }), {
    code: 'ERR_REFUSED',
  })
  assert.equal(broker.counters.accepted, 2)
})

test('a flood of connections is cut off at the door, on both listeners, and who is in notices nothing', async (t) => {
  const limits = { connectRate: { perSecond: 1, burst: 5 } }
  const { broker, overPlain, overTls } = await startTwoListeners(t, {}, { limits })
  const [plain, secure] = [await overPlain(), await overTls()]
  await secure.subscribe('plant/#', 1)
  for (const connect of [overPlain, overTls]) {
    const flood = await Promise.allSettled(Array.from({ length: 40 }, () => connect()))
    const taken = flood.filter(({ status }) => status === 'fulfilled').length
    assert.ok(taken >= 4 && taken < flood.length, `${taken} were taken`)
  }
  assert.equal(await plain.publish('plant/a', 'still here'), 0)
  const [received] = await secure.waitFor(1)
  assert.equal(received?.payload.toString(), 'still here')
  assert.equal(broker.counters.accepted, 1)
})
