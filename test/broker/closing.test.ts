import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startBroker } from '../helpers/broker.ts'
import { keysDirectory } from '../helpers/key-files.ts'
import { numberedKey } from '../helpers/keys.ts'
import { TestClient } from '../helpers/mqtt-clients.ts'
import { Signer } from '../helpers/signing.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

test('a broker that closes records what is being verified, wills too, and reports no errors', async (t) => {
  const key = numberedKey(1)
  const path = join(temporaryDirectory(t), 'log')
  const { broker, port } = await startBroker(t, {
    keysDirectory: keysDirectory(t, { 'device-1': key }),
    log: { destinations: [{ kind: 'file', path }], types: ['error', 'notice'], timestamps: false },
  })
  const signer = new Signer(key)
  const will = { topic: 'will', payload: Buffer.from(signer.sign('will', 'gone')), qos: 1 as const, retain: false }
  const client = await TestClient.connect(t, port, { will, protocolVersion: 4 })
  const count = 400
  const payloads = Array.from({ length: count }, (_, index) => signer.sign('a', `${index}`))
  Promise.allSettled(payloads.map((payload) => client.publish('a', payload)))
  await new Promise((resolve) => client.mqtt.once('packetreceive', resolve))
  await broker.close()
  const { accepted } = broker.counters
  assert.ok(accepted > 1, `${accepted} accepted`)
  assert.doesNotMatch(readFileSync(path, 'utf8'), /ERR_/)
  assert.equal(broker.chain.outage, undefined)
})
