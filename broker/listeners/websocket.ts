import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { Socket } from 'node:net'
import websocketStream from 'websocket-stream'
import type { ServerOptions, WebSocket, WebSocketServer } from 'ws'
import type { ListenerOptions } from './listener-options.ts'
import { closeTimeoutMs } from './transport.ts'
import type { Visit } from './visit.ts'

/** Largest WebSocket message: an MQTT packet may have 256 MB and a few bytes. */
export const largestMessageBytes = 256 * 1024 * 1024 + 5

/** What a connection may send before its CONNECT is complete: messages are put together before anybody sees them. */
const maxBytesBeforeConnect = 1024 * 1024

/** Sub-protocols of MQTT 3.1.1 and 5, and of 3.1. [MQTT-5.0 6.0.0-3] */
const subProtocols = ['mqtt', 'mqttv3.1']

/** The WebSocket side of one listener: HTTP upgrades on any path. */
export class WebSocketUpgrades {
  readonly #http: Server
  readonly #webSockets: WebSocketServer
  readonly #visits = new WeakMap<Socket, Visit>()
  /** Which pages in browsers may connect; another answer holds for upgrades from then on. */
  allowedOrigins: ListenerOptions['allowedOrigins']
  readonly #onOpen: (visit: Visit, webSocket: WebSocket, socket: Socket) => void

  /** @param onOpen takes a connection that has been upgraded; the WebSocket has an error listener */
  constructor(
    allowedOrigins: ListenerOptions['allowedOrigins'],
    maxMessageBytes: number,
    onOpen: (visit: Visit, webSocket: WebSocket, socket: Socket) => void,
  ) {
    this.allowedOrigins = allowedOrigins
    this.#onOpen = onOpen
    // It never listens, so its own deadlines never run: those of the visit do.
    this.#http = createServer((_request, response) => {
      response.writeHead(426, { 'content-type': 'text/plain', upgrade: 'websocket', connection: 'close' })
      response.end('MQTT over WebSocket: connect with the sub-protocol mqtt\n')
    })
    const options: ServerOptions & { closeTimeout: number } = {
      noServer: true,
      closeTimeout: closeTimeoutMs,
      clientTracking: false,
      maxPayload: maxMessageBytes,
      perMessageDeflate: false,
      // Answered by the transport, which sees whether the peer takes the answers.
      autoPong: false,
      handleProtocols: (offered: Set<string>) => subProtocols.find((name) => offered.has(name)) ?? false,
      verifyClient: ({ origin, req }: { origin?: string; req: IncomingMessage }, answer) => {
        if (!isOriginAllowed(origin, this.allowedOrigins ?? 'none')) answer(false, 403, 'Origin not allowed')
        else if (!offersMqtt(req)) answer(false, 400, 'Sub-protocol mqtt expected')
        else answer(true)
      },
    }
    // Its types are those of an older ws; what is passed goes to ws 8 as it is.
    this.#webSockets = new websocketStream.Server(options as never) as unknown as WebSocketServer
    this.#http.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => this.#open(webSocket, socket))
    })
  }

  /** @param socket the visit's own, or the TLS over it */
  enter(visit: Visit, socket: Socket): void {
    this.#visits.set(socket, visit)
    this.#http.emit('connection', socket)
  }

  #open(webSocket: WebSocket, socket: Socket): void {
    webSocket.on('error', leaveToClose)
    const visit = this.#visits.get(socket)
    if (visit === undefined) {
      webSocket.terminate()
      return
    }
    const bound = () => {
      if (visit.isConnected) socket.removeListener('data', bound)
      else if (socket.bytesRead > maxBytesBeforeConnect) socket.destroy()
    }
    socket.on('data', bound)
    this.#onOpen(visit, webSocket, socket)
  }
}

/** Malformed frames, messages that are too large: ws says so to the peer and closes, and that is heard. */
function leaveToClose(): void {}

/** Mosquitto upgrades a client that names no sub-protocol and never answers it, and cuts off one that names others (run). */
function offersMqtt({ headers }: IncomingMessage): boolean {
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  return subProtocols.some((name) => offered.includes(name))
}

/**
 * A page in a browser sends an Origin; a page of anybody's must not reach a broker on the reader's machine. A list is
 * compared character by character: Mosquitto 2.1 also takes what a listed origin only begins with, and an empty one (src).
 */
function isOriginAllowed(origin: string | undefined, allowed: NonNullable<ListenerOptions['allowedOrigins']>): boolean {
  if (origin === undefined || allowed === 'any') return true
  if (typeof allowed !== 'string') return allowed.includes(origin)
  if (allowed === 'none' || !URL.canParse(origin)) return false
  return ['localhost', '127.0.0.1', '[::1]'].includes(new URL(origin).hostname)
}
