import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { BrokerError, createBroker } from '../../broker/index.ts'
import { openStoreDatabase } from '../../plugins/index.ts'
import { startBroker } from '../helpers/broker.ts'
import { keysDirectory } from '../helpers/key-files.ts'
import { numberedKey } from '../helpers/keys.ts'
import { isListening } from '../helpers/listening.ts'
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

test('a step of closing that fails is told, and does not keep the store and the ports from being closed', async (t) => {
  const { broker, location } = await startBroker(t, { httpListeners: [{ port: 0 }] })
  const [url = ''] = broker.httpUrls
  const port = Number(new URL(url).port)
  const failure = new Error('cannot wait')
  const { chain } = broker
  const drained = chain.drained.bind(chain)
  const drainedLater = () => {
    Object.assign(chain, { drained })
    return Promise.reject(failure)
  }
  Object.assign(chain, { drained: drainedLater })
  const errors: unknown[] = []
  await broker.close().catch((error) => errors.push(error))
  // The end of the test closes it once more, which tells the same.
  Object.assign(broker, { close: () => Promise.resolve() })
  assert.deepEqual(errors, [failure])
  assert.equal(await isListening(port), false)
  await (await openStoreDatabase(location, false)).close()
})

test('a start that fails says why, also when closing what it had opened fails', async (t) => {
  const { port } = await startBroker(t)
  const location = temporaryDirectory(t)
  const path = join(temporaryDirectory(t), 'log')
  // The head file is written anew when the chain is closed.
  mkdirSync(join(location, 'head.new'))
  const options = {
    location,
    listeners: [{ protocol: 'mqtt', port, host: '127.0.0.1' }],
    log: { destinations: [{ kind: 'file', path }], types: ['error'], timestamps: false },
  } as const
  await assert.rejects(
    createBroker(options),
    (error) => error instanceof BrokerError && error.code === 'ERR_LISTEN_FAILED',
  )
  assert.match(readFileSync(path, 'utf8'), /EISDIR/)
  await (await openStoreDatabase(location, false)).close()
})
