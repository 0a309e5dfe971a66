import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { WebSocket } from 'ws'
import { freePort, type SpawnedBroker, spawnBroker } from '../helpers/broker.ts'
import { Bystander } from '../helpers/bystander.ts'
import { atEnd } from '../helpers/cleanup.ts'
import { connectPacket, publishPacket } from '../helpers/mqtt-bytes.ts'
import { SeededRandom } from '../helpers/random.ts'

// engine.md sections 3 (row 12) and 9: what a WebSocket port gets from scanners, broken proxies and attackers.

interface Attacked {
  readonly broker: SpawnedBroker
  readonly bystander: Bystander
  readonly webSocketPort: number
}

async function attacked(t: TestContext): Promise<Attacked> {
  const webSocketPort = await freePort()
  const broker = await spawnBroker(t, { lines: [`listener ${webSocketPort} 127.0.0.1`, 'protocol websockets'] })
  return { broker, bystander: await Bystander.of(t, broker), webSocketPort }
}

async function openSocket(t: TestContext, port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port })
  atEnd(t, () => socket.destroy())
  socket.on('error', () => {
    // Being reset is one of the answers.
  })
  await once(socket, 'connect')
  return socket
}

/** Resolves when it has ended, however it did. */
function closed(of: Socket | WebSocket): Promise<void> {
  return new Promise((resolve) => of.once('close', () => resolve()))
}

/** What a plain HTTP request is answered, or undefined when the connection just ends. */
function statusOf(
  port: number,
  headers: Readonly<Record<string, string>>,
  path = '/mqtt',
): Promise<number | undefined> {
  return new Promise((resolve) => {
    const sent = request({ host: '127.0.0.1', port, path, headers, agent: false })
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

const upgrade = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-protocol': 'mqtt',
} as const

test('an upgrade request with 2,000 headers harms nobody (CVE-2024-37890)', async (t) => {
  const { bystander, webSocketPort } = await attacked(t)
  const many = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`x${i}`, 'y']))
  assert.equal(await statusOf(webSocketPort, upgrade), 101, 'an upgrade as it should be')
  assert.equal(await statusOf(webSocketPort, { ...many, ...upgrade }), 400)
  // Node keeps the first 2,000 headers: what is left of this one is an upgrade.
  assert.equal(await statusOf(webSocketPort, { ...upgrade, ...many }), 101)
  await bystander.assertUnharmed('2,000 headers')
})

test('a plain HTTP request is told to upgrade, a malformed one is refused', async (t) => {
  const { bystander, webSocketPort } = await attacked(t)
  assert.equal(await statusOf(webSocketPort, {}), 426)
  assert.equal(await statusOf(webSocketPort, {}, '/../../etc/passwd'), 426)
  const broken = [
    { ...upgrade, 'sec-websocket-key': 'short' },
    { ...upgrade, 'sec-websocket-version': '1' },
    { ...upgrade, 'sec-websocket-protocol': ',,,' },
    { ...upgrade, upgrade: 'h2c' },
    { ...upgrade, origin: 'https://example.com' },
    { ...upgrade, origin: '::::' },
  ]
  for (const headers of broken) assert.notEqual(await statusOf(webSocketPort, headers), 101, JSON.stringify(headers))
  await bystander.assertUnharmed('HTTP requests')
})

test('garbage instead of HTTP, and MQTT without WebSocket, end their own connection only', async (t) => {
  const { bystander, webSocketPort } = await attacked(t)
  const seed = 9001
  const random = new SeededRandom(seed)
  t.diagnostic(`seed ${seed}`)
  const starts = Array.from({ length: 40 }, () => random.bytes(1 + random.below(400)))
  const lines = [
    'GET / HTTP/1.1\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    `GET /${'a'.repeat(100_000)} HTTP/1.1\r\n\r\n`,
    '\r\n\r\n',
  ]
  for (const bytes of [...starts, ...lines.map((line) => Buffer.from(line)), connectPacket({ clientId: 'lost' })]) {
    const socket = await openSocket(t, webSocketPort)
    socket.resume()
    socket.end(bytes)
    await closed(socket)
  }
  await bystander.assertUnharmed('garbage on the WebSocket port')
})

test('connections that are reset at any point of the handshake or after it harm nobody', async (t) => {
  const { bystander, webSocketPort } = await attacked(t)
  const lines = Object.entries({ host: '127.0.0.1', ...upgrade }).map(([name, value]) => `${name}: ${value}\r\n`)
  const handshake = Buffer.from(`GET /mqtt HTTP/1.1\r\n${lines.join('')}\r\n`)
  for (let i = 0; i < 60; i++) {
    const socket = await openSocket(t, webSocketPort)
    const length = i % 3 === 0 ? handshake.length : Math.floor((handshake.length * i) / 60)
    socket.write(handshake.subarray(0, length))
    if (i % 3 === 0) await once(socket, 'data')
    socket.resetAndDestroy()
  }
  await bystander.assertUnharmed('60 resets')
})

test('frames that are no frames, text frames and torn packets end their own connection only', async (t) => {
  const { bystander, webSocketPort } = await attacked(t)
  const random = new SeededRandom(1009)
  const open = async () => {
    const webSocket = new WebSocket(`ws://127.0.0.1:${webSocketPort}/mqtt`, 'mqtt')
    atEnd(t, () => webSocket.terminate())
    webSocket.on('error', () => {
      // The answer to most of these is the end of the connection.
    })
    await once(webSocket, 'open')
    return webSocket
  }
  for (let i = 0; i < 20; i++) {
    const webSocket = await open()
    // Under the library, so that it is not masked and means nothing.
    const socket = (webSocket as unknown as { _socket: Socket })._socket
    socket.end(random.bytes(1 + random.below(60)))
    await closed(webSocket)
  }
  const text = await open()
  text.send('{"hello": "JSON"}')
  await closed(text)
  const bytewise = await open()
  const answers: Buffer[] = []
  bytewise.on('message', (data: Buffer) => answers.push(data))
  for (const byte of connectPacket({ clientId: 'bytewise' })) bytewise.send(Buffer.from([byte]))
  await once(bytewise, 'message')
  assert.equal(Buffer.concat(answers)[3], 0, 'a CONNECT in frames of one byte is accepted')
  for (const byte of publishPacket({ topic: 'bytewise', payload: 'x', qos: 1 })) bytewise.send(Buffer.from([byte]))
  await once(bytewise, 'message')
  bytewise.close()
  await bystander.assertUnharmed('strange frames')
  assert.equal((await bystander.recordsOf('bytewise')).length, 1)
})
