import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestTopic } from '../../../protocol/index.ts'
import { TestAdmin } from '../../helpers/admin.ts'
import { startBroker } from '../../helpers/broker.ts'
import { keysDirectory } from '../../helpers/key-files.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { Device } from './device.ts'

test('/metrics tells what signatures, exchanges, identity requests and forgers there were', async (t) => {
  const { broker, port } = await startBroker(t, {
    httpListeners: [{ port: 0 }],
    keysDirectory: keysDirectory(t, { 'device-1': numberedKey(1) }),
    failureBudget: { burst: 1, perSecond: 1 },
  })
  const [url = ''] = broker.httpUrls
  /** Without the prefix of all. */
  const metric = async (name: string) => {
    const lines = (await (await fetch(`${url}/metrics`)).text()).split('\n')
    return Number(
      lines
        .find((line) => line.startsWith(`notarymq_${name} `))
        ?.split(' ')
        .at(-1),
    )
  }
  const admin = await TestAdmin.connect(t, port)
  const device = await Device.connect(t, port, numberedKey(1))
  await device.agree(admin)
  assert.equal(await device.publish('a', '1', { mac: true }), 0)
  const again = device.make('a', '2')
  assert.deepEqual([await device.send('a', again), await device.send('a', again)], [0, 0])
  assert.equal(await device.client.publish(requestTopic.identity, Buffer.alloc(16)), 0)
  assert.equal(await device.client.publish(requestTopic.identity, 'short'), 0x87)
  assert.equal(await device.client.publish(requestTopic.keyExchange, 'x'), 0x87)
  // The exchange, two publishes, and one of them again.
  assert.equal(await metric('verifications_total{result="valid"}'), 4)
  assert.equal(await metric('verifications_total{result="invalid"}'), 0)
  assert.equal(await metric('verifications_total{result="error"}'), 0)
  assert.equal(await metric('verifications_pending'), 0)
  assert.ok((await metric('verification_batches_total')) >= 1)
  assert.equal(await metric('publishes_duplicate_total'), 1)
  assert.equal(await metric('key_exchanges_total{outcome="accepted"}'), 1)
  assert.equal(await metric('key_exchanges_total{outcome="request-malformed"}'), 1)
  assert.equal(await metric('identity_requests_total{outcome="accepted"}'), 1)
  assert.equal(await metric('identity_requests_total{outcome="request-malformed"}'), 1)
  assert.equal(await metric('mac_sessions'), 1)
  assert.deepEqual([await metric('penalised_addresses'), await metric('forgers_disconnected_total')], [0, 0])
  const forger = await Device.connect(t, port, numberedKey(1))
  const ended = new Promise<void>((resolve) => forger.client.mqtt.once('close', () => resolve()))
  Promise.allSettled(Array.from({ length: 10 }, () => forger.publish('a', 'x', { signedTopic: 'b' })))
  await ended
  const invalid = await metric('verifications_total{result="invalid"}')
  assert.ok(invalid >= 2, `${invalid} invalid`)
  assert.ok((await metric('publishes_refused_total{cause="signature-invalid"}')) >= 2)
  assert.deepEqual([await metric('penalised_addresses'), await metric('forgers_disconnected_total')], [1, 1])
  await device.client.end()
  assert.equal(await metric('mac_sessions'), 0)
})
