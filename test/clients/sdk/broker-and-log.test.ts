import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Equivocation, MemoryKeyStore, type VerifiedReceipt } from '../../../clients/sdk/index.ts'
import { LogGuard } from '../../../clients/sdk/log-guard.ts'
import type { NotaryClientOptions } from '../../../clients/sdk/options.ts'
import { nobleCrypto, p256ToJwk, toBase64url } from '../../../protocol/index.ts'
import { freePort, startBroker } from '../../helpers/broker.ts'
import { goldenCheckpoint } from '../../helpers/golden-chain.ts'
import { keysDirectory, publicPem } from '../../helpers/key-files.ts'
import { numberedKey, publicOf } from '../../helpers/keys.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { provesRecord } from '../../helpers/receipt-check.ts'
import { sdkClient, sdkVersions, signerOf } from '../../helpers/sdk.ts'
import { sha256Base64url } from '../../helpers/signing.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

const device = numberedKey(41)
const often = { checkpointIntervalMs: 100 }

/** A broker at a port that is chosen, so that another one can take its place. */
function brokerAt(t: TestContext, port: number, location: string) {
  const listeners = [{ protocol: 'mqtt' as const, port, host: '127.0.0.1' }]
  return startBroker(t, { location, listeners, ...often })
}

test('a broker is pinned by PEM or JWK, and one with another key is refused before anything is published', async (t) => {
  const { broker, port } = await startBroker(t)
  const key = broker.chain.brokerKey
  for (const pinnedBroker of [publicPem(key), p256ToJwk(key), key]) await sdkClient(t, port, { pinnedBroker })
  const wrong = sdkClient(t, port, { pinnedBroker: publicPem(device) })
  await assert.rejects(wrong, { code: 'ERR_BROKER_UNPROVEN' })
  await assert.rejects(sdkClient(t, port, { pinnedBroker: 'nonsense' }), { code: 'ERR_PUBLIC_KEY' })
})

test('a broker that was met before and has another key now is refused; the old one is not', async (t) => {
  const keyStore = new MemoryKeyStore()
  const port = await freePort()
  const options = { pinnedBroker: 'first-use', keyStore }
  const location = temporaryDirectory(t)
  const first = await brokerAt(t, port, location)
  await sdkClient(t, port, options)
  await first.broker.close()
  const second = await brokerAt(t, port, temporaryDirectory(t))
  await assert.rejects(sdkClient(t, port, options), { code: 'ERR_BROKER_UNPROVEN' })
  await second.broker.close()
  await brokerAt(t, port, location)
  await sdkClient(t, port, options)
})

test('a key store that has something else in place of the key of a broker is ERR_KEY_STORE, and is not trusted anew', async (t) => {
  const { port } = await startBroker(t)
  const keyStore = new MemoryKeyStore()
  await keyStore.set(`broker/127.0.0.1:${port}`, Uint8Array.of(0xa0))
  await assert.rejects(sdkClient(t, port, { pinnedBroker: 'first-use', keyStore }), { code: 'ERR_KEY_STORE' })
})

test('when another broker takes its place, a client tells it nothing and waits for the right one', async (t) => {
  const port = await freePort()
  const location = temporaryDirectory(t)
  const first = await brokerAt(t, port, location)
  const client = await sdkClient(t, port, { pinnedBroker: publicPem(first.broker.chain.brokerKey) })
  const closed = client.next('close')
  await first.broker.close()
  await closed
  const second = await brokerAt(t, port, temporaryDirectory(t))
  const spy = await TestClient.connect(t, port)
  await spy.subscribe('#', 1)
  const published = client.publishAsync('a', 'only for the right one', { qos: 1 })
  for (;;) {
    const [error] = await client.next('error')
    if ((error as { code?: string }).code === 'ERR_BROKER_UNPROVEN') break
  }
  assert.deepEqual(spy.received, [])
  spy.vanish()
  await second.broker.close()
  await brokerAt(t, port, location)
  await published
})

for (const { name, protocolVersion } of sdkVersions) {
  test(`${name}: each publish has its receipt, verified under the keys of broker and log`, async (t) => {
    const { broker, port } = await startBroker(t, { ...often, keysDirectory: keysDirectory(t, { device }) })
    const { brokerKey, logVkey, genesis } = broker.chain
    const trust = { pinnedBroker: publicPem(brokerKey), logVkey }
    const client = await sdkClient(t, port, { protocolVersion, identity: signerOf(device), receipts: true, ...trust })
    const receipts: VerifiedReceipt[] = []
    const both = new Promise<void>((resolve) => {
      client.on('receipt', (receipt) => {
        if (receipts.push(receipt) === 2) resolve()
      })
    })
    client.on('error', (error) => assert.fail(error))
    await client.publishAsync('plant/1', '21.5', { qos: 1 })
    await client.publishAsync('plant/2', '22.5', { qos: 1 })
    await both
    assert.deepEqual(
      receipts.map(({ topic, seq, payloadSha256, origin }) => [topic, seq, payloadSha256, origin]),
      [
        ['plant/1', 1, sha256Base64url('21.5'), genesis.origin],
        ['plant/2', 2, sha256Base64url('22.5'), genesis.origin],
      ],
    )
    for (const { index, treeSize, json } of receipts) {
      assert.ok(index < treeSize)
      assert.ok(await provesRecord(json, brokerKey, genesis.origin))
    }
  })
}

test('a client that takes only small packets is told of the receipts that it does not get', async (t) => {
  const { broker, port } = await startBroker(t, often)
  const client = await sdkClient(t, port, {
    protocolVersion: 5,
    receipts: true,
    pinnedBroker: publicPem(broker.chain.brokerKey),
    properties: { maximumPacketSize: 650 },
  })
  client.on('receipt', () => assert.fail('it is larger'))
  client.on('error', (error) => assert.fail(error))
  const told = client.next('receiptsDropped')
  await client.publishAsync('a', '1', { qos: 1 })
  const [{ dropped, fromIndex, toIndex }] = await told
  assert.equal(dropped, 1)
  assert.equal(fromIndex, toIndex)
})

test('a checkpoint in the key store that is none any more is ERR_KEY_STORE, and stays as it is', async () => {
  const keyStore = new MemoryKeyStore()
  const guard = new LogGuard(keyStore, { logKey: undefined, brokerKey: publicOf(device) }, nobleCrypto)
  const note = goldenCheckpoint(nobleCrypto)
  const ask = () => assert.fail('nothing is to be proved')
  for (const _ of ['kept', 'the same again']) assert.equal(await guard.check(note, ask), undefined)
  const name = `checkpoint/${toBase64url(device.thumbprint)}`
  const damaged = new TextEncoder().encode('example.com/plant')
  assert.equal(await keyStore.set(name, damaged), true)
  await assert.rejects(guard.check(note, ask), { code: 'ERR_KEY_STORE' })
  assert.deepEqual(await keyStore.get(name), damaged)
  await assert.rejects(guard.check('no note', ask), { code: 'ERR_BROKER_UNPROVEN' })
})

for (const withLogKey of [true, false]) {
  test(`a log that was put back and grew another way is found out, ${withLogKey ? 'by its key' : "by the broker's key"}`, async (t) => {
    const port = await freePort()
    const keyStore = new MemoryKeyStore()
    const location = temporaryDirectory(t)
    const earlier = join(temporaryDirectory(t), 'copy')
    const publish = async (...payloads: string[]) => {
      const { broker } = await brokerAt(t, port, location)
      const client = await TestClient.connect(t, port)
      for (const payload of payloads) await client.publish('a', payload)
      const options: NotaryClientOptions = {
        keyStore,
        pinnedBroker: publicPem(broker.chain.brokerKey),
        ...(withLogKey ? { logVkey: broker.chain.logVkey } : undefined),
      }
      return { broker, client, options }
    }
    const equivocation = async (options: NotaryClientOptions) => {
      const client = await sdkClient(t, port, options)
      const told = client.next('equivocation')
      const [error] = await client.next('error')
      assert.equal((error as { code?: string }).code, 'ERR_EQUIVOCATION')
      await client.endAsync(true)
      return (await told)[0]
    }
    const begun = await publish('1', '2')
    await begun.broker.close()
    cpSync(location, earlier, { recursive: true })

    const grown = await publish('3', '4', '5')
    await covered(grown.client, 6)
    const seen = await sdkClient(t, port, grown.options)
    seen.on('equivocation', () => assert.fail('it only grew'))
    // The same again, and again after it grew more: the checkpoint is compared each time.
    await sdkClient(t, port, grown.options)
    await grown.client.publish('a', '6')
    await covered(grown.client, 7)
    await (await sdkClient(t, port, grown.options)).endAsync()
    await seen.endAsync()
    await grown.broker.close()

    cpSync(earlier, location, { recursive: true, force: true })
    const forkedAt = join(temporaryDirectory(t), 'forked')
    cpSync(earlier, forkedAt, { recursive: true })
    const back = await brokerAt(t, port, forkedAt)
    const writer = await TestClient.connect(t, port)
    const rollback = await equivocation(grown.options)
    assert.equal(rollback.cause, 'rollback')
    for (const payload of ['x', 'y', 'z', 'u', 'v', 'w']) await writer.publish('a', payload)
    await covered(writer, 9)
    const fork: Equivocation = await equivocation(grown.options)
    assert.equal(fork.cause, 'fork')
    assert.equal(fork.older, rollback.older)
    assert.notEqual(fork.newer, fork.older)
    assert.equal(fork.origin, back.broker.chain.genesis.origin)
  })
}

/** Waits for a checkpoint of so many records at least. */
async function covered(client: TestClient, treeSize: number): Promise<void> {
  await client.subscribe('$notary/audit/checkpoint', 0)
  await client.waitFor(1, ({ topic, payload }) => {
    return topic === '$notary/audit/checkpoint' && Number(payload.toString().split('\n')[1]) >= treeSize
  })
}
