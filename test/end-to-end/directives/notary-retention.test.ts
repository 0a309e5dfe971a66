import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestAdmin } from '../../helpers/admin.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { covers, eventually, openBroker } from './support.ts'

test('notary_retention erases what its lines do not keep, and nothing that is still to be delivered', async (t) => {
  covers('notary_retention')
  const { port } = await openBroker(t, [
    'notary_admin anonymous',
    'notary_retention records count 0 topic gone/#',
    'notary_retention bodies count 1 topic kept',
  ])
  const admin = await TestAdmin.connect(t, port)
  const durable = { clientId: 'away', clean: false, properties: { sessionExpiryInterval: 600 } }
  const away = await TestClient.connect(t, port, durable)
  await away.subscribe('gone/queued', 1)
  await away.end()
  const client = await TestClient.connect(t, port)
  for (const topic of ['gone/a', 'kept', 'kept', 'gone/queued', 'other'])
    assert.equal(await client.publish(topic, topic), 0)
  assert.equal(await client.publish('gone/retained', 'still', { qos: 1, retain: true }), 0)
  const seen = async () => {
    const records = await admin.records({ include: ['payload'] })
    return records.filter(({ kind }) => kind === 'publish' || kind === undefined)
  }
  const records = await eventually(seen, (found) => found.filter(({ erased }) => erased !== undefined).length >= 2)
  assert.deepEqual(
    records.map(({ topic, erased }) => [topic, erased]),
    [
      [undefined, 'record'],
      ['kept', 'body'],
      ['kept', undefined],
      ['gone/queued', undefined],
      ['other', undefined],
      ['gone/retained', undefined],
    ],
  )
  const reasons = (await admin.records()).filter(({ kind }) => kind === 'erasure').map(({ reason }) => reason)
  assert.deepEqual(reasons, [
    'notary_retention records count 0 topic gone/#',
    'notary_retention bodies count 1 topic kept',
  ])
  const back = await TestClient.connect(t, port, durable)
  await back.waitFor(1)
  assert.equal(`${back.received[0]?.payload}`, 'gone/queued')
  const { ok, erased } = await admin.request('audit.verify', {})
  assert.deepEqual([ok, erased], [true, { bodies: 1, records: 1 }])
})
