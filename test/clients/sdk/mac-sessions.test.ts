import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { MemoryKeyStore } from '../../../clients/sdk/index.ts'
import { renewalDelayMs } from '../../../clients/sdk/mac-session.ts'
import { parseHopMac } from '../../../protocol/envelope/hop-mac.ts'
import { p256ToJwk, toHex } from '../../../protocol/index.ts'
import { TestAdmin } from '../../helpers/admin.ts'
import { spawnBroker, startBroker } from '../../helpers/broker.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { keysDirectory, publicPem } from '../../helpers/key-files.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { Inbox, keyringOf, sdkClient, sdkVersions, signerOf, textOf } from '../../helpers/sdk.ts'

const device = numberedKey(31)

async function macBroker(t: TestContext) {
  const { broker, port } = await startBroker(t, {
    keysDirectory: keysDirectory(t, { device }),
    protect: [{ filter: 'plant/#', signed: true, mac: true }],
  })
  return { broker, port, brokerPem: publicPem(broker.chain.brokerKey) }
}

/** A network that can be cut: every connection through it at once. */
async function startNetwork(t: TestContext, port: number) {
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const broker = connect(port, '127.0.0.1')
    for (const [one, two] of [
      [client, broker],
      [broker, client],
    ] as const) {
      sockets.add(one)
      one.pipe(two)
      one.on('error', () => two.destroy())
      one.on('close', () => {
        sockets.delete(one)
        two.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  atEnd(t, () => {
    cut()
    server.close()
  })
  return { port: (server.address() as { port: number }).port, cut }
}

for (const { name, protocolVersion } of sdkVersions) {
  for (const detached of protocolVersion === 5 ? [false, true] : [false]) {
    test(`${name}: where a hop MAC is required it is agreed on at connect${detached ? ', detached' : ''}`, async (t) => {
      const { port, brokerPem } = await macBroker(t)
      const options = { protocolVersion, identity: signerOf(device), mac: true, detached, pinnedBroker: brokerPem }
      const client = await sdkClient(t, port, options)
      const inbox = new Inbox(await listener(t, port))
      await Promise.all(['1', '2', '3'].map((text) => client.publishAsync('plant/1', text, { qos: 1 })))
      assert.deepEqual(
        (await inbox.first(3)).map(({ payload }) => textOf(payload)),
        ['1', '2', '3'],
      )
      const records = await (await TestAdmin.connect(t, port)).publishes({ topic: 'plant/#' })
      assert.deepEqual(
        records.map(({ outcome, mac }) => [outcome, mac]),
        Array(3).fill(['signed', true]),
      )
    })
  }

  test(`${name}: over cut connections every message arrives once and in order, each with a MAC of its connection`, async (t) => {
    const { port, brokerPem } = await macBroker(t)
    const network = await startNetwork(t, port)
    const options = { protocolVersion, identity: signerOf(device), mac: true, pinnedBroker: brokerPem }
    const client = await sdkClient(t, network.port, options)
    const inbox = new Inbox(await listener(t, port))
    const published: Promise<unknown>[] = []
    for (let i = 0; i < 60; i++) {
      published.push(client.publishAsync('plant/1', `${i}`, { qos: i % 2 === 0 ? 1 : 2 }))
      if (i % 20 === 10) {
        const again = client.next('connect')
        network.cut()
        published.push(client.publishAsync('plant/1', `while offline ${i}`, { qos: 1 }))
        await again
      }
    }
    await Promise.all(published)
    const messages = await inbox.first(63)
    assert.equal(messages.length, 63)
    const numbers = messages.map(({ verified }) => verified?.seq ?? assert.fail('not verified'))
    assert.equal(new Set(numbers).size, 63)
    const records = await (await TestAdmin.connect(t, port)).publishes({ topic: 'plant/#' })
    assert.deepEqual([records.length, records.every(({ mac }) => mac)], [63, true])
  })
}

/** Hears everything below `plant/`. */
async function listener(t: TestContext, port: number) {
  const client = await sdkClient(t, port, { keyring: keyringOf({ device }) })
  await client.subscribeAsync('plant/#', { qos: 2 })
  return client
}

test('a client that lost count goes on above what the broker has accepted', async (t) => {
  const { port, brokerPem } = await macBroker(t)
  const identity = signerOf(device)
  const options = { identity, mac: true, pinnedBroker: brokerPem }
  const used = new MemoryKeyStore()
  await used.raiseSequenceNumber(device.thumbprint, 500)
  const before = await sdkClient(t, port, { ...options, keyStore: used })
  await before.publishAsync('plant/1', 'x', { qos: 1 })
  // Its store is an older copy: what is next in it was never used, but lies below what was.
  const older = new MemoryKeyStore()
  await older.raiseSequenceNumber(device.thumbprint, 100)
  const after = await sdkClient(t, port, { ...options, keyStore: older })
  await after.publishAsync('plant/1', 'y', { qos: 1 })
  const records = await (await TestAdmin.connect(t, port)).publishes({ topic: 'plant/#' })
  assert.deepEqual(
    records.map(({ seq }) => seq),
    [501, 502],
  )
  // 503 was taken with 502: blocks double.
  assert.equal(await older.reserveSequenceNumbers(device.thumbprint, 1), 504)
})

const sessionLifeMs = 3_600_000

for (const { name, protocolVersion } of sdkVersions) {
  test(`${name}: a session is replaced before it expires, and what follows has MACs of the new one`, async (t) => {
    // In a process of its own: the clock of this one is wound forward.
    const { port } = await spawnBroker(t, { lines: ['notary_protect plant/# mac'] })
    const admin = await TestAdmin.connect(t, port)
    await admin.request('keys.enroll', { key: p256ToJwk(device), name: 'device' })
    const exchanges = async () => (await admin.records()).filter(({ kind }) => kind === 'session').length
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const client = await sdkClient(t, port, { protocolVersion, identity: signerOf(device), mac: true })
    const sids: string[] = []
    client.on('packetsend', (packet) => {
      if (packet.cmd === 'publish' && packet.topic === 'plant/1') sids.push(sidOf(packet.payload))
    })
    await client.publishAsync('plant/1', 'under the first', { qos: 1 })
    t.mock.timers.tick(0.79 * sessionLifeMs)
    await client.publishAsync('plant/1', 'still under the first', { qos: 1 })
    assert.equal(await exchanges(), 1)
    assert.equal(new Set(sids).size, 1)
    t.mock.timers.tick(0.02 * sessionLifeMs)
    while (new Set(sids).size < 2) await client.publishAsync('plant/1', 'until it is another one', { qos: 1 })
    assert.equal(await exchanges(), 2)
    const records = await admin.publishes({ topic: 'plant/1' })
    assert.deepEqual(
      records.map(({ mac }) => mac),
      sids.map(() => true),
    )
  })
}

/** Id of the session of the hop MAC around an envelope. */
function sidOf(payload: string | Uint8Array): string {
  return toHex(parseHopMac(Buffer.from(payload), new Uint8Array(0)).sid)
}

test('a session is renewed at four fifths of its life, and one that ends at once, or has ended, after a pause', () => {
  const delayOf = (lifeMs: number) => {
    const response = { expiryMs: 1_000_000 + lifeMs, brokerTimeMs: 1_000_000 }
    return renewalDelayMs({ response } as Parameters<typeof renewalDelayMs>[0])
  }
  assert.deepEqual([1000, 60_000, 0, -5000, 100].map(delayOf), [800, 48_000, 100, 100, 100])
  assert.equal(delayOf(2 ** 40), 2 ** 31 - 1)
})
