import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  decodeRecord,
  encodeCbor,
  fromBase64url,
  nobleCrypto,
  p256FromJwk,
  p256ToJwk,
  type RecordJson,
  thumbprintOfP256,
  toBase64url,
} from '../../protocol/index.ts'
import { TestAdmin } from '../helpers/admin.ts'
import { startBroker } from '../helpers/broker.ts'
import { numberedKey } from '../helpers/keys.ts'
import { TestClient } from '../helpers/mqtt-clients.ts'
import { Signer, sha256Base64url } from '../helpers/signing.ts'

async function start(t: TestContext) {
  const running = await startBroker(t)
  return { ...running, admin: await TestAdmin.connect(t, running.port, { clientId: 'auditor' }) }
}

test('audit.status names the keys that the data directory publishes, and the root of the records so far', async (t) => {
  const { admin, port, location, broker } = await start(t)
  const client = await TestClient.connect(t, port)
  await client.publish('a', 'x')
  const status = await admin.request('audit.status', {})
  const published = createPublicKey(readFileSync(join(location, 'keys', 'broker.pub.pem'))).export({ format: 'jwk' })
  assert.deepEqual(status.brokerKey, published)
  assert.equal(status.brokerKid, toBase64url(thumbprintOfP256(p256FromJwk(published, nobleCrypto), nobleCrypto)))
  assert.equal(`${status.logVkey}\n`, readFileSync(join(location, 'keys', 'log.vkey'), 'utf8'))
  assert.equal(status.logVkey.split('+')[0], status.origin)
  assert.deepEqual([status.treeSize, status.blocks, status.accepted, status.checkpoint], [2, 2, 1, null])
  assert.equal(status.rootHash, toBase64url(broker.chain.state.frontier.root()))
  assert.ok(Date.parse(status.since) <= Date.now())
})

test('audit.verify checks hashes from the beginning, signatures from an index on, and ends where it is told', async (t) => {
  const { admin, port } = await start(t)
  const device = new Signer(numberedKey(1))
  await admin.request('keys.enroll', { key: p256ToJwk(device.key) })
  const client = await TestClient.connect(t, port)
  for (let i = 0; i < 4; i++) await client.publish('a', device.sign('a', `${i}`))
  assert.deepEqual(await admin.request('audit.verify', {}), {
    ok: true,
    checked: 6,
    signatures: 4,
    erased: { bodies: 0, records: 0 },
  })
  assert.deepEqual(await admin.request('audit.verify', { fromIndex: 4 }), {
    ok: true,
    checked: 6,
    signatures: 2,
    erased: { bodies: 0, records: 0 },
  })
  assert.deepEqual(await admin.request('audit.verify', { toIndex: 3 }), {
    ok: true,
    checked: 4,
    signatures: 2,
    erased: { bodies: 0, records: 0 },
  })
  assert.deepEqual(await admin.request('audit.verify', { fromIndex: 9, toIndex: 9 }), {
    ok: true,
    checked: 6,
    signatures: 0,
    erased: { bodies: 0, records: 0 },
  })
})

test('audit.record gives one record with what is asked for, and not-found beyond the newest', async (t) => {
  const { admin, port } = await start(t)
  const client = await TestClient.connect(t, port, { clientId: 'sensor' })
  await client.publish('a/b', 'hello')
  const plain = await admin.request('audit.record', { index: 1 })
  assert.equal(plain.topic, 'a/b')
  const include = ['payload', 'record', 'salt', 'leaf'] as const
  for (const name of include) assert.equal(plain[name], undefined)
  const {
    payload,
    record = '',
    salt = '',
    leaf = '',
    ...rest
  } = await admin.request('audit.record', { index: 1, include })
  assert.deepEqual(rest, plain)
  assert.equal(payload, toBase64url(Buffer.from('hello')))
  assert.equal(decodeRecord(fromBase64url(record)).clientId, 'sensor')
  // The leaf commits to the record: SHA-256 of salt and record.
  const commitment = sha256Base64url(Buffer.concat([fromBase64url(salt), fromBase64url(record)]))
  assert.equal(toBase64url(fromBase64url(leaf).subarray(-32)), commitment)
  assert.equal((await admin.request('audit.record', { index: 0 })).kind, 'genesis')
  for (const index of [2, Number.MAX_SAFE_INTEGER]) await admin.refuses('audit.record', { index }, 'not-found')
})

test('audit.query finds by topic filter, client id, kid prefix and range, and returns payloads on request', async (t) => {
  const { admin, port } = await start(t)
  const device = new Signer(numberedKey(1))
  await admin.request('keys.enroll', { key: p256ToJwk(device.key), name: 'pump' })
  const [one, two] = [await TestClient.connect(t, port), await TestClient.connect(t, port)]
  const topics = ['plant/1/temp', 'plant/2/temp', 'plant/2', 'house/1/temp', '$plant/x']
  for (const topic of topics) {
    await one.publish(topic, device.sign(topic, `signed ${topic}`))
    await two.publish(topic, topic)
  }
  const found = async (params: Parameters<TestAdmin['records']>[0]) =>
    (await admin.records(params)).map(({ index }) => index)
  assert.deepEqual(await found({ topic: 'plant/+/temp' }), [2, 3, 4, 5])
  assert.deepEqual(await found({ topic: 'plant/2/#' }), [4, 5, 6, 7])
  assert.deepEqual(await found({ topic: '#' }), [2, 3, 4, 5, 6, 7, 8, 9])
  assert.deepEqual(await found({ topic: '$plant/#' }), [10, 11])
  assert.deepEqual(await found({ topic: 'nothing' }), [])
  assert.deepEqual(await found({ clientId: two.id }), [3, 5, 7, 9, 11])
  assert.deepEqual(await found({ clientId: 'auditor' }), [1])
  for (const length of [8, 20, 32]) {
    const kid = toBase64url(device.key.thumbprint.subarray(0, length))
    assert.deepEqual(await found({ kid }), [1, 2, 4, 6, 8, 10])
    assert.deepEqual(await found({ kid, topic: 'plant/#', fromIndex: 3, toIndex: 6, clientId: one.id }), [4, 6])
  }
  assert.deepEqual(await found({ kid: toBase64url(numberedKey(2).thumbprint) }), [])
  assert.deepEqual(await found({ fromIndex: 3, toIndex: 5 }), [3, 4, 5])
  assert.deepEqual(await found({ fromIndex: 5, toIndex: 3 }), [])
  assert.deepEqual(await found({ fromIndex: 12 }), [])
  const { records } = await admin.request('audit.query', { topic: 'plant/2', include: ['payload'] })
  const payloads = records.map(({ payload = '' }) => Buffer.from(fromBase64url(payload)).toString())
  assert.deepEqual(payloads, ['signed plant/2', 'plant/2'])
})

test('the pages of a query cover every matching record once, in order, while the chain grows', async (t) => {
  const { admin, port } = await start(t)
  const client = await TestClient.connect(t, port)
  let count = 0
  const grow = (n: number) => {
    const publishes = Array.from({ length: n }, () => ({ topic: `n/${count++}`, payload: new Uint8Array(8) }))
    return client.publishAll(publishes)
  }
  await grow(300)
  for (const limit of [1, 7, 100, 1000]) {
    const pages: (readonly RecordJson[])[] = []
    let cursor: string | undefined
    do {
      const more = cursor === undefined ? {} : { cursor }
      const page = await admin.request('audit.query', { topic: 'n/#', limit, ...more })
      pages.push(page.records)
      cursor = page.cursor ?? undefined
      if (pages.length < 20) await grow(5)
    } while (cursor !== undefined)
    assert.ok(pages.every((page) => page.length <= limit))
    const topics = pages.flat().map(({ topic }) => topic)
    assert.deepEqual(
      topics,
      topics.map((_, i) => `n/${i}`),
      `limit ${limit}`,
    )
    assert.ok(topics.length >= count - 5, `limit ${limit}: the end was reached`)
  }
  await admin.verifies()
})

test('a cursor works for its own query only, whatever the page size', async (t) => {
  const { admin, port } = await start(t)
  const client = await TestClient.connect(t, port)
  await client.publishAll(new Array(10).fill({ topic: 'a', payload: new Uint8Array(1) }))
  const { cursor } = await admin.request('audit.query', { topic: 'a', limit: 3 })
  assert.ok(cursor !== null)
  const page = await admin.request('audit.query', { topic: 'a', limit: 2, cursor, include: ['payload'] })
  assert.deepEqual(
    page.records.map(({ index }) => index),
    [4, 5],
  )
  const forged = toBase64url(encodeCbor([0, new Uint8Array(8)]))
  const altered = `${cursor.slice(0, -1)}${cursor.endsWith('A') ? 'Q' : 'A'}`
  for (const wrong of ['', 'AA', 'not base64url!', forged, altered, `${cursor}AA`, toBase64url(encodeCbor(4))]) {
    await admin.refuses('audit.query', { topic: 'a', cursor: wrong }, 'cursor-invalid')
  }
  const others = [
    {},
    { topic: 'b' },
    { topic: 'a', clientId: 'x' },
    { topic: 'a', fromIndex: 1 },
    { topic: 'a', toIndex: 9 },
    { topic: 'a', order: 'desc' },
    { topic: 'a', outcome: 'unsigned' },
    { topic: 'a', fromTime: '2026-01-01T00:00:00Z' },
    { topic: 'a', toTime: '2999-01-01T00:00:00Z' },
  ]
  for (const other of others) await admin.refuses('audit.query', { ...other, cursor }, 'cursor-invalid')
})
