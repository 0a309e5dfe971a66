import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { ListenerOptions } from '../../../broker/listeners/index.ts'
import { TestAuthority } from '../../helpers/certificates.ts'
import { connectPacket } from '../../helpers/mqtt-bytes.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import {
  closed,
  createCertificates,
  openTcp,
  openTestListener,
  openTls,
  openWebSocket,
  receive,
  type TestCertificates,
  until,
} from './support.ts'
import { isServed } from './tls-support.ts'

const dayMs = 86_400_000

function mutual({ server, authority }: TestCertificates): Partial<ListenerOptions> {
  const { certFile, keyFile } = server
  return { tls: { certFile, keyFile, caFile: authority.caFile, requireCertificate: true } }
}

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  describe(`a listener that requires certificates, with ${maxVersion}`, () => {
    test('serves a client that has one of its CA, and hands the certificate over', async (t) => {
      const certificates = await createCertificates(t)
      const { authority, client } = certificates
      const { port, accepted, listener } = await openTestListener(t, mutual(certificates))
      const { cert, key } = client
      const socket = await openTls(t, port, { ca: authority.cert, cert, key, maxVersion })
      socket.write('x')
      await receive(socket, 1)
      const tls = accepted[0]?.arrival.tls
      assert.equal(tls?.authorized, true)
      assert.equal(tls.protocol, maxVersion)
      assert.equal(tls.peerCertificate?.subject, 'CN=press-7')
      assert.equal(listener.info.name, `mqtts://127.0.0.1:${port}`)
    })

    test('refuses a client without one', async (t) => {
      const certificates = await createCertificates(t)
      const { port, accepted, notices, listener } = await openTestListener(t, mutual(certificates))
      assert.equal(await isServed(port, { ca: certificates.authority.cert, maxVersion }), false)
      assert.equal(accepted.length, 0)
      assert.equal(listener.counters.failedHandshakes, 1)
      assert.match(notices[0] ?? '', /^Client connection from 127\.0\.0\.1:\d+ failed: .*gave no certificate/)
    })

    test('refuses a client without one that resumes a session', async (t) => {
      const certificates = await createCertificates(t)
      const { port, accepted } = await openTestListener(t, mutual(certificates))
      const options = { host: '127.0.0.1', port, servername: 'localhost', ca: certificates.authority.cert, maxVersion }
      const first = connectTls(options)
      first.on('error', () => {
        // Being refused is what this connection is for.
      })
      const sessions: Buffer[] = []
      first.on('session', (session) => sessions.push(session))
      await closed(first)
      // Where the server never gave a session there is nothing to resume, and the second try is like the first.
      const [session] = sessions
      assert.equal(await isServed(port, { ...options, ...(session === undefined ? {} : { session }) }), false)
      assert.equal(accepted.length, 0)
    })

    test('knows a client that resumes its session by its certificate', async (t) => {
      const certificates = await createCertificates(t)
      const { cert, key } = certificates.client
      const { port, accepted } = await openTestListener(t, mutual(certificates))
      const options = { ca: certificates.authority.cert, cert, key, maxVersion }
      const first = await openTls(t, port, options)
      const session = new Promise<Buffer>((resolve) => first.once('session', resolve))
      first.write('x')
      await receive(first, 1)
      const second = await openTls(t, port, { ...options, session: first.getSession() ?? (await session) })
      second.write('x')
      await receive(second, 1)
      assert.deepEqual(
        accepted.map(({ arrival }) => [arrival.tls?.authorized, arrival.tls?.peerCertificate?.subject]),
        [
          [true, 'CN=press-7'],
          [true, 'CN=press-7'],
        ],
      )
    })

    for (const [what, why] of [
      ['of another CA', /UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT/],
      ['that has expired', /CERT_HAS_EXPIRED/],
      ['that is not valid yet', /CERT_NOT_YET_VALID/],
      ['for servers', /INVALID_PURPOSE|UNSUPPORTED_CERTIFICATE_PURPOSE|unsupported/i],
    ] as const) {
      test(`refuses a client with a certificate ${what}`, async (t) => {
        const certificates = await createCertificates(t)
        const { authority } = certificates
        const now = Date.now()
        const issue = {
          'of another CA': async () => {
            const other = await TestAuthority.create(temporaryDirectory(t), 'other CA')
            return other.issue({ name: 'press-7', use: 'client' })
          },
          'that has expired': () => {
            const dates = { notBefore: new Date(now - 2 * dayMs), notAfter: new Date(now - dayMs) }
            return authority.issue({ name: 'old', use: 'client', ...dates })
          },
          'that is not valid yet': () => {
            const dates = { notBefore: new Date(now + dayMs), notAfter: new Date(now + 2 * dayMs) }
            return authority.issue({ name: 'young', use: 'client', ...dates })
          },
          'for servers': () => authority.issue({ name: 'server too', use: 'server' }),
        }
        const { cert, key } = await issue[what]()
        const { port, accepted, notices } = await openTestListener(t, mutual(certificates))
        assert.equal(await isServed(port, { ca: authority.cert, cert, key, maxVersion }), false)
        assert.equal(accepted.length, 0)
        assert.match(notices[0] ?? '', why)
      })
    }
  })
}

test('secure WebSocket requires certificates too', async (t) => {
  const certificates = await createCertificates(t)
  const { authority, client } = certificates
  const { port, accepted } = await openTestListener(t, { protocol: 'websockets', ...mutual(certificates) })
  const url = `wss://127.0.0.1:${port}/`
  await assert.rejects(openWebSocket(t, url, { ca: authority.cert }))
  assert.equal(accepted.length, 0)
  const webSocket = await openWebSocket(t, url, { ca: authority.cert, cert: client.cert, key: client.key })
  webSocket.send('x')
  await once(webSocket, 'close')
  assert.equal(accepted[0]?.arrival.tls?.peerCertificate?.subject, 'CN=press-7')
})

test('a listener that requires none asks for none, and hands none over', async (t) => {
  const { authority, server, client } = await createCertificates(t)
  const { certFile, keyFile } = server
  const { port, accepted } = await openTestListener(t, { tls: { certFile, keyFile, caFile: authority.caFile } })
  const socket = await openTls(t, port, { ca: authority.cert, cert: client.cert, key: client.key })
  socket.write('x')
  await receive(socket, 1)
  const { authorized, peerCertificate } = accepted[0]?.arrival.tls ?? {}
  assert.deepEqual({ authorized, peerCertificate }, { authorized: false, peerCertificate: undefined })
})

test('TLS 1.1 is refused always, TLS 1.2 where the listener wants more', async (t) => {
  const { authority, server } = await createCertificates(t)
  const files = { certFile: server.certFile, keyFile: server.keyFile }
  const usual = await openTestListener(t, { tls: files })
  const strict = await openTestListener(t, { tls: { ...files, minVersion: 'TLSv1.3' } })
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
  const ca = authority.cert
  assert.equal(await isServed(usual.port, { ca, ...old }), false)
  assert.equal(await isServed(usual.port, { ca, maxVersion: 'TLSv1.2' }), true)
  assert.equal(await isServed(strict.port, { ca, maxVersion: 'TLSv1.2' }), false)
  assert.equal(await isServed(strict.port, { ca }), true)
})

test('the client may ask for any ALPN protocol or server name, or for none', async (t) => {
  const { authority, server } = await createCertificates(t)
  const { port } = await openTestListener(t, { tls: { certFile: server.certFile, keyFile: server.keyFile } })
  const ca = authority.cert
  assert.equal(await isServed(port, { ca, ALPNProtocols: ['mqtt'] }), true)
  assert.equal(await isServed(port, { ca, ALPNProtocols: ['h2', 'http/1.1'] }), true)
  assert.equal(await isServed(port, { ca, servername: '', checkServerIdentity: () => undefined }), true)
})

describe('what is not TLS, sent to a TLS port', () => {
  const cases: Record<string, Buffer | undefined> = {
    'plain MQTT': connectPacket({ clientId: 'lost' }),
    'plain HTTP': Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
    'one byte': Buffer.from('x'),
    'a handshake record that is none': Buffer.concat([Buffer.from([22, 3, 1, 0, 200]), Buffer.alloc(200, 7)]),
    'half a ClientHello': Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]),
    nothing: undefined,
  }
  for (const [what, bytes] of Object.entries(cases)) {
    test(`${what} ends its connection, with a line that names the address`, async (t) => {
      const { server, authority } = await createCertificates(t)
      const { port, accepted, notices, listener } = await openTestListener(t, {
        tls: { certFile: server.certFile, keyFile: server.keyFile },
      })
      const socket = await openTcp(t, port)
      const from = `127.0.0.1:${socket.localPort}`
      if (bytes === undefined) socket.end()
      else socket.end(bytes)
      await closed(socket)
      await until(() => notices.length > 0)
      assert.ok(notices[0]?.startsWith(`Client connection from ${from} failed: `), notices[0])
      assert.equal(accepted.length, 0)
      assert.equal(listener.counters.failedHandshakes, 1)
      assert.equal(await isServed(port, { ca: authority.cert }), true)
    })
  }
})

test('more handshakes than may run at a time wait their turn, and silent connections take no turn', async (t) => {
  const { server, authority } = await createCertificates(t)
  const { port, accepted } = await openTestListener(
    t,
    { tls: { certFile: server.certFile, keyFile: server.keyFile } },
    { maxHandshakes: 2 },
  )
  const silent = await Promise.all(Array.from({ length: 20 }, () => openTcp(t, port)))
  const clients = await Promise.all(Array.from({ length: 30 }, () => openTls(t, port, { ca: authority.cert })))
  await until(() => accepted.length === clients.length)
  assert.ok(silent.every((socket) => !socket.destroyed))
})

test('a handshake that stalls gives its turn to the next when its time is over', async (t) => {
  const { server, authority } = await createCertificates(t)
  const { port } = await openTestListener(
    t,
    { tls: { certFile: server.certFile, keyFile: server.keyFile } },
    { maxHandshakes: 1, handshakeTimeoutMs: 300 },
  )
  const stalled = await openTcp(t, port)
  stalled.write(Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]))
  await until(() => stalled.bytesWritten > 0)
  // It may come late itself when the machine is slow: then it tries again.
  while (!(await isServed(port, { ca: authority.cert }))) await until(() => stalled.destroyed)
  await closed(stalled)
})

test('a renegotiation storm of one client harms no other', async (t) => {
  const { server, authority } = await createCertificates(t)
  const { port } = await openTestListener(t, { tls: { certFile: server.certFile, keyFile: server.keyFile } })
  const stormy: TLSSocket = await openTls(t, port, { ca: authority.cert, maxVersion: 'TLSv1.2' })
  stormy.setMaxListeners(0)
  for (let round = 0; round < 10 && !stormy.destroyed; round++) {
    await new Promise<void>((resolve) => {
      stormy.once('close', () => resolve())
      if (!stormy.renegotiate({}, () => resolve())) resolve()
    })
  }
  assert.equal(await isServed(port, { ca: authority.cert }), true)
})
