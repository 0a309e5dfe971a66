import type { Socket } from 'node:net'
import { closeTimeoutMs, type Transport } from './transport.ts'

/** A TCP or TLS connection. Thin: a site has thousands of them, nearly all idle. */
export class SocketTransport implements Transport {
  readonly kind: 'tcp' | 'tls'
  readonly remoteAddress: string
  readonly remotePort: number
  readonly #socket: Socket

  /** @param socket open, and with an error listener of its own */
  constructor(kind: 'tcp' | 'tls', socket: Socket, remoteAddress: string, remotePort: number) {
    this.kind = kind
    this.remoteAddress = remoteAddress
    this.remotePort = remotePort
    this.#socket = socket
    // Node answers the end of the peer with our own; one that takes nothing more would stay for ever.
    socket.on('end', closeSoon)
  }

  onData(handler: (chunk: Buffer) => void): void {
    this.#socket.on('data', handler)
  }

  onEnd(handler: () => void): void {
    this.#socket.on('end', handler)
  }

  onClose(handler: () => void): void {
    this.#socket.on('close', handler)
  }

  onError(handler: (error: Error) => void): void {
    this.#socket.on('error', handler)
  }

  onDrain(handler: () => void): void {
    this.#socket.on('drain', handler)
  }

  write(bytes: Buffer): boolean {
    // After the end it would be an error of the socket; the peer is going, and whoever writes hears so by `onClose`.
    return this.#socket.writable && this.#socket.write(bytes)
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(): void {
    this.#socket.end()
    closeSoon.call(this.#socket)
    // Reads on, or a paused connection would never see that the peer ended too.
    this.#socket.resume()
  }

  destroy(): void {
    this.#socket.destroy()
  }
}

/**
 * Destroys a socket that is not gone in `closeTimeoutMs`: its peer does not read, or does not end its side. One function
 * for all sockets, so that it can wait for an event at no cost.
 */
export function closeSoon(this: Socket): void {
  if (this.destroyed) return
  const timer = setTimeout(() => this.destroy(), closeTimeoutMs)
  this.once('close', () => clearTimeout(timer))
}
