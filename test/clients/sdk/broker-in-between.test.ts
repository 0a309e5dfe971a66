import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UniqueMessageIdProvider } from 'mqtt'
import { MemoryKeyStore, type NotaryClient } from '../../../clients/sdk/index.ts'
import { identityResponseTopic } from '../../../protocol/index.ts'
import { startBroker } from '../../helpers/broker.ts'
import { TestAuthority } from '../../helpers/certificates.ts'
import { keysDirectory, publicPem } from '../../helpers/key-files.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { sdkClient, sdkVersions, signerOf } from '../../helpers/sdk.ts'
import { drop, isPacket, publishOn, TamperingProxy } from '../../helpers/tampering-proxy.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { startTlsProxy } from '../../helpers/tls-proxy.ts'

test('who ends TLS in between, with another certificate of the same authority, is found out by the proof of the broker', async (t) => {
  const authority = await TestAuthority.create(temporaryDirectory(t))
  const { certFile, keyFile } = await authority.issue({ name: 'broker', use: 'server' })
  const { broker, port } = await startBroker(t, {
    listeners: [{ protocol: 'mqtt', port: 0, host: '127.0.0.1', tls: { certFile, keyFile } }],
  })
  const identity = await authority.issue({ name: 'somebody', use: 'server' })
  const between = await startTlsProxy(t, { authority, identity, port, alter: (piece) => piece })
  const overTls = { protocol: 'mqtts' as const, ca: authority.cert }
  const pinnedBroker = publicPem(broker.chain.brokerKey)
  await sdkClient(t, port, { ...overTls, pinnedBroker })
  await assert.rejects(sdkClient(t, between, { ...overTls, pinnedBroker }), { code: 'ERR_BROKER_UNPROVEN' })
  // Whoever asks for no proof sees a certificate that is in order.
  await sdkClient(t, between, overTls)
})

const device = numberedKey(33)

/** Keeps the next proof of the broker from the client, until it is sent. */
function holdProof(network: TamperingProxy, client: NotaryClient) {
  let proof: Buffer | undefined
  const isProof = publishOn(identityResponseTopic(client.mqtt.options.clientId ?? ''))
  const held = network.attack('to client', isProof, (unit, done) => {
    done()
    proof = unit
    return []
  })
  return { held, send: () => network.send('to client', proof ?? assert.fail('no proof')) }
}

/** How many times `plant/1` was published until now. */
async function publishesGoneBy(network: TamperingProxy, client: NotaryClient): Promise<number> {
  // All that was sent before this is acknowledged has gone by.
  await client.subscribeAsync('elsewhere', { qos: 0 })
  return network.seenSoFar('to broker', publishOn('plant/1')).length
}

for (const { name, protocolVersion } of sdkVersions) {
  test(`${name}: after a reconnect publishes are held back until the broker has proved itself again`, async (t) => {
    const { broker, port } = await startBroker(t)
    const network = await TamperingProxy.start(t, port)
    const client = await sdkClient(t, network.port, {
      protocolVersion,
      identity: signerOf(device),
      pinnedBroker: publicPem(broker.chain.brokerKey),
    })
    const reader = await TestClient.connect(t, port)
    await reader.subscribe('plant/#', 1)
    const proof = holdProof(network, client)
    network.cut()
    const published = client.publishAsync('plant/1', '21.5', { qos: 1 })
    await proof.held
    assert.equal(await publishesGoneBy(network, client), 0)
    proof.send()
    await published
    await reader.waitFor(1)
    assert.equal(network.seenSoFar('to broker', publishOn('plant/1')).length, 1)
  })
}

/** A key store whose next raised number takes until something else has happened. */
class SlowKeyStore extends MemoryKeyStore {
  meanwhile: (() => Promise<void>) | undefined

  override async raiseSequenceNumber(thumbprint: Uint8Array, atLeast: number): Promise<void> {
    await super.raiseSequenceNumber(thumbprint, atLeast)
    const { meanwhile } = this
    this.meanwhile = undefined
    await meanwhile?.()
  }
}

test('what was agreed on over a connection that is lost before it is of use lets nothing out on the next one', async (t) => {
  const { broker, port } = await startBroker(t, { keysDirectory: keysDirectory(t, { device }) })
  const network = await TamperingProxy.start(t, port)
  const keyStore = new SlowKeyStore()
  const client = await sdkClient(t, network.port, {
    identity: signerOf(device),
    mac: true,
    pinnedBroker: publicPem(broker.chain.brokerKey),
    keyStore,
  })
  const held = new Promise<ReturnType<typeof holdProof>>((resolve) => {
    keyStore.meanwhile = async () => {
      const closed = client.next('close')
      resolve(holdProof(network, client))
      network.cut()
      await closed
    }
  })
  const closed = client.next('close')
  network.cut()
  await closed
  const published = client.publishAsync('plant/1', '21.5', { qos: 1 })
  const proof = await held
  await proof.held
  assert.equal(await publishesGoneBy(network, client), 0)
  proof.send()
  await published
})

test('a publish with the packet id of one that was refused is held back as any other', async (t) => {
  const { broker, port } = await startBroker(t, { protect: [{ filter: 'closed', signed: true }] })
  const network = await TamperingProxy.start(t, port)
  const client = await sdkClient(t, network.port, {
    pinnedBroker: publicPem(broker.chain.brokerKey),
    // Gives the id that was freed last again at once; MQTT.js's own goes round first.
    messageIdProvider: new UniqueMessageIdProvider(),
  })
  await assert.rejects(client.publishAsync('closed', 'x', { qos: 2 }), { code: 'ERR_REFUSED' })
  const dropped = network.attack('to client', isPacket('puback'), drop)
  const published = client.publishAsync('plant/1', '21.5', { qos: 1 })
  await dropped
  const proof = holdProof(network, client)
  network.cut()
  await proof.held
  assert.equal(await publishesGoneBy(network, client), 1)
  proof.send()
  await published
})
