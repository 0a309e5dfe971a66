import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AddressCounts } from '../../../broker/listeners/index.ts'
import {
  closed,
  createCertificates,
  openTcp,
  openTestListener,
  openTls,
  openWebSocket,
  receive,
  until,
} from './support.ts'

describe('maxConnections', () => {
  test('closes what comes on top at once, and lets others in when one has gone', async (t) => {
    const { port, listener, notices } = await openTestListener(t, { maxConnections: 3 })
    const three = await Promise.all([openTcp(t, port), openTcp(t, port), openTcp(t, port)])
    await until(() => listener.counters.accepted === 3)
    const fourth = await openTcp(t, port)
    await closed(fourth)
    assert.equal(listener.counters.refusedTotal, 1)
    assert.match(notices[0] ?? '', /^Client connection from 127\.0\.0\.1:\d+ denied: max_connections exceeded\.$/)
    three[0]?.destroy()
    // The broker may hear of it later than we do.
    for (;;) {
      const next = await openTcp(t, port)
      next.write('x')
      const isServed = await receive(next, 1).then(
        () => true,
        () => false,
      )
      if (isServed) break
    }
    assert.ok(three.slice(1).every((socket) => !socket.destroyed))
  })

  test('is one listener’s own', async (t) => {
    const full = await openTestListener(t, { maxConnections: 1 })
    const other = await openTestListener(t)
    await openTcp(t, full.port)
    await until(() => full.listener.counters.accepted === 1)
    await closed(await openTcp(t, full.port))
    const socket = await openTcp(t, other.port)
    socket.write('x')
    await receive(socket, 1)
  })
})

describe('maxConnectionsPerAddress', () => {
  test('counts over all listeners, by address, whatever carries the bytes', async (t) => {
    const addresses = new AddressCounts(() => 2)
    const { authority, server } = await createCertificates(t)
    const tcp = await openTestListener(t, {}, { addresses, onAllAddresses: true })
    const ws = await openTestListener(t, { protocol: 'websockets' }, { addresses })
    const tls = await openTestListener(
      t,
      { tls: { certFile: server.certFile, keyFile: server.keyFile } },
      { addresses },
    )
    await openTcp(t, tcp.port)
    const webSocket = await openWebSocket(t, `ws://127.0.0.1:${ws.port}`)
    await assert.rejects(openTls(t, tls.port, { ca: authority.cert }))
    assert.equal(tls.listener.counters.refusedAddress, 1)
    const elsewhere = await openTcp(t, tcp.port, '::1')
    elsewhere.write('x')
    await receive(elsewhere, 1)
    webSocket.terminate()
    let socket: Awaited<ReturnType<typeof openTls>> | undefined
    while (socket === undefined) socket = await openTls(t, tls.port, { ca: authority.cert }).catch(() => undefined)
    socket.write('x')
    await receive(socket, 1)
  })
})

test('connectRate takes a burst, closes the rest at once and says so in few lines', async (t) => {
  // One per second in the long run: on the slowest machine fewer than a hundred come back in before the test is over.
  const { port, listener, notices } = await openTestListener(t, { connectRate: { perSecond: 1, burst: 20 } })
  const sockets = await Promise.all(Array.from({ length: 200 }, () => openTcp(t, port)))
  const { counters } = listener
  await until(() => counters.accepted + counters.refusedRate === sockets.length)
  assert.ok(counters.accepted >= 20 && counters.accepted < 120, `${counters.accepted} were let in`)
  await Promise.race(sockets.map(closed))
  assert.ok(notices.length >= 1 && notices.length < 100, `${notices.length} lines`)
  assert.match(notices[0] ?? '', /denied: notary_connect_rate exceeded\.$/)
})

test('nothing is limited unless asked for: a thousand clients of one address come at once', async (t) => {
  const { port, listener } = await openTestListener(t)
  const sockets = await Promise.all(Array.from({ length: 1000 }, () => openTcp(t, port)))
  await until(() => listener.counters.accepted === sockets.length)
  for (const socket of sockets) socket.write('x')
  await Promise.all(sockets.map((socket) => receive(socket, 1)))
})

describe('the connect timeout', () => {
  const settings = { connectTimeoutMs: 200, accept: () => {} }

  test('ends connections that never send a CONNECT, of every kind', async (t) => {
    const { authority, server } = await createCertificates(t)
    const tls = { certFile: server.certFile, keyFile: server.keyFile }
    const tcpListener = await openTestListener(t, {}, settings)
    const tlsListener = await openTestListener(t, { tls }, settings)
    const wsListener = await openTestListener(t, { protocol: 'websockets' }, settings)
    const tcp = await openTcp(t, tcpListener.port)
    const overTls = await openTls(t, tlsListener.port, { ca: authority.cert })
    const webSocket = await openWebSocket(t, `ws://127.0.0.1:${wsListener.port}`)
    const gone = new Promise((resolve) => webSocket.once('close', resolve))
    await Promise.all([closed(tcp), closed(overTls), gone])
    for (const { listener, notices } of [tcpListener, tlsListener, wsListener]) {
      assert.equal(listener.counters.silent, 1)
      assert.match(notices[0] ?? '', /no CONNECT in time/)
    }
  })

  test('ends with the CONNECT', async (t) => {
    const { port, listener } = await openTestListener(t, {}, { connectTimeoutMs: 50 })
    const quiet = await openTcp(t, port)
    await until(() => listener.counters.accepted === 1)
    const silent = await openTestListener(t, {}, settings)
    // What began later and was never connected is gone: so would this be.
    await closed(await openTcp(t, silent.port))
    quiet.write('x')
    await receive(quiet, 1)
    assert.equal(listener.counters.silent, 0)
  })
})

describe('the handshake timeout', () => {
  test('ends TLS and WebSocket connections that dawdle', async (t) => {
    const { server } = await createCertificates(t)
    const tls = { certFile: server.certFile, keyFile: server.keyFile }
    const settings = { handshakeTimeoutMs: 200 }
    const tlsListener = await openTestListener(t, { tls }, settings)
    const wsListener = await openTestListener(t, { protocol: 'websockets' }, settings)
    const dawdlers = await Promise.all([
      openTcp(t, tlsListener.port),
      openTcp(t, tlsListener.port),
      openTcp(t, wsListener.port),
      openTcp(t, wsListener.port),
      openTcp(t, wsListener.port),
    ])
    const [, halfHello, halfRequest, slowHeaders, slowBody] = dawdlers
    halfHello?.write(Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]))
    halfRequest?.write('GET / HTTP/1.1\r\nHo')
    slowHeaders?.write('GET / HTTP/1.1\r\n')
    slowBody?.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n')
    const drip = setInterval(() => {
      slowHeaders?.write('x: y\r\n')
      slowBody?.write('z')
    }, 20)
    t.after(() => clearInterval(drip))
    await Promise.all(dawdlers.map(closed))
    assert.equal(tlsListener.listener.counters.failedHandshakes, 2)
    assert.equal(wsListener.listener.counters.failedHandshakes, 3)
    assert.equal(tlsListener.accepted.length + wsListener.accepted.length, 0)
  })

  test('does not concern a connection that is ready', async (t) => {
    const { port, listener } = await openTestListener(t, { protocol: 'websockets' }, { handshakeTimeoutMs: 1000 })
    const webSocket = await openWebSocket(t, `ws://127.0.0.1:${port}`)
    const dawdler = await openTcp(t, port)
    await closed(dawdler)
    assert.equal(listener.counters.failedHandshakes, 1)
    const back = new Promise((resolve) => webSocket.once('message', resolve))
    webSocket.send(Buffer.from('x'))
    await back
  })
})
