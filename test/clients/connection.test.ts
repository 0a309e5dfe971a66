import assert from 'node:assert/strict'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { MqttClient } from 'mqtt'
import { connect } from '../../clients/cli/connection.ts'
import { atEnd } from '../helpers/cleanup.ts'

/** Accepts whoever connects, and says nothing more. */
async function acceptingServer(t: TestContext) {
  const sockets: Socket[] = []
  const received: Buffer[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {
      // The client leaves in the middle of what is sent.
    })
    socket.on('data', (data) => received.push(data))
    // CONNACK: Success, no properties.
    socket.once('data', () => socket.write(Buffer.from('2003000000', 'hex')))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  atEnd(t, async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  return { flags: { host: '127.0.0.1', port: `${port}`, 'protocol-version': 'mqttv5' }, sockets, received }
}

const closed = (client: MqttClient) => new Promise<void>((resolve) => client.once('close', () => resolve()))

test('a broker is told the longest packet that is taken, and one that sends a longer one is left', async (t) => {
  const { flags, sockets, received } = await acceptingServer(t)
  const client = await connect(flags, 100_000)
  // [MQTT-5.0 3.1.2.11.4]: identifier 0x27 and four bytes.
  assert.ok(Buffer.concat(received).includes(Buffer.from('27000186a0', 'hex')))
  const left = closed(client)
  // PUBLISH that says it has 200 MB.
  sockets[0]?.write(Buffer.from('3080c2d75f000161', 'hex'))
  sockets[0]?.write(Buffer.alloc(300_000))
  await left
  await client.endAsync(true)
})

test('a broker that sends what is no packet is left at once', { timeout: 30_000 }, async (t) => {
  const { flags, sockets } = await acceptingServer(t)
  const client = await connect(flags)
  const left = closed(client)
  // Packet type 0 is reserved [MQTT-5.0 2.1.2]. Else the keep alive would end the connection after a minute and a half.
  sockets[0]?.write(Buffer.from('0000', 'hex'))
  await left
  await client.endAsync(true)
})
