import { createServer } from 'node:net'
import type { ListenerOptions } from '../options.ts'
import { type AcceptStream, closing, listen, type OpenListener } from './listener.ts'

/** MQTT over TCP. @throws {BrokerError} ERR_LISTEN_FAILED */
export async function openTcpListener(
  options: ListenerOptions,
  accept: AcceptStream,
  onError: (error: unknown) => void,
): Promise<OpenListener> {
  // Without noDelay an acknowledgement may wait 40 ms for the next one.
  const server = createServer({ noDelay: true })
  const close = closing(server)
  const info = await listen(server, options)
  server.on('error', onError)
  server.on('connection', (socket) => accept(socket, info, `${socket.remoteAddress}:${socket.remotePort}`))
  return { info, ...close }
}
