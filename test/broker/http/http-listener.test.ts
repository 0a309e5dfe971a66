import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { BrokerError } from '../../../broker/errors.ts'
import { answer, type HttpListenerOptions, openHttpListener, type ReadinessSource } from '../../../broker/http/index.ts'
import { atEnd } from '../../helpers/cleanup.ts'

const well: ReadinessSource = { isOutage: false, isDiskFull: false, isClosing: false }

async function setUp(t: TestContext, options: Partial<HttpListenerOptions> = {}) {
  const scene = {
    readiness: well,
    errors: [] as unknown[],
    text: async () => 'notarymq_sockets_total 1\n',
  }
  const source = {
    metrics: { contentType: 'text/plain; version=0.0.4; charset=utf-8', text: () => scene.text(), close: () => {} },
    readiness: () => scene.readiness,
  }
  const listener = await openHttpListener(
    'notary_http',
    { port: 0, ...options },
    {
      answer: (method, target) => answer(source, method, target),
      onError: (error) => scene.errors.push(error),
    },
  )
  atEnd(t, () => listener.close())
  return { scene, listener }
}

/** Sends bytes as they are. @returns everything that came until the other side ended */
async function exchange(port: number, request: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port })
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => {
    // A reset after the answer is an end too.
  })
  socket.write(request)
  await once(socket, 'close')
  return Buffer.concat(chunks).toString('latin1')
}

const expected = () => {
  // A reset is one way to end a connection.
}

const statusOf = (answer: string) => /^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]
const get = (port: number, path: string, method = 'GET') =>
  exchange(port, `${method} ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)

test('GET /metrics answers with the text of the metrics and its content type', async (t) => {
  const { listener } = await setUp(t)
  const response = await fetch(`${listener.url}/metrics?name[]=x`)
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  assert.equal(response.headers.get('cache-control'), 'no-store')
  assert.equal(await response.text(), 'notarymq_sockets_total 1\n')
})

test('/healthz says that the process lives, also when the broker is not ready', async (t) => {
  const { scene, listener } = await setUp(t)
  scene.readiness = { isOutage: true, isDiskFull: true, isClosing: true }
  const response = await fetch(`${listener.url}/healthz`)
  assert.equal(response.status, 200)
  assert.deepEqual(await response.json(), { status: 'ok' })
})

for (const [reason, readiness] of [
  ['store-outage', { ...well, isOutage: true }],
  ['disk-full', { ...well, isDiskFull: true }],
  ['closing', { ...well, isClosing: true }],
] as const) {
  test(`/readyz is 503 with the reason ${reason}, and 200 when that is over`, async (t) => {
    const { scene, listener } = await setUp(t)
    scene.readiness = readiness
    const notReady = await fetch(`${listener.url}/readyz`)
    assert.equal(notReady.status, 503)
    assert.deepEqual(await notReady.json(), { status: 'not-ready', reasons: [reason] })
    scene.readiness = well
    const ready = await fetch(`${listener.url}/readyz`)
    assert.equal(ready.status, 200)
    assert.deepEqual(await ready.json(), { status: 'ready' })
  })
}

test('HEAD answers as GET does, without the body', async (t) => {
  const { scene, listener } = await setUp(t)
  scene.readiness = { ...well, isOutage: true }
  for (const path of ['/metrics', '/healthz', '/readyz']) {
    const [head, whole] = [await get(listener.port, path, 'HEAD'), await get(listener.port, path)]
    assert.equal(statusOf(head), statusOf(whole))
    assert.ok(head.endsWith('\r\n\r\n'))
    assert.equal(/content-length: \d+/.exec(head)?.[0], /content-length: \d+/.exec(whole)?.[0])
  }
})

test('there is nothing else: other paths are 404, other methods 405 with what is allowed', async (t) => {
  const { listener } = await setUp(t)
  const elsewhere = ['/', '/metrics/', '/METRICS', '//metrics', '/%6detrics', '/../metrics', '/metrics/..', '/debug']
  for (const path of [...elsewhere, '*', 'http://x/metrics', '/toString', '/__proto__']) {
    assert.equal(statusOf(await get(listener.port, path)), '404', path)
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH']) {
    const answer = await get(listener.port, '/metrics', method)
    assert.equal(statusOf(answer), '405', method)
    assert.match(answer, /\r\nallow: GET, HEAD\r\n/)
  }
})

test('a request with a body, headers that are too long or bytes that are not HTTP are refused and the connection ends', async (t) => {
  const { listener } = await setUp(t)
  const { port } = listener
  assert.equal(statusOf(await exchange(port, 'GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n')), '413')
  const chunked = 'GET /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n'
  assert.equal(statusOf(await exchange(port, chunked)), '413')
  const long = `GET /healthz HTTP/1.1\r\nHost: x\r\nCookie: ${'c'.repeat(9000)}\r\n\r\n`
  assert.equal(statusOf(await exchange(port, long)), '431')
  assert.equal(statusOf(await exchange(port, `GET /${'x'.repeat(9000)} HTTP/1.1\r\nHost: x\r\n\r\n`)), '431')
  assert.equal(statusOf(await exchange(port, '\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01a\r\n\r\n')), '400')
})

test('a connection is for one request: it ends after the answer, whatever the client asks for', async (t) => {
  const { listener } = await setUp(t)
  const request = 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n'
  const answer = await exchange(listener.port, request.repeat(50))
  assert.equal(answer.match(/"status":"ok"/g)?.length, 1)
  assert.match(answer, /\r\nconnection: close\r\n/i)
})

test('metrics that cannot be collected are a 500 that says nothing, and the error is told of', async (t) => {
  const { scene, listener } = await setUp(t)
  const failure = new Error('where and why')
  scene.text = async () => {
    throw failure
  }
  const response = await fetch(`${listener.url}/metrics`)
  assert.equal(response.status, 500)
  assert.deepEqual(await response.json(), { status: 'error' })
  assert.deepEqual(scene.errors, [failure])
})

test('without an address it is the loopback one', async (t) => {
  const { listener } = await setUp(t)
  assert.equal(listener.url, `http://127.0.0.1:${listener.port}`)
})

test('a port in use is ERR_LISTEN_FAILED', async (t) => {
  const { listener } = await setUp(t)
  const isListenFailed = (error: unknown) => error instanceof BrokerError && error.code === 'ERR_LISTEN_FAILED'
  await assert.rejects(setUp(t, { port: listener.port }), isListenFailed)
})

test('closing ends connections in any state and frees the port, and may be done twice', async (t) => {
  const { listener } = await setUp(t)
  const silent = connect({ host: '127.0.0.1', port: listener.port })
  silent.on('error', expected)
  await once(silent, 'connect')
  const half = connect({ host: '127.0.0.1', port: listener.port })
  half.on('error', expected)
  half.write('GET /healthz HT')
  await once(half, 'connect')
  // A reset is an end too.
  const ends = [silent, half].map((socket) => new Promise((resolve) => socket.on('close', resolve)))
  await Promise.all([listener.close(), listener.close()])
  await Promise.all(ends)
  const again = await setUp(t, { port: listener.port })
  assert.equal(again.listener.port, listener.port)
})
