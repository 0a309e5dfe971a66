import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { ClientError, connectAsync } from '../../../clients/sdk/index.ts'
import { atEnd } from '../../helpers/cleanup.ts'

/** CONNACK of MQTT 5, accepted. */
const connack = Buffer.from('2003000000', 'hex')
/** Taken for a PUBACK its flags would have to be 0 [MQTT-5.0 2.1.3]. */
const noPacket = Buffer.from('HTTP/1.1 200 OK\r\n\r\n')

test('bytes that are no packet end the connection, and whoever waits learns that it is broken', async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => {
      // The client may reset what it does not understand.
    })
    socket.once('data', () => {
      socket.write(connack)
      socket.once('data', () => socket.write(noPacket))
    })
  })
  atEnd(t, () => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const connecting = connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0 })
  await assert.rejects(connecting, (error) => error instanceof ClientError && error.code === 'ERR_CONNECTION')
})
