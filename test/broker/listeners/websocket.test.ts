import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import type { Socket } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { WebSocket } from 'ws'
import type { ListenerOptions, Transport } from '../../../broker/listeners/index.ts'
import {
  closeCode,
  closed,
  openTcp,
  openTestListener,
  openWebSocket,
  type TestListenerSettings,
  until,
} from './support.ts'

function openWebSockets(t: TestContext, options: Partial<ListenerOptions> = {}, settings: TestListenerSettings = {}) {
  return openTestListener(t, { protocol: 'websockets', ...options }, settings)
}

const upgradeHeaders = {
  host: '127.0.0.1',
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-protocol': 'mqtt',
} as const

const opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** A frame of a client, with a mask of zeros; payloads of up to 65,535 bytes. */
function frame(code: keyof typeof opcode, payload: Uint8Array, isLast = true): Buffer {
  const first = (isLast ? 0x80 : 0) | opcode[code]
  const length =
    payload.length < 126 ? [0x80 | payload.length] : [0x80 | 126, payload.length >> 8, payload.length & 0xff]
  return Buffer.concat([Buffer.from([first, ...length, 0, 0, 0, 0]), payload])
}

/** A raw connection that has been upgraded, so that a test can send frames byte by byte. */
async function upgraded(t: TestContext, port: number): Promise<Socket> {
  const socket = await openTcp(t, port)
  const lines = Object.entries(upgradeHeaders).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`GET / HTTP/1.1\r\n${lines.join('')}\r\n`)
  const [answer] = (await once(socket, 'data')) as [Buffer]
  assert.match(answer.toString(), /^HTTP\/1\.1 101 /)
  return socket
}

/** The status that a request is answered with; undefined when the connection just ends. */
function statusOf(
  port: number,
  headers: Readonly<Record<string, string>>,
  { path = '/', method = 'GET' } = {},
): Promise<number | undefined> {
  return new Promise((resolve) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false })
    sent.on('response', (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    sent.on('upgrade', (response, socket) => {
      socket.destroy()
      resolve(response.statusCode)
    })
    sent.on('error', () => resolve(undefined))
    sent.end()
  })
}

/** Takes a connection and leaves it to the test. */
const keep = (_transport: Transport, arrival: { connected(): void }) => arrival.connected()

describe('the upgrade', () => {
  test('chooses mqtt, or mqttv3.1 where that alone is offered, on any path', async (t) => {
    const { port } = await openWebSockets(t)
    const chosen = async (path: string, protocols: string[]) =>
      (await openWebSocket(t, `ws://127.0.0.1:${port}${path}`, {}, protocols)).protocol
    assert.equal(await chosen('/', ['mqtt']), 'mqtt')
    assert.equal(await chosen('/mqtt', ['mqttv3.1']), 'mqttv3.1')
    assert.equal(await chosen('/any/where?x=y', ['mqttv3.1', 'mqtt']), 'mqtt')
    assert.equal(await chosen('/', ['foo', 'mqtt']), 'mqtt')
  })

  test('offers no compression', async (t) => {
    const { port } = await openWebSockets(t)
    const webSocket = await openWebSocket(t, `ws://127.0.0.1:${port}`, { perMessageDeflate: true })
    assert.equal(webSocket.extensions, '')
  })

  const { 'sec-websocket-protocol': _, ...withoutProtocol } = upgradeHeaders
  const refused: Record<string, [Readonly<Record<string, string>>, number]> = {
    'without a sub-protocol': [withoutProtocol, 400],
    'with other sub-protocols only': [{ ...upgradeHeaders, 'sec-websocket-protocol': 'mqtts, MQTT' }, 400],
    'with a malformed list of sub-protocols': [{ ...upgradeHeaders, 'sec-websocket-protocol': ',,mqtt' }, 400],
    'with a short key': [{ ...upgradeHeaders, 'sec-websocket-key': 'short' }, 400],
    'of version 1': [{ ...upgradeHeaders, 'sec-websocket-version': '1' }, 400],
    'to something else': [{ ...upgradeHeaders, upgrade: 'h2c' }, 400],
    'of a page': [{ ...upgradeHeaders, origin: 'https://example.com' }, 403],
    'with 2,000 headers before its own (CVE-2024-37890)': [
      { ...Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`x${i}`, 'y'])), ...upgradeHeaders },
      400,
    ],
    'with a header of 20 kB': [{ ...upgradeHeaders, x: 'y'.repeat(20_000) }, 431],
  }
  for (const [what, [headers, status]] of Object.entries(refused)) {
    test(`${what} is refused with ${status}`, async (t) => {
      const { port, accepted } = await openWebSockets(t)
      assert.equal(await statusOf(port, headers), status)
      assert.equal(accepted.length, 0)
      assert.equal(await statusOf(port, upgradeHeaders), 101)
    })
  }

  test('of a page of this machine is accepted where the listener says so', async (t) => {
    const { port } = await openWebSockets(t, { allowedOrigins: 'localhost' })
    const statusFor = (origin: string) => statusOf(port, { ...upgradeHeaders, origin })
    assert.equal(await statusFor('http://localhost:8080'), 101)
    assert.equal(await statusFor('https://[::1]'), 101)
    assert.equal(await statusFor('https://localhost.example.com'), 403)
    assert.equal(await statusFor('null'), 403)
  })

  test('of a page is accepted where its origin is listed, character by character', async (t) => {
    const { port } = await openWebSockets(t, { allowedOrigins: ['https://panel.example', 'http://10.0.0.7:8080'] })
    const statusFor = (origin: string) => statusOf(port, { ...upgradeHeaders, origin })
    assert.equal(await statusFor('https://panel.example'), 101)
    assert.equal(await statusFor('http://10.0.0.7:8080'), 101)
    assert.equal(await statusOf(port, upgradeHeaders), 101, 'what is no page sends no origin')
    const others = [
      'https://panel.example.com',
      'https://panel',
      'http://panel.example',
      'HTTPS://PANEL.EXAMPLE',
      'null',
    ]
    for (const origin of [...others, 'https://panel.example:443', 'https://panel.example/', 'http://10.0.0.7']) {
      assert.equal(await statusFor(origin), 403, origin)
    }
  })

  test('of any page is accepted where the listener says so, and of none where its list is empty', async (t) => {
    const origin = 'https://example.com'
    const any = await openWebSockets(t, { allowedOrigins: 'any' })
    assert.equal(await statusOf(any.port, { ...upgradeHeaders, origin }), 101)
    const none = await openWebSockets(t, { allowedOrigins: [] })
    assert.equal(await statusOf(none.port, { ...upgradeHeaders, origin }), 403)
  })

  test('is what plain HTTP requests are told to ask for, and their connection ends', async (t) => {
    const { port } = await openWebSockets(t)
    assert.equal(await statusOf(port, {}), 426)
    assert.equal(await statusOf(port, {}, { path: '/../../etc/passwd' }), 426)
    assert.equal(await statusOf(port, {}, { method: 'POST' }), 426)
    const socket = await openTcp(t, port)
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await closed(socket)
  })
})

describe('messages', () => {
  test('bytes may be cut into frames anywhere, and several packets may share one [MQTT-5.0 6.0.0-2]', async (t) => {
    const { port } = await openWebSockets(t)
    const socket = await upgraded(t, port)
    const bytes = Buffer.from('one message in frames of one byte')
    const frames = [...bytes].map((byte, i) =>
      frame(i === 0 ? 'binary' : 'continuation', Buffer.from([byte]), i === bytes.length - 1),
    )
    // Byte by byte on the wire as well.
    for (const byte of Buffer.concat([...frames, frame('binary', Buffer.from('and another'))])) {
      socket.write(Buffer.from([byte]))
    }
    const expected = Buffer.concat([
      Buffer.from([0x82, bytes.length]),
      bytes,
      Buffer.from([0x82, 'and another'.length]),
      Buffer.from('and another'),
    ])
    let received = Buffer.alloc(0)
    while (received.length < expected.length) {
      received = Buffer.concat([received, ((await once(socket, 'data')) as [Buffer])[0]])
    }
    assert.deepEqual(received, expected)
  })

  test('one write is one binary message', async (t) => {
    const { port } = await openWebSockets(
      t,
      {},
      {
        accept: (transport, arrival) => {
          arrival.connected()
          for (const text of ['a', 'b', 'c']) transport.write(Buffer.from(text))
          transport.end()
        },
      },
    )
    const webSocket = new WebSocket(`ws://127.0.0.1:${port}`, 'mqtt')
    const received: unknown[] = []
    webSocket.on('message', (data: Buffer, isBinary) => received.push([data.toString(), isBinary]))
    assert.equal(await closeCode(webSocket), 1000)
    assert.deepEqual(received, [
      ['a', true],
      ['b', true],
      ['c', true],
    ])
  })

  test('a text message ends the connection with 1003, and nothing of it or after it is read', async (t) => {
    const chunks: Buffer[] = []
    const { port } = await openWebSockets(
      t,
      {},
      {
        accept: (transport, arrival) => {
          keep(transport, arrival)
          transport.onData((chunk) => chunks.push(chunk))
        },
      },
    )
    const webSocket = await openWebSocket(t, `ws://127.0.0.1:${port}`)
    webSocket.send(Buffer.from('first'))
    webSocket.send('text')
    webSocket.send(Buffer.from('later'))
    assert.equal(await closeCode(webSocket), 1003)
    assert.equal(Buffer.concat(chunks).toString(), 'first')
  })

  test('a message that is too large ends the connection with 1009', async (t) => {
    const { port } = await openWebSockets(t, {}, { maxMessageBytes: 1000 })
    const webSocket = await openWebSocket(t, `ws://127.0.0.1:${port}`)
    const back = once(webSocket, 'message')
    webSocket.send(Buffer.alloc(1000))
    assert.equal(((await back) as [Buffer])[0].length, 1000)
    webSocket.send(Buffer.alloc(1001))
    assert.equal(await closeCode(webSocket), 1009)
    const inFragments = await upgraded(t, port)
    for (let i = 0; i < 3; i++) inFragments.write(frame(i === 0 ? 'binary' : 'continuation', Buffer.alloc(400), false))
    await closed(inFragments)
  })

  const malformed: Record<string, Buffer> = {
    'a frame without a mask': Buffer.from([0x82, 1, 7]),
    'a reserved bit': Buffer.from([0xc2, 0x81, 0, 0, 0, 0, 7]),
    'an unknown opcode': Buffer.from([0x83, 0x81, 0, 0, 0, 0, 7]),
    'a continuation of nothing': frame('continuation', Buffer.from('x')),
    'a length of 2^63': Buffer.from([0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    'a ping of 126 bytes': frame('ping', Buffer.alloc(126)),
    'a close frame of one byte': frame('close', Buffer.from([3])),
    'a close code that may not be sent': frame('close', Buffer.from([3, 0xed])),
    'a text frame that is not UTF-8': frame('text', Buffer.from([0xff])),
  }
  for (const [what, bytes] of Object.entries(malformed)) {
    test(`${what} ends its connection and no other`, async (t) => {
      const { port } = await openWebSockets(t)
      const bystander = await openWebSocket(t, `ws://127.0.0.1:${port}`)
      const socket = await upgraded(t, port)
      socket.end(bytes)
      await closed(socket)
      const back = once(bystander, 'message')
      bystander.send(Buffer.from('x'))
      await back
    })
  }

  test('what comes before the CONNECT is limited to 1 MiB, whatever the frames say', async (t) => {
    const { port, accepted } = await openWebSockets(t, {}, { accept: () => {} })
    const webSocket = await openWebSocket(t, `ws://127.0.0.1:${port}`)
    webSocket.send(Buffer.alloc(2 * 1024 * 1024))
    assert.equal(await closeCode(webSocket), 1006)
    accepted[0]?.arrival.connected()
    const connected = await openWebSocket(t, `ws://127.0.0.1:${port}`)
    accepted[1]?.arrival.connected()
    connected.send(Buffer.alloc(2 * 1024 * 1024), () => connected.close())
    assert.equal(await closeCode(connected), 1005)
  })

  test('pings are answered, but not to a peer that does not read', async (t) => {
    const { port, accepted } = await openWebSockets(t, {}, { accept: keep })
    const webSocket = await openWebSocket(t, `ws://127.0.0.1:${port}`)
    const pong = once(webSocket, 'pong')
    webSocket.ping('are you there')
    assert.equal(String((await pong)[0]), 'are you there')

    const deaf = await upgraded(t, port)
    deaf.pause()
    const ping = frame('ping', Buffer.alloc(125))
    const many = Buffer.concat(Array.from({ length: 8000 }, () => ping))
    for (let i = 0; i < 30; i++) {
      if (!deaf.write(many)) await once(deaf, 'drain')
    }
    // 30 MB of pings were taken; what waits to be sent stays small.
    const deafTransport = accepted[1]?.transport
    assert.ok(deafTransport !== undefined && deafTransport.bufferedBytes < 64 * 1024)
    deaf.destroy()
  })
})

describe('the end', () => {
  test('a close of the peer is answered and heard as an end, then as a close', async (t) => {
    const heard: string[] = []
    const { port } = await openWebSockets(
      t,
      {},
      {
        accept: (transport, arrival) => {
          keep(transport, arrival)
          transport.onEnd(() => heard.push('end'))
          transport.onClose(() => heard.push('close'))
        },
      },
    )
    const webSocket = await openWebSocket(t, `ws://127.0.0.1:${port}`)
    webSocket.close(1000)
    assert.equal(await closeCode(webSocket), 1000)
    await until(() => heard.includes('close'))
    assert.deepEqual(heard, ['end', 'close'])
  })

  test('a connection that is cut is heard as a close alone, once', async (t) => {
    const heard: string[] = []
    const { port, accepted } = await openWebSockets(
      t,
      {},
      {
        accept: (transport, arrival) => {
          keep(transport, arrival)
          transport.onError(() => heard.push('error'))
          transport.onEnd(() => heard.push('end'))
          transport.onClose(() => heard.push('close'))
        },
      },
    )
    const socket = await upgraded(t, port)
    socket.resetAndDestroy()
    await until(() => heard.includes('close'))
    accepted[0]?.transport.destroy()
    accepted[0]?.transport.end()
    assert.equal(accepted[0]?.transport.write(Buffer.from('x')), false)
    assert.deepEqual(
      heard.filter((what) => what !== 'error'),
      ['close'],
    )
  })
})
