/** The secure link of the Rust lab, as a gateway: devices on links, what they say on MQTT. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClientError } from '../../../clients/errors.ts'
import type { SecureLink } from '../../../clients/secure-link/index.ts'
import { ProtocolError } from '../../../protocol/index.ts'
import { TestAdmin } from '../../helpers/admin.ts'
import { startBroker } from '../../helpers/broker.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { LinkSite } from '../../helpers/secure-links.ts'
import { startTlsProxy } from '../../helpers/tls-proxy.ts'

test('what devices send over secure links is in the chain, and a proxy that alters a frame gets none of it there', async (t) => {
  const { port } = await startBroker(t)
  const mqtt = await TestClient.connect(t, port)
  const subscriber = await TestClient.connect(t, port)
  await subscriber.subscribe('plant/#', 1)
  const gateway = async (link: SecureLink) => {
    for (let one = await link.receive(); one !== undefined; one = await link.receive()) {
      const code = await mqtt.publish('plant/press-7', Buffer.from(one))
      await link.send(Uint8Array.of(code))
    }
  }
  const site = await LinkSite.start(t, {}, gateway)
  const device = await site.connect()
  for (const text of ['21.5', '21.6']) {
    await device.send(Buffer.from(text))
    assert.deepEqual([...((await device.receive()) ?? [])], [0])
  }
  const { authority, identity } = site
  const alter = (piece: Buffer) => Buffer.from(piece.toString('latin1').replace('99.9', '20.0'), 'latin1')
  const proxied = await site.connect({ port: await startTlsProxy(t, { authority, identity, port: site.port, alter }) })
  await proxied.send(Buffer.from('99.9'))
  const failure = await site.firstError()
  assert.ok(failure instanceof ProtocolError || failure instanceof ClientError)
  assert.equal(failure.code, 'ERR_MAC_INVALID')
  await device.send(Buffer.from('21.7'))
  assert.deepEqual([...((await device.receive()) ?? [])], [0])
  const received = await subscriber.waitFor(3)
  assert.deepEqual(
    received.map(({ payload }) => payload.toString()),
    ['21.5', '21.6', '21.7'],
  )
  const admin = await TestAdmin.connect(t, port)
  assert.equal((await admin.publishes()).length, 3)
  await admin.verifies()
})
