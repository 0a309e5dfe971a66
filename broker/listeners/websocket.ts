import { createServer, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import websocketStream from 'websocket-stream'
import type { ServerOptions } from 'ws'
import type { ListenerOptions } from '../options.ts'
import { type AcceptStream, closing, listen, type OpenListener } from './listener.ts'

/** Largest WebSocket message: an MQTT packet may have 256 MB and a few bytes. */
const maxMessageBytes = 256 * 1024 * 1024 + 5

/** Sub-protocols of MQTT 3.1.1 and 5, and of 3.1. [MQTT-5.0 6.0.0-3] */
const subProtocols = ['mqtt', 'mqttv3.1']

/** MQTT over WebSocket, on any path. @throws {BrokerError} ERR_LISTEN_FAILED */
export async function openWebSocketListener(
  options: ListenerOptions,
  accept: AcceptStream,
  onError: (error: unknown) => void,
): Promise<OpenListener> {
  const server = createServer((_request, response) => {
    response.writeHead(426, { 'content-type': 'text/plain', upgrade: 'websocket' })
    response.end('MQTT over WebSocket: connect with the sub-protocol mqtt\n')
  })
  const close = closing(server)
  const info = await listen(server, options)
  const serverOptions: ServerOptions = {
    server,
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
    handleProtocols: (offered: Set<string>) => subProtocols.find((name) => offered.has(name)) ?? false,
    verifyClient: ({ origin }: { origin?: string }, answer) => {
      answer(isOriginAllowed(origin, options.allowedOrigins ?? 'none'), 403, 'Origin not allowed')
    },
  }
  // Its types are those of an older ws; what is passed goes to ws 8 as it is.
  const webSockets = new websocketStream.Server(serverOptions as never)
  // Both servers emit the errors of the other one too; an unheard one would end the process (engine row 12).
  server.on('error', onError)
  webSockets.on('error', onError)
  webSockets.on('stream', (stream: Duplex, request: IncomingMessage) => {
    accept(stream, info, `${request.socket.remoteAddress}:${request.socket.remotePort}`, request)
  })
  return { info, ...close }
}

/** A page in a browser sends an Origin; a page of anybody's must not reach a broker on the reader's machine. */
function isOriginAllowed(origin: string | undefined, allowed: 'none' | 'localhost'): boolean {
  if (origin === undefined) return true
  if (allowed === 'none' || !URL.canParse(origin)) return false
  return ['localhost', '127.0.0.1', '[::1]'].includes(new URL(origin).hostname)
}
