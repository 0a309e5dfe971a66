import type { Socket } from 'node:net'
import type { ListenerInfo } from './listener-info.ts'
import type { Arrival, TlsPeer } from './transport.ts'

/** Both run from the accept on. */
export interface Deadlines {
  /** To the end of TLS handshake and WebSocket upgrade. */
  readonly handshakeMs: number
  /** To a complete CONNECT. */
  readonly connectMs: number
}

/**
 * One accepted socket from accept to close, with its two deadlines: TLS handshake and WebSocket upgrade together, and
 * CONNECT. Timers of equal length cost next to nothing, however many run.
 */
export class Visit implements Arrival {
  readonly listener: ListenerInfo
  /** As accepted: TCP. What happens to it happens to all that runs over it. */
  readonly socket: Socket
  readonly remoteAddress: string
  readonly remotePort: number
  tls?: TlsPeer
  certificateUsername?: string | null | undefined
  #handshakeTimer: NodeJS.Timeout | undefined
  #connectTimer: NodeJS.Timeout | undefined

  constructor(listener: ListenerInfo, socket: Socket, remoteAddress: string, remotePort: number) {
    this.listener = listener
    this.socket = socket
    this.remoteAddress = remoteAddress
    this.remotePort = remotePort
  }

  /** Starts both deadlines. */
  start({ handshakeMs, connectMs }: Deadlines, onLate: (visit: Visit, what: string) => void): void {
    this.#handshakeTimer = setTimeout(() => onLate(this, 'handshake took too long'), handshakeMs)
    this.#connectTimer = setTimeout(() => onLate(this, 'no CONNECT in time'), connectMs)
  }

  /** Ready for MQTT. */
  ready(): void {
    clearTimeout(this.#handshakeTimer)
    this.#handshakeTimer = undefined
  }

  connected(): void {
    this.ready()
    clearTimeout(this.#connectTimer)
    this.#connectTimer = undefined
  }

  get isReady(): boolean {
    return this.#handshakeTimer === undefined
  }

  get isConnected(): boolean {
    return this.#connectTimer === undefined
  }

  /** For log lines. */
  get peer(): string {
    return `${this.remoteAddress}:${this.remotePort}`
  }
}
