import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import { closeSoon } from './socket-transport.ts'
import type { Transport } from './transport.ts'

/** Close codes of RFC 6455 section 7.4.1. */
const closeCode = { normal: 1000, unsupportedData: 1003, abnormal: 1006 } as const

/** Pings are answered while no more than this waits to be sent: a peer that pings and does not read is not served. */
const maxBufferedBytesForPong = 16 * 1024

/** A WebSocket connection: binary messages carry the bytes, wherever packets begin and end. [MQTT-5.0 6.0.0-2] */
export class WebSocketTransport implements Transport {
  readonly kind: 'ws' | 'wss'
  readonly remoteAddress: string
  readonly remotePort: number
  readonly #webSocket: WebSocket
  readonly #socket: Socket

  /**
   * @param webSocket open, and with an error listener of its own; pings are left to this
   * @param socket what it runs over
   */
  constructor(kind: 'ws' | 'wss', webSocket: WebSocket, socket: Socket, remoteAddress: string, remotePort: number) {
    this.kind = kind
    this.remoteAddress = remoteAddress
    this.remotePort = remotePort
    this.#webSocket = webSocket
    this.#socket = socket
    // ws gives a close frame its time; this is for a peer that ends without one and takes nothing more.
    socket.on('end', closeSoon)
    webSocket.on('message', (_data, isBinary) => {
      // [MQTT-5.0 6.0.0-1]: MQTT in a text frame ends the connection.
      if (!isBinary && this.#isOpen) this.#close(closeCode.unsupportedData)
    })
    webSocket.on('ping', (data) => {
      if (webSocket.bufferedAmount <= maxBufferedBytesForPong) webSocket.pong(data)
    })
  }

  onData(handler: (chunk: Buffer) => void): void {
    this.#webSocket.on('message', (data: Buffer, isBinary) => {
      if (isBinary && this.#isOpen) handler(data)
    })
  }

  onEnd(handler: () => void): void {
    this.#webSocket.on('close', (code) => {
      // Any other code came in a close frame, or says that there was none in it: the peer ended in good order.
      if (code !== closeCode.abnormal) handler()
    })
  }

  onClose(handler: () => void): void {
    this.#webSocket.on('close', () => handler())
  }

  onError(handler: (error: Error) => void): void {
    this.#webSocket.on('error', handler)
  }

  onDrain(handler: () => void): void {
    this.#socket.on('drain', handler)
  }

  write(bytes: Buffer): boolean {
    if (!this.#isOpen) return false
    this.#webSocket.send(bytes)
    return !this.#socket.writableNeedDrain
  }

  get bufferedBytes(): number {
    return this.#webSocket.bufferedAmount
  }

  pause(): void {
    this.#webSocket.pause()
  }

  resume(): void {
    this.#webSocket.resume()
  }

  end(): void {
    this.#close(closeCode.normal)
  }

  destroy(): void {
    this.#webSocket.terminate()
  }

  get #isOpen(): boolean {
    return this.#webSocket.readyState === this.#webSocket.OPEN
  }

  #close(code: number): void {
    this.#webSocket.close(code)
    // Reads on, or the peer's close frame would never be seen.
    this.#webSocket.resume()
  }
}
