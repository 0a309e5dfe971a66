import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { RefusalCause } from '../../protocol/index.ts'
import { TestAdmin } from '../helpers/admin.ts'
import { type SpawnedBroker, spawnBroker } from '../helpers/broker.ts'
import { Bystander } from '../helpers/bystander.ts'
import { keysDirectory } from '../helpers/key-files.ts'
import { numberedKey } from '../helpers/keys.ts'
import { peakMemoryBytes } from '../helpers/memory.ts'
import { mqttVersions, TestClient } from '../helpers/mqtt-clients.ts'
import { Signer, sha256Base64url } from '../helpers/signing.ts'
import { type BadPayload, cutShort, randomPayloads, wrongForms } from './bad-payload-cases.ts'

// Payloads are the one thing that anybody may fill with anything. Below `signed/` only envelopes are accepted; elsewhere
// whatever is not an envelope is an ordinary payload.

const device = numberedKey(41)
const notAuthorized = 0x87
/** A process that allocated what a payload claims would be far above this. */
const mostMemoryBytes = 600 * 1024 * 1024

interface Setting {
  readonly broker: SpawnedBroker
  readonly bystander: Bystander
  readonly admin: TestAdmin
  readonly lines: readonly string[]
}

async function start(t: TestContext): Promise<Setting> {
  const lines = [
    'notary_failure_budget 0',
    'notary_protect signed/# signed',
    `notary_keys ${keysDirectory(t, { device })}`,
  ]
  const broker = await spawnBroker(t, { lines })
  const admin = await TestAdmin.connect(t, broker.port)
  return { broker, bystander: await Bystander.of(t, broker), admin, lines }
}

async function assertUnharmed({ broker, bystander }: Setting, what: string): Promise<void> {
  await bystander.assertUnharmed(what)
  const peak = peakMemoryBytes(broker.child)
  assert.ok(peak < mostMemoryBytes, `${what}: ${peak} bytes`)
}

async function refusedSoFar({ admin }: Setting): Promise<Partial<Record<RefusalCause, number>>> {
  return (await admin.request('audit.status', {})).refused
}

for (const { name, version } of mqttVersions) {
  test(`what is no envelope is refused where one is asked for, with a cause, and recorded as it is elsewhere (${name})`, async (t) => {
    const setting = await start(t)
    const publisher = await TestClient.connect(t, setting.broker.port, version)
    const envelope = new Signer(device).sign('signed/x', '21.5', { seq: 1_000_000 })
    const bad: readonly BadPayload[] = [
      ...wrongForms(device, 'signed/x'),
      ...randomPayloads(20_260_101, 200),
      ...cutShort(envelope),
    ]
    const payloads = (topic: string) => bad.map(({ bytes }) => ({ topic, payload: bytes }))
    // A 3.1 or 3.1.1 client is acknowledged also when its publish is refused.
    const refusal = version.protocolVersion === 5 ? notAuthorized : 0
    const codes = await publisher.publishAll(payloads('signed/x'))
    for (const [i, code] of codes.entries()) assert.equal(code, refusal, bad[i]?.name)
    assert.deepEqual(await refusedSoFar(setting), { 'not-signed': bad.length })
    await publisher.publishAll(payloads('open/x'), 1)
    await assertUnharmed(setting, 'payloads that are no envelopes')

    assert.deepEqual(await setting.admin.publishes({ topic: 'signed/#' }), [])
    const records = await setting.admin.publishes({ topic: 'open/#' })
    assert.equal(records.length, bad.length)
    for (const [i, { outcome, payloadSha256 }] of records.entries()) {
      assert.deepEqual([outcome, payloadSha256], ['unsigned', sha256Base64url(bad[i]?.bytes ?? '')], bad[i]?.name)
    }
    assert.equal(await publisher.publish('signed/x', envelope), 0, 'the envelope as it should be')
    assert.equal((await setting.admin.publishes({ topic: 'signed/#' })).length, 1)
  })
}

test('an envelope with any byte changed is refused where one is asked for, and never recorded as signed', async (t) => {
  const setting = await start(t)
  const publisher = await TestClient.connect(t, setting.broker.port)
  const altered = (topic: string) => {
    // A fixed time, so that it is always the same bytes that make it one of the future.
    const envelope = new Signer(device).sign(topic, '21.5', { seq: 5, timeMs: 1_767_225_600_000 })
    return [...envelope.keys()].map((at) => {
      const payload = Uint8Array.from(envelope)
      payload[at] = (payload[at] as number) ^ 0x01
      return { topic, payload }
    })
  }
  const codes = await publisher.publishAll(altered('signed/x'))
  assert.deepEqual(new Set(codes), new Set([notAuthorized]))
  await publisher.publishAll(altered('open/x'))
  await assertUnharmed(setting, 'altered envelopes')
  const records = await setting.admin.publishes({})
  const outcomes = records.filter(({ topic }) => !topic?.startsWith('bystander/')).map(({ outcome }) => outcome)
  // Elsewhere a changed byte may turn the envelope into an opaque payload, or name a key that nobody knows.
  assert.deepEqual([...new Set(outcomes)].sort(), ['unknown-key', 'unsigned'])
  const refused = await refusedSoFar(setting)
  const expected: readonly RefusalCause[] = [
    'algorithm-not-allowed',
    'not-signed',
    'signature-invalid',
    'signed-in-future',
    'unknown-key',
  ]
  assert.deepEqual(Object.keys(refused).sort(), expected)
  assert.ok((refused['signature-invalid'] ?? 0) > 100, JSON.stringify(refused))
})

test('a signed publish that is replayed is acknowledged and not recorded again, from anywhere and after a restart', async (t) => {
  const { broker, lines } = await start(t)
  const device1 = new Signer(device)
  const envelope = device1.sign('signed/x', 'open the door')
  const replays = async (port: number) => {
    const admin = await TestAdmin.connect(t, port)
    const subscriber = await TestClient.connect(t, port)
    await subscriber.subscribe('signed/#', 2)
    for (const { version } of mqttVersions) {
      const other = await TestClient.connect(t, port, version)
      assert.equal(await other.publish('signed/x', envelope), 0)
      assert.equal(await other.publish('signed/x', envelope, { qos: 0 }), 0)
      if (version.protocolVersion !== 5) continue
      assert.equal(await other.publish('signed/x', envelope, { qos: 2 }), notAuthorized, 'with a higher QoS')
      assert.equal(await other.publish('signed/x', envelope, { qos: 1, retain: true }), notAuthorized, 'to be retained')
      assert.equal(await other.publish('signed/y', envelope), notAuthorized, 'to another topic')
    }
    const fresh = device1.sign('signed/last', 'fresh')
    assert.equal(await subscriber.publish('signed/last', fresh), 0)
    await subscriber.waitFor(1, ({ topic }) => topic === 'signed/last')
    const delivered = subscriber.received.filter(({ topic }) => topic !== 'signed/last').length
    await admin.verifies((await admin.publishes({ topic: 'signed/#' })).length)
    return { delivered, recorded: (await admin.publishes({ topic: 'signed/x' })).length }
  }
  assert.deepEqual(await replays(broker.port), { delivered: 1, recorded: 1 })
  await broker.stop()
  const again = await spawnBroker(t, { location: broker.location, lines })
  assert.deepEqual(await replays(again.port), { delivered: 0, recorded: 1 })
  await again.stop('SIGKILL')
  const killed = await spawnBroker(t, { location: broker.location, lines })
  assert.deepEqual(await replays(killed.port), { delivered: 0, recorded: 1 })
})
