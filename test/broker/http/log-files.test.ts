import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nativeCrypto } from '../../../plugins/index.ts'
import { HashTile, leafHash, parseItems, parseSignedHeader } from '../../../protocol/index.ts'
import { startBroker } from '../../helpers/broker.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'

test('the log is served as C2SP tlog-tiles: what is there, in right types, for as long as it stays', async (t) => {
  const { broker, port } = await startBroker(t, { logListeners: [{ port: 0 }], checkpointIntervalMs: 100 })
  const [url = ''] = broker.logUrls
  const publisher = await TestClient.connect(t, port)
  for (let i = 0; i < 300; i++) await publisher.publish('plant/1', `body ${i}`)
  const get = (path: string, method = 'GET') => fetch(`${url}${path}`, { method })
  const bytes = async (path: string) => new Uint8Array(await (await get(path)).arrayBuffer())
  const sizeNow = async () => Number((await (await get('/checkpoint')).text()).split('\n')[1])
  for (let size = 0; size < 301; size = await sizeNow()) await new Promise((resolve) => setTimeout(resolve, 20))
  const size = await sizeNow()
  const width = size - 256

  const checkpoint = await get('/checkpoint')
  assert.deepEqual(
    [checkpoint.status, checkpoint.headers.get('content-type'), checkpoint.headers.get('cache-control')],
    [200, 'text/plain; charset=utf-8', 'no-cache'],
  )
  const tile = await get('/tile/0/000')
  assert.deepEqual(
    [tile.status, tile.headers.get('content-type'), tile.headers.get('cache-control')],
    [200, 'application/octet-stream', 'public, max-age=31536000, immutable'],
  )
  const leaves = [
    ...parseItems(await bytes('/tile/entries/000')),
    ...parseItems(await bytes(`/tile/entries/001.p/${width}`)),
  ]
  assert.equal(leaves.length, size)
  const hashes = Buffer.concat([await bytes('/tile/0/000'), await bytes(`/tile/0/001.p/${width}`)])
  assert.deepEqual(Buffer.concat(leaves.map((leaf) => leafHash(leaf, nativeCrypto))), hashes)
  assert.deepEqual(await bytes('/tile/1/000.p/1'), new HashTile(hashes.subarray(0, 8192), nativeCrypto).root())
  assert.equal(parseSignedHeader(parseItems(await bytes('/headers/000'))[0] as Uint8Array).header.firstIndex, 0)
  // The same once more, from memory.
  assert.deepEqual(await bytes('/tile/entries/000'), Uint8Array.from(await bytes('/tile/entries/000')))

  const beyond = [`tile/0/001.p/${width + 1}`, 'tile/0/001', 'tile/0/002', 'tile/1/000', 'tile/2/000.p/1']
  const never = ['records/000', 'records/001.p/1', 'keys/log.vkey', 'log.json', '', 'metrics', 'tile/0/000/']
  const otherwise = ['tile/0/%30%30%30', '/checkpoint', 'tile/0/x000/000', 'tile/0/00']
  for (const path of [...beyond, ...never, ...otherwise]) assert.equal((await get(`/${path}`)).status, 404, path)
  for (const method of ['POST', 'PUT', 'DELETE']) assert.equal((await get('/checkpoint', method)).status, 405)
  const head = await get('/tile/0/000', 'HEAD')
  assert.deepEqual([head.status, head.headers.get('content-length'), await head.text()], [200, '8192', ''])
})
