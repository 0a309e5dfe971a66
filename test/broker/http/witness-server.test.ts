import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { test } from 'node:test'
import { nativeCrypto } from '../../../plugins/index.ts'
import { maxNoteBytes, toHex } from '../../../protocol/index.ts'
import { growingLog } from '../../helpers/test-log.ts'
import { openCosigned, serveWitness, startWitness } from '../../helpers/witnessing.ts'

const log = growingLog('example.com/log', 20)
const logs = [log.key.verifier]
const hash = toHex(nativeCrypto.sha256(Buffer.from(log.origin)))

const post = (url: string, body: string) => fetch(`${url}/add-checkpoint`, { method: 'POST', body })

test('POST /add-checkpoint answers with what the witness says, its status and its content type', async (t) => {
  const scene = await startWitness(t, logs)
  const url = await serveWitness(t, scene)
  const cosigned = await post(url, log.request(0, 5))
  assert.equal(cosigned.status, 200)
  assert.match(cosigned.headers.get('content-type') ?? '', /^text\/plain/)
  assert.equal(scene.verified(await cosigned.text(), log.checkpoint(5)).length, 1)
  const conflict = await post(url, log.request(0, 6))
  assert.deepEqual(
    [conflict.status, conflict.headers.get('content-type'), await conflict.text()],
    [409, 'text/x.tlog.size', '5\n'],
  )
  assert.equal((await post(url, log.request(9, 6))).status, 400)
  assert.equal((await post(url, growingLog('example.com/log', 9, 2).request(0, 6))).status, 403)
  assert.equal((await post(url, growingLog('example.com/other', 9).request(0, 6))).status, 404)
})

test('GET /<hash of the origin>/checkpoint answers with the checkpoint that was cosigned last', async (t) => {
  const scene = await startWitness(t, logs)
  const url = await serveWitness(t, scene)
  assert.equal((await fetch(`${url}/${hash}/checkpoint`)).status, 404)
  await post(url, log.request(0, 5))
  const response = await fetch(`${url}/${hash}/checkpoint`)
  assert.equal(response.status, 200)
  assert.equal(openCosigned(await response.text(), log.key.verifier, scene.verifier).treeSize, 5n)
  assert.equal((await fetch(`${url}/${'0'.repeat(64)}/checkpoint`)).status, 404)
})

test('there is nothing else: other paths are 404, other methods 405', async (t) => {
  const url = await serveWitness(t, await startWitness(t, logs))
  for (const path of ['/', '/checkpoint', `/${hash}`, `/${hash.toUpperCase()}/checkpoint`, '/add-checkpoint/']) {
    assert.equal((await fetch(url + path)).status, 404, path)
  }
  const get = await fetch(`${url}/add-checkpoint`)
  assert.deepEqual([get.status, get.headers.get('allow')], [405, 'POST'])
  const put = await fetch(`${url}/${hash}/checkpoint`, { method: 'PUT', body: 'x' })
  assert.deepEqual([put.status, put.headers.get('allow')], [405, 'GET, HEAD'])
})

test('a larger body than any checkpoint has is refused, whether its length is said before or not', async (t) => {
  const url = await serveWitness(t, await startWitness(t, logs))
  const body = 'x'.repeat(maxNoteBytes + 1)
  assert.equal((await post(url, body)).status, 413)
  const chunked = await new Promise<number | undefined>((resolve, reject) => {
    const request = httpRequest(`${url}/add-checkpoint`, { method: 'POST' }, ({ statusCode }) => resolve(statusCode))
    request.on('error', reject)
    request.write(body.slice(0, 1000))
    request.write(body)
  })
  assert.equal(chunked, 413)
  assert.equal((await post(url, log.request(0, 5))).status, 200)
})

test('when the store has failed the answer is 500, and the error is reported and not told', async (t) => {
  const state = {
    readNote: () => Promise.reject(new Error('a secret of the disk')),
    writeNote: () => Promise.resolve(),
    close: () => Promise.resolve(),
  }
  const errors: unknown[] = []
  const scene = await startWitness(t, logs, { state })
  const url = await serveWitness(t, scene, (error) => errors.push(error))
  const response = await post(url, log.request(0, 5))
  assert.deepEqual([response.status, await response.text()], [500, 'error\n'])
  assert.equal(errors.length, 1)
})
