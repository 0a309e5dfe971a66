import assert from 'node:assert/strict'
import { test } from 'node:test'
import { identityResponseTopic } from '../../../protocol/index.ts'
import { startBroker } from '../../helpers/broker.ts'
import { TestAuthority } from '../../helpers/certificates.ts'
import { publicPem } from '../../helpers/key-files.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { sdkClient, sdkVersions, signerOf } from '../../helpers/sdk.ts'
import { publishOn, TamperingProxy } from '../../helpers/tampering-proxy.ts'
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

for (const { name, protocolVersion } of sdkVersions) {
  test(`${name}: after a reconnect publishes are held back until the broker has proved itself again`, async (t) => {
    const { broker, port } = await startBroker(t)
    const network = await TamperingProxy.start(t, port)
    const client = await sdkClient(t, network.port, {
      protocolVersion,
      identity: signerOf(numberedKey(33)),
      pinnedBroker: publicPem(broker.chain.brokerKey),
    })
    const reader = await TestClient.connect(t, port)
    await reader.subscribe('plant/#', 1)
    let proof: Buffer | undefined
    const isProof = publishOn(identityResponseTopic(client.mqtt.options.clientId ?? ''))
    const held = network.attack('to client', isProof, (unit, done) => {
      done()
      proof = unit
      return []
    })
    network.cut()
    const published = client.publishAsync('plant/1', '21.5', { qos: 1 })
    await held
    // All that was sent before this is acknowledged has gone by.
    await client.subscribeAsync('elsewhere', { qos: 0 })
    assert.deepEqual(network.seenSoFar('to broker', publishOn('plant/1')), [])
    network.send('to client', proof ?? assert.fail('no proof'))
    await published
    await reader.waitFor(1)
    assert.equal(network.seenSoFar('to broker', publishOn('plant/1')).length, 1)
  })
}
