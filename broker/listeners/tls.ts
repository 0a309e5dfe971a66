import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { createSecureContext, createServer, type SecureContextOptions, type Server, type TLSSocket } from 'node:tls'
import { BrokerError } from '../errors.ts'
import type { Gate } from './gate.ts'
import type { TlsOptions } from './listener-options.ts'
import type { Visit } from './visit.ts'

/** First byte of every TLS connection: a handshake record (RFC 8446 section 5.1). */
const handshakeRecord = 22

/**
 * Reads the files of a TLS listener and tries them.
 * @throws {BrokerError} ERR_TLS_UNUSABLE: a file cannot be read, is not PEM, or key and certificate do not match
 */
export function loadTls({ certFile, keyFile, caFile, minVersion }: TlsOptions): SecureContextOptions {
  const context: SecureContextOptions = {
    cert: read('certificate', certFile),
    key: read('key', keyFile),
    minVersion: minVersion ?? 'TLSv1.2',
    ...(caFile === undefined ? undefined : { ca: read('CA certificates', caFile) }),
  }
  try {
    createSecureContext(context)
  } catch (cause) {
    const files = [certFile, keyFile, ...(caFile === undefined ? [] : [caFile])].join(', ')
    throw new BrokerError('ERR_TLS_UNUSABLE', `cannot use ${files} for TLS`, {}, cause)
  }
  return context
}

/**
 * The TLS side of one listener. A peer that sends nothing costs a socket and no more: OpenSSL is called in when the first
 * bytes are there, for so many peers at a time. The others wait in line, until the deadline of their visit.
 */
export class TlsHandshakes {
  readonly #gate: Gate
  readonly #server: Server
  readonly #most: number
  readonly #requireCertificate: boolean
  readonly #onSecure: (visit: Visit, socket: TLSSocket) => void
  readonly #running = new Map<string, Visit>()
  readonly #waiting = new Set<Visit>()

  /**
   * @param most handshakes in progress
   * @param onSecure takes a connection whose handshake is done, and whose certificate is good where one is demanded
   */
  constructor(
    gate: Gate,
    context: SecureContextOptions,
    requireCertificate: boolean,
    most: number,
    onSecure: (visit: Visit, socket: TLSSocket) => void,
  ) {
    this.#gate = gate
    this.#most = most
    this.#requireCertificate = requireCertificate
    this.#onSecure = onSecure
    // It never listens. Certificates are judged in `#secure`, where the cause can be said.
    this.#server = createServer({ ...context, requestCert: requireCertificate, rejectUnauthorized: false })
    this.#server.on('secureConnection', (socket) => this.#secure(socket))
    this.#server.on('tlsClientError', (error: Error & { reason?: string }, socket) => {
      const visit = this.#running.get(keyOf(socket))
      // OpenSSL's reason is a few words; its message is a line of its own source code.
      if (visit !== undefined) this.#gate.fail(visit, error.reason ?? error.message)
    })
  }

  enter(visit: Visit): void {
    const { socket } = visit
    socket.once('readable', () => {
      const first: Buffer | null = socket.read()
      if (first === null || first[0] !== handshakeRecord) {
        this.#gate.fail(visit, first === null ? 'it ended without a handshake' : 'it does not speak TLS')
        return
      }
      socket.unshift(first)
      if (this.#running.size < this.#most) this.#start(visit)
      else {
        this.#waiting.add(visit)
        socket.once('close', () => this.#waiting.delete(visit))
      }
    })
  }

  #start(visit: Visit): void {
    const key = keyOf(visit.socket)
    this.#running.set(key, visit)
    visit.socket.once('close', () => this.#done(key, visit))
    this.#server.emit('connection', visit.socket)
  }

  #done(key: string, visit: Visit): void {
    if (this.#running.get(key) !== visit) return
    this.#running.delete(key)
    for (const next of this.#waiting) {
      this.#waiting.delete(next)
      if (next.socket.destroyed) continue
      this.#start(next)
      return
    }
  }

  #secure(socket: TLSSocket): void {
    const key = keyOf(socket)
    const visit = this.#running.get(key)
    if (visit === undefined) {
      socket.destroy()
      return
    }
    socket.on('error', leaveToClose)
    this.#done(key, visit)
    // Presence is asked for by itself: Node calls a resumed TLS 1.3 session without any certificate authorized (run).
    const peerCertificate = this.#requireCertificate ? socket.getPeerX509Certificate() : undefined
    const authorized = peerCertificate !== undefined && socket.authorized
    if (this.#requireCertificate && !authorized) {
      const why = peerCertificate === undefined ? 'it gave no certificate' : `${socket.authorizationError}`
      this.#gate.fail(visit, `client certificate required: ${why}`)
      return
    }
    visit.tls = { authorized, peerCertificate, protocol: socket.getProtocol() ?? '' }
    this.#onSecure(visit, socket)
  }
}

/** Its close follows an error and is heard; who wants the cause has `Transport.onError`. */
function leaveToClose(): void {}

/** The same for a socket and for the TLS over it, and for no two connections at a time. */
function keyOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}

function read(what: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    throw new BrokerError('ERR_TLS_UNUSABLE', `cannot read the ${what} ${path}`, { path }, cause)
  }
}
