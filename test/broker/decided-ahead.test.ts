import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestAdmin } from '../helpers/admin.ts'
import { startBroker } from '../helpers/broker.ts'
import { holdWrites } from '../helpers/held-writes.ts'
import { keysDirectory } from '../helpers/key-files.ts'
import { numberedKey } from '../helpers/keys.ts'
import { TestClient } from '../helpers/mqtt-clients.ts'
import { Signer } from '../helpers/signing.ts'
import { until } from '../helpers/test-sessions.ts'

const device = numberedKey(61)
const notAuthorized = 0x87
/** Publishes of one client that may be unacknowledged. */
const window = 20

test('a revocation that is decided while another block is being written holds for all that is decided behind it', async (t) => {
  const { broker, port } = await startBroker(t, {
    keysDirectory: keysDirectory(t, { device }),
    protect: [{ filter: 'plant/#', signed: true }],
  })
  const { chain } = broker
  const signer = new Signer(device)
  const clients = await Promise.all(Array.from({ length: 4 }, () => TestClient.connect(t, port)))
  const publishAll = (chosen: readonly TestClient[], topic: string, payloadOf: () => string | Uint8Array) =>
    Promise.all(chosen.flatMap((client) => Array.from({ length: window }, () => client.publish(topic, payloadOf()))))
  const signed = () => publishAll(clients.slice(2), 'plant/1', () => signer.sign('plant/1', '21.5'))
  assert.deepEqual(new Set(await signed()), new Set([0]))

  const { begun, release } = holdWrites(t, chain.database)
  const free = clients[0]?.publish('free', 'begins a block')
  await begun
  const size = chain.nextIndex
  const revoked = chain.revoke(device.thumbprint, 'stolen')
  const refused = signed()
  const accepted = publishAll(clients.slice(1, 2), 'free', () => 'beside them')
  const revokedAt = () => chain.registry.resolve(device.thumbprint)?.revokedAt
  // Decided, and not yet in the chain.
  await until(() => revokedAt() !== undefined)
  assert.equal(chain.nextIndex, size)
  assert.ok((revokedAt() ?? 0) > size)
  release()
  await Promise.all([free, revoked])
  assert.deepEqual(new Set(await refused), new Set([notAuthorized]))
  assert.deepEqual(new Set(await accepted), new Set([0]))

  const admin = await TestAdmin.connect(t, port)
  assert.equal((await admin.publishes({ topic: 'plant/#' })).length, 2 * window)
  assert.equal((await admin.publishes({ topic: 'free' })).length, 1 + window)
  await admin.verifies(2 * window)
})
