import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { AuditChain } from '../../plugins/index.ts'
import { nativeCrypto } from '../../plugins/native-crypto.ts'
import {
  ed25519NoteVerifier,
  fromBase64url,
  isConsistencyReceiptValid,
  leafHash,
  openCheckpoint,
  type PushedReceipt,
  parseSignedHeader,
  parseVerifierKey,
  receiptTopic,
  verifyConsistency,
  verifySignedHeader,
  verifyTlogProof,
  type WitnessPolicy,
} from '../../protocol/index.ts'
import { assertFailure, TestAdmin } from '../helpers/admin.ts'
import { startBroker } from '../helpers/broker.ts'
import { numberedKey } from '../helpers/keys.ts'
import { mqttVersions, type Received, TestClient } from '../helpers/mqtt-clients.ts'
import { passwordLine } from '../helpers/passwords.ts'
import { provesRecord } from '../helpers/receipt-check.ts'
import { Signer, sha256Base64url } from '../helpers/signing.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

const often = { checkpointIntervalMs: 100 }
const rarely = { checkpointIntervalMs: 86_400_000 }

const log = ({ logVkey }: AuditChain) => ed25519NoteVerifier(parseVerifierKey(logVkey, nativeCrypto), nativeCrypto)
const policy = (chain: AuditChain): WitnessPolicy => ({
  logs: [{ verifier: log(chain) }],
  witnesses: [],
  groups: [],
  quorum: undefined,
})
const proves = (json: PushedReceipt, { brokerKey, genesis }: AuditChain) =>
  provesRecord(json, brokerKey, genesis.origin)

test('audit.receipt waits for a checkpoint and proves the record twice over, by COSE receipt and by .tlog-proof', async (t) => {
  const { broker, port } = await startBroker(t, often)
  const admin = await TestAdmin.connect(t, port)
  await admin.client.publish('plant/1', '21.5')
  const index = broker.chain.state.frontier.size - 1
  const answer = await admin.request('audit.receipt', { index })
  const { chain } = broker
  assert.equal(answer.index, index)
  assert.ok(await provesRecord(answer, chain.brokerKey, chain.genesis.origin))
  const hash = leafHash(fromBase64url(answer.leaf), nativeCrypto)
  const { opened, leafIndex } = verifyTlogProof(answer.tlogProof, hash, policy(chain), nativeCrypto)
  assert.equal(leafIndex, BigInt(index))
  const { checkpoint } = openCheckpoint(answer.checkpoint, [log(chain)])
  assert.deepEqual(opened.checkpoint, checkpoint)
  assert.deepEqual([Number(checkpoint.treeSize), answer.treeSize], [answer.treeSize, answer.treeSize])
  assert.deepEqual(Buffer.from(checkpoint.rootHash), Buffer.from(fromBase64url(answer.rootHash)))
  const shown = await admin.request('audit.record', { index, include: ['record', 'salt', 'leaf'] })
  assert.deepEqual([answer.record, answer.salt, answer.leaf], [shown.record, shown.salt, shown.leaf])
})

test('every record has a receipt, the genesis too, and an index that there is not has none', async (t) => {
  const { broker, port } = await startBroker(t, often)
  const admin = await TestAdmin.connect(t, port)
  for (const payload of ['1', '2', '3', '4']) await admin.client.publish('a', payload)
  const size = broker.chain.state.frontier.size
  for (let index = 0; index < size; index++) {
    const answer = await admin.request('audit.receipt', { index })
    assert.ok(await provesRecord(answer, broker.chain.brokerKey, broker.chain.genesis.origin), `${index}`)
  }
  await admin.refuses('audit.receipt', { index: size }, 'not-found')
  await admin.refuses('audit.receipt', {}, 'invalid-params')
  await admin.refuses('audit.receipt', { index: 0, size }, 'invalid-params')
})

test('what no checkpoint covers in time is not-yet-covered, which says when to ask again', async (t) => {
  const { port } = await startBroker(t, rarely)
  const admin = await TestAdmin.connect(t, port)
  await admin.refuses('audit.checkpoint', {}, 'not-yet-covered')
  await admin.refuses('audit.consistency', { from: 1 }, 'not-yet-covered')
  await admin.client.publish('a', 'x')
  const answer = await admin.send('{"jsonrpc":"2.0","id":1,"method":"audit.receipt","params":{"index":1}}')
  assertFailure(answer, 'not-yet-covered', 1)
  assert.ok('error' in answer)
  assert.deepEqual(answer.error.data, { cause: 'not-yet-covered', treeSize: 0, retryAfterMs: 86_400_000 })
  assert.equal((await admin.request('audit.status', {})).checkpoint, null)
})

test('the genesis alone has no receipt, as a tree of one leaf has no path, until there is a second record', async (t) => {
  const { broker, port } = await startBroker(t, often)
  const admin = await TestAdmin.connect(t, port)
  assert.equal(broker.chain.state.frontier.size, 1)
  await admin.refuses('audit.receipt', { index: 0 }, 'not-yet-covered')
  assert.equal((await admin.request('audit.checkpoint', {})).treeSize, 1)
  await admin.client.publish('a', 'x')
  const answer = await admin.request('audit.receipt', { index: 0 })
  assert.ok(await provesRecord(answer, broker.chain.brokerKey, broker.chain.genesis.origin))
})

test('audit.consistency proves that the log only grew, between any sizes that the newest checkpoint covers', async (t) => {
  const { broker, port } = await startBroker(t, often)
  const admin = await TestAdmin.connect(t, port)
  const covered = async () => {
    await admin.client.publish('a', 'x')
    await admin.request('audit.receipt', { index: broker.chain.state.frontier.size - 1 })
    return openCheckpoint((await admin.request('audit.checkpoint', {})).checkpoint, [log(broker.chain)]).checkpoint
  }
  for (const payload of ['1', '2', '3']) await admin.client.publish('a', payload)
  const older = await covered()
  const newer = await covered()
  const [from, to] = [Number(older.treeSize), Number(newer.treeSize)]
  const answer = await admin.request('audit.consistency', { from })
  assert.deepEqual([answer.from, answer.to], [from, to])
  const path = answer.path.map(fromBase64url)
  verifyConsistency(
    { size1: older.treeSize, size2: newer.treeSize, path },
    older.rootHash,
    newer.rootHash,
    nativeCrypto,
  )
  const trust = { brokerKey: broker.chain.brokerKey, issuer: broker.chain.genesis.origin }
  const receipt = fromBase64url(answer.receipt ?? assert.fail('no receipt'))
  assert.ok(await isConsistencyReceiptValid(receipt, older, newer, trust, nativeCrypto))
  assert.equal(await isConsistencyReceiptValid(receipt, newer, older, trust, nativeCrypto), false)
  assert.deepEqual(openCheckpoint(answer.checkpoint ?? '', [log(broker.chain)]).checkpoint, newer)
  // No checkpoint has this size: the path alone, for two roots that one knows already.
  const between = await admin.request('audit.consistency', { from: 1, to: from - 1 })
  assert.deepEqual([between.receipt, between.checkpoint], [null, null])
  assert.ok(between.path.length > 0)
  const same = await admin.request('audit.consistency', { from: to, to })
  assert.deepEqual([same.path, same.receipt], [[], null])
  await admin.refuses('audit.consistency', { from: 0 }, 'invalid-params')
  await admin.refuses('audit.consistency', { from: 3, to: 2 }, 'invalid-params')
  await admin.refuses('audit.consistency', { from: 1, to: 1000 }, 'not-yet-covered')
})

test('audit.block shows a block by the index of a record or by its height, for administrators', async (t) => {
  const { broker, port } = await startBroker(t, rarely)
  const admin = await TestAdmin.connect(t, port)
  for (const payload of ['1', '2', '3', '4', '5']) await admin.client.publish('a', payload)
  const { height, frontier } = broker.chain.state
  let nextIndex = 0
  for (let at = 0; at < height; at++) {
    const block = await admin.request('audit.block', { height: at })
    assert.deepEqual([block.height, block.firstIndex, block.leaves.length], [at, nextIndex, block.count])
    assert.deepEqual(await admin.request('audit.block', { index: nextIndex }), block)
    const header = fromBase64url(block.header)
    await verifySignedHeader(header, broker.chain.brokerKey, nativeCrypto)
    assert.deepEqual(Buffer.from(parseSignedHeader(header).header.rootHash), Buffer.from(fromBase64url(block.rootHash)))
    nextIndex += block.count
  }
  assert.equal(nextIndex, frontier.size)
  await admin.refuses('audit.block', { height }, 'not-found')
  await admin.refuses('audit.block', { index: nextIndex }, 'not-found')
  await admin.refuses('audit.block', {}, 'invalid-params')
  await admin.refuses('audit.block', { height: 0, index: 0 }, 'invalid-params')
})

/** A broker where ann, bob and whoever comes anonymously are nobody's administrators. */
async function startWithLogins(t: TestContext) {
  const passwordFile = join(temporaryDirectory(t), 'passwords')
  writeFileSync(passwordFile, ['ann', 'bob'].map((name) => `${passwordLine(name, 'secret')}\n`).join(''))
  const running = await startBroker(t, { ...often, passwordFile, anonymousAdmin: false })
  const asks = (username?: string) =>
    TestAdmin.connect(t, running.port, username === undefined ? {} : { username, password: 'secret' })
  return { ...running, asks }
}

test('proofs are for everybody, a receipt is for who published under the same proven name, and blocks are not', async (t) => {
  const { broker, asks } = await startWithLogins(t)
  const [ann, annAgain, bob, nobody, other] = await Promise.all([asks('ann'), asks('ann'), asks('bob'), asks(), asks()])
  await ann.client.publish('a', 'x')
  const ofAnn = broker.chain.state.frontier.size - 1
  await nobody.client.publish('a', 'x')
  const ofNobody = ofAnn + 1
  for (const admin of [ann, annAgain]) {
    const answer = await admin.request('audit.receipt', { index: ofAnn })
    assert.ok(await provesRecord(answer, broker.chain.brokerKey, broker.chain.genesis.origin))
  }
  await bob.refuses('audit.receipt', { index: ofAnn }, 'not-found')
  await ann.refuses('audit.receipt', { index: ofNobody }, 'not-found')
  for (const admin of [nobody, other]) {
    for (const index of [ofAnn, ofNobody]) await admin.refuses('audit.receipt', { index }, 'not-authorized')
  }
  await bob.refuses('audit.receipt', { index: 1_000_000 }, 'not-found')
  for (const admin of [ann, bob, nobody]) {
    const { treeSize } = await admin.request('audit.checkpoint', {})
    assert.equal((await admin.request('audit.consistency', { from: 1 })).to >= treeSize, true)
    await admin.refuses('audit.block', { index: 0 }, 'not-authorized')
    await admin.refuses('audit.status', {}, 'not-authorized')
  }
})

const isReceipt = ({ topic }: Received) => topic.startsWith('$notary/audit/receipt/')
const pushedTo = async (client: TestClient, count: number) =>
  (await client.waitFor(count, isReceipt)).map(({ payload }) => JSON.parse(`${payload}`) as PushedReceipt)

for (const { name, version } of mqttVersions) {
  test(`${name}: who subscribed to its receipt topic gets one for each of its publishes, in order, whatever the QoS`, async (t) => {
    const { broker, port } = await startBroker(t, often)
    const client = await TestClient.connect(t, port, { ...version, clientId: 'press/7' })
    const other = await TestClient.connect(t, port, version)
    assert.equal(await other.subscribe(receiptTopic('-'), 1), 1)
    await client.publish('before', 'x')
    assert.equal(await client.subscribe(receiptTopic('press/7'), 1), 1)
    for (const qos of [0, 1, 2] as const) await client.publish(`plant/${qos}`, `value ${qos}`, { qos })
    const receipts = await pushedTo(client, 3)
    assert.deepEqual(
      receipts.map(({ topic, payloadSha256, seq }) => [topic, payloadSha256, seq]),
      [0, 1, 2].map((qos) => [`plant/${qos}`, sha256Base64url(`value ${qos}`), undefined]),
    )
    for (const receipt of receipts) assert.ok(await proves(receipt, broker.chain))
    await other.publish('mine', 'y')
    assert.deepEqual(
      (await pushedTo(other, 1)).map(({ topic }) => topic),
      ['mine'],
    )
    assert.equal(client.received.filter(isReceipt).length, 3)
  })
}

test('a receipt of a signed publish names its number, and the same publish sent again gets one again', async (t) => {
  const { broker, port } = await startBroker(t, often)
  const key = numberedKey(1)
  await broker.chain.enroll(key)
  const client = await TestClient.connect(t, port, { clientId: 'press-7' })
  await client.subscribe(receiptTopic('-'), 0)
  const envelope = new Signer(key).sign('plant/1', '21.5')
  assert.equal(await client.publish('plant/1', envelope), 0)
  const [first] = await pushedTo(client, 1)
  assert.deepEqual([first?.seq, first?.payloadSha256], [1, sha256Base64url('21.5')])
  assert.equal(await client.publish('plant/1', envelope), 0)
  const [, again] = await pushedTo(client, 2)
  assert.equal(again?.index, first?.index)
  // Who got hold of the envelope is acknowledged as well, but learns nothing of who sent it first.
  const thief = await TestClient.connect(t, port, { clientId: 'thief' })
  await thief.subscribe(receiptTopic('-'), 0)
  assert.equal(await thief.publish('plant/1', envelope), 0)
  await thief.publish('plant/2', 'own')
  assert.deepEqual(
    (await pushedTo(thief, 1)).map(({ topic }) => topic),
    ['plant/2'],
  )
})

test('after UNSUBSCRIBE no receipts come, and a session that is resumed wants them still', async (t) => {
  const { port } = await startBroker(t, often)
  const options = { clientId: 'stays', clean: false, properties: { sessionExpiryInterval: 3600 } }
  const before = await TestClient.connect(t, port, options)
  await before.subscribe(receiptTopic('stays'), 0)
  await before.end()
  const client = await TestClient.connect(t, port, options)
  await client.publish('a', '1')
  await pushedTo(client, 1)
  await client.mqtt.unsubscribeAsync(receiptTopic('stays'))
  await client.publish('a', '2')
  await client.subscribe(receiptTopic('-'), 0)
  await client.publish('a', '3')
  const receipts = await pushedTo(client, 2)
  assert.deepEqual(
    receipts.map(({ payloadSha256 }) => payloadSha256),
    ['1', '3'].map((payload) => sha256Base64url(payload)),
  )
})

test('[MQTT-5.0 3.1.2-24] a receipt beyond the Maximum Packet Size of its client is left out and counted, and the client is told', async (t) => {
  const { port, broker } = await startBroker(t, {
    checkpointIntervalMs: 100,
    httpListeners: [{ port: 0, host: '127.0.0.1' }],
  })
  const client = await TestClient.connect(t, port, { properties: { maximumPacketSize: 300 } })
  await client.subscribe(receiptTopic('-'), 0)
  assert.equal(await client.publish('a', 'x', { qos: 1 }), 0)
  const [told] = await client.waitFor(1)
  const { dropped, fromIndex } = JSON.parse(`${told?.payload}`)
  assert.deepEqual([dropped, fromIndex], [1, broker.chain.nextIndex - 1])
  const metrics = await (await fetch(`${broker.httpUrls[0]}/metrics`)).text()
  assert.match(metrics, /^notarymq_answers_too_large_total 1$/m)
})

test('the receipt of a will is for the next connection of its client that listens', async (t) => {
  const { port } = await startBroker(t, { checkpointIntervalMs: 100 })
  const will = { topic: 'gone', payload: Buffer.from('it'), qos: 1 as const, retain: false }
  const client = await TestClient.connect(t, port, { clientId: 'sensor-1', will })
  client.vanish()
  const again = await TestClient.connect(t, port, { clientId: 'sensor-1' })
  await again.subscribe(receiptTopic('-'), 0)
  const [receipt] = await again.waitFor(1)
  assert.equal(JSON.parse(`${receipt?.payload}`).topic, 'gone')
})
