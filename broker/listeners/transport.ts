import type { X509Certificate } from 'node:crypto'
import type { ListenerInfo } from './listener-info.ts'

/** How long a peer may take to accept the end of a connection. */
export const closeTimeoutMs = 5_000

/** What carries the bytes. */
export type TransportKind = 'tcp' | 'tls' | 'ws' | 'wss'

/**
 * One connection's bytes, whatever carries them. Handlers, any number of each, are registered in the call that hands the
 * transport over: nothing is read before that call has returned.
 */
export interface Transport {
  readonly kind: TransportKind
  /** IPv4 address, also of a client of a socket for both families, or IPv6 address. */
  readonly remoteAddress: string
  readonly remotePort: number
  /** TCP: what one read gave. WebSocket: the payload of one message. Packets begin and end anywhere [MQTT-5.0 6.0.0-2]. */
  onData(handler: (chunk: Buffer) => void): void
  /** The peer ended its side: nothing more comes. What was written is still sent, then the transport closes by itself. */
  onEnd(handler: () => void): void
  /** Gone, after an error too. Exactly once. */
  onClose(handler: () => void): void
  /** What went wrong on the way; `onClose` follows. Nobody has to listen. */
  onError(handler: (error: Error) => void): void
  /** After a write that gave false: the system took what was buffered. */
  onDrain(handler: () => void): void
  /**
   * One WebSocket binary message per call. After the end nothing happens.
   * @returns false when the system does not keep up: wait for `onDrain` before writing more
   */
  write(bytes: Buffer): boolean
  /** Bytes written that the system has not taken yet. */
  readonly bufferedBytes: number
  /** Stops reading from the peer; a chunk that is already here may still come. */
  pause(): void
  resume(): void
  /**
   * Sends what was written, then closes (WebSocket: with a close frame, code 1000). A peer that does not take it, or does
   * not close its side, loses the connection after `closeTimeoutMs`. What it still sends may still come.
   */
  end(): void
  /** Closes at once; `onClose` follows. */
  destroy(): void
}

/** What TLS says of the other side. */
export interface TlsPeer {
  /** A certificate was asked for, and the client proved one that the listener's CAs vouch for. */
  readonly authorized: boolean
  /** Only where the listener asks for one (`require_certificate`). */
  readonly peerCertificate: X509Certificate | undefined
  /** `TLSv1.2` or `TLSv1.3`. */
  readonly protocol: string
  /** SHA-256 of the certificate (DER) that it was shown. Made when it is asked for; undefined when it is gone. */
  serverCertificateSha256(): Uint8Array | undefined
}

/** What a bridge brings. */
export interface BridgeOrigin {
  /** Word after `connection`. */
  readonly name: string
  /**
   * The topic that a message had at the remote broker, which is the one that its publisher signed.
   * @returns undefined for a topic that the bridge does not bring in
   */
  readonly remoteTopicOf: (topic: string) => string | undefined
}

/** How a connection came in. */
export interface Arrival {
  readonly listener: ListenerInfo
  /** Listeners with TLS alone. */
  readonly tls?: TlsPeer
  /**
   * Listeners with `use_identity_as_username` or `use_subject_as_username` alone: the username, whatever CONNECT says.
   * Null: the certificate gives none, and CONNECT is refused with "bad user name or password" as in Mosquitto.
   */
  readonly certificateUsername?: string | null | undefined
  /** The local end of a bridge of ours. */
  readonly bridge?: BridgeOrigin
  /** The client's CONNECT is complete: the connect timeout, which runs from the TCP handshake on, is over. */
  connected(): void
}

/** Takes a connection that is ready for MQTT: after the TLS handshake and the WebSocket upgrade. */
export type Accept = (transport: Transport, arrival: Arrival) => void
