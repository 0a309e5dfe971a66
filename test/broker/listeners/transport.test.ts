import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import type { WebSocket } from 'ws'
import type { ListenerOptions, Transport, TransportKind } from '../../../broker/listeners/index.ts'
import { closed, createCertificates, openTcp, openTestListener, openTls, openWebSocket, until } from './support.ts'

const kinds: readonly TransportKind[] = ['tcp', 'tls', 'ws', 'wss']

interface Pair {
  readonly transport: Transport
  /** The peer: its socket, and the WebSocket over it where there is one. */
  readonly socket: Socket
  readonly send: (bytes: Buffer) => void
  readonly heard: string[]
}

/** A transport and its peer, over real sockets. */
async function openPair(t: TestContext, kind: TransportKind): Promise<Pair> {
  const { authority, server } = await createCertificates(t)
  const isTls = kind === 'tls' || kind === 'wss'
  const options: Partial<ListenerOptions> = {
    protocol: kind.startsWith('ws') ? 'websockets' : 'mqtt',
    ...(isTls ? { tls: { certFile: server.certFile, keyFile: server.keyFile } } : undefined),
  }
  const heard: string[] = []
  const { port, accepted } = await openTestListener(t, options, {
    accept: (transport, arrival) => {
      arrival.connected()
      transport.onData((chunk) => heard.push(chunk.toString().slice(0, 20)))
      transport.onEnd(() => heard.push('end'))
      transport.onClose(() => heard.push('close'))
      transport.onDrain(() => heard.push('drain'))
    },
  })
  const ca = authority.cert
  let socket: Socket
  let send: (bytes: Buffer) => void
  if (kind === 'tcp' || kind === 'tls') {
    socket = kind === 'tcp' ? await openTcp(t, port) : await openTls(t, port, { ca })
    send = (bytes) => socket.write(bytes)
  } else {
    const webSocket = await openWebSocket(t, `${kind}://127.0.0.1:${port}`, isTls ? { ca } : {})
    socket = socketOf(webSocket)
    send = (bytes) => webSocket.send(bytes)
  }
  await until(() => accepted.length === 1)
  const transport = accepted[0]?.transport
  assert.ok(transport)
  return { transport, socket, send, heard }
}

/** What a client's WebSocket runs over, so that a test can stop reading it. */
function socketOf(webSocket: WebSocket): Socket {
  return (webSocket as unknown as { _socket: Socket })._socket
}

for (const kind of kinds) {
  describe(`a ${kind} transport`, () => {
    test('says when the system does not keep up, and when it does again', async (t) => {
      const { transport, socket, heard } = await openPair(t, kind)
      socket.pause()
      // The system itself takes some MB before it stops.
      for (let written = 0; ; written++) {
        const goOn = transport.write(Buffer.alloc(64 * 1024))
        await new Promise((resolve) => setTimeout(resolve, 1))
        if (transport.bufferedBytes > 0 && !goOn) break
        assert.ok(written < 1000, 'a peer that does not read makes itself felt')
      }
      heard.length = 0
      socket.resume()
      await until(() => heard.includes('drain'))
      assert.equal(transport.bufferedBytes, 0)
    })

    test('reads nothing while it is paused, and everything after that', async (t) => {
      const { transport, send, heard, socket } = await openPair(t, kind)
      transport.pause()
      // More than the system takes on behalf of somebody who does not read.
      const chunk = Buffer.alloc(1024 * 1024, 'x')
      for (let i = 0; i < 16; i++) send(chunk)
      await until(() => socket.writableLength > 0)
      const before = socket.writableLength
      for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 5))
      assert.ok(socket.writableLength > 0 && before > 0)
      assert.ok(heard.length <= 1, 'one chunk may have been on its way')
      transport.resume()
      await until(() => socket.writableLength === 0)
      assert.ok(heard.length > 1)
    })

    test('sends what was written before its end', async (t) => {
      const { transport, socket } = await openPair(t, kind)
      let received = 0
      socket.on('data', (chunk: Buffer) => {
        received += chunk.length
      })
      for (let i = 0; i < 20; i++) transport.write(Buffer.alloc(100_000))
      transport.end()
      await closed(socket)
      assert.ok(received >= 2_000_000, `${received} bytes came`)
    })

    test('tells everybody who asked', async (t) => {
      const { transport, send, heard, socket } = await openPair(t, kind)
      const also: string[] = []
      transport.onData((chunk) => also.push(chunk.toString()))
      transport.onEnd(() => also.push('end'))
      transport.onClose(() => also.push('close'))
      send(Buffer.from('hello'))
      await until(() => also.includes('hello'))
      socket.destroy()
      await until(() => also.includes('close'))
      assert.deepEqual(also, heard)
    })

    test('is heard to close exactly once, and takes any call after that', async (t) => {
      const { transport, heard, socket } = await openPair(t, kind)
      transport.destroy()
      await closed(socket)
      await until(() => heard.includes('close'))
      transport.end()
      transport.destroy()
      transport.pause()
      transport.resume()
      assert.equal(transport.write(Buffer.from('x')), false)
      await new Promise((resolve) => setImmediate(resolve))
      assert.deepEqual(
        heard.filter((what) => what === 'close'),
        ['close'],
      )
    })
  })
}

// They take as long as a peer is given; so all at once.
test('no transport waits for ever for a peer that neither reads nor ends', async (t) => {
  await Promise.all(
    kinds.map(async (kind) => {
      const { transport, socket, heard } = await openPair(t, kind)
      socket.pause()
      writeMoreThanIsTaken(transport)
      transport.end()
      await until(() => heard.includes('close'))
    }),
  )
})

test('every transport closes by itself when the peer has ended, even one that reads nothing any more', async (t) => {
  await Promise.all(
    kinds.map(async (kind) => {
      const { transport, socket, heard } = await openPair(t, kind)
      socket.pause()
      writeMoreThanIsTaken(transport)
      socket.end()
      await until(() => heard.includes('close'))
      assert.equal(transport.write(Buffer.from('x')), false)
    }),
  )
})

/** So much that it cannot all be on its way. */
function writeMoreThanIsTaken(transport: Transport): void {
  for (let i = 0; i < 40; i++) transport.write(Buffer.alloc(1024 * 1024))
}
