import assert from 'node:assert/strict'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { connect } from '../../clients/cli/connection.ts'
import { atEnd } from '../helpers/cleanup.ts'

test('a broker is told the longest packet that is taken, and one that sends a longer one is left', async (t) => {
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
  const client = await connect({ host: '127.0.0.1', port: `${port}`, 'protocol-version': 'mqttv5' }, 100_000)
  // [MQTT-5.0 3.1.2.11.4]: identifier 0x27 and four bytes.
  assert.ok(Buffer.concat(received).includes(Buffer.from('27000186a0', 'hex')))
  const left = new Promise<void>((resolve) => client.once('close', () => resolve()))
  // PUBLISH that says it has 200 MB.
  sockets[0]?.write(Buffer.from('3080c2d75f000161', 'hex'))
  sockets[0]?.write(Buffer.alloc(300_000))
  await left
  await client.endAsync(true)
})
