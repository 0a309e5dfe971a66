import type { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { usernameOf } from './certificate-identity.ts'
import type { ClientTrust } from './client-trust.ts'
import type { Gate } from './gate.ts'
import type { TlsOptions } from './listener-options.ts'
import type { TlsFiles } from './tls-files.ts'
import type { Visit } from './visit.ts'

/** First byte of every TLS connection: a handshake record (RFC 8446 section 5.1). */
const handshakeRecord = 22

/** A handshake in progress, and the files that it began with. */
interface Handshake {
  readonly visit: Visit
  readonly trust: ClientTrust
}

/**
 * The TLS side of one listener. A peer that sends nothing costs a socket and no more: OpenSSL is called in when the first
 * bytes are there, for so many peers at a time. The others wait in line, until the deadline of their visit.
 */
export class TlsHandshakes {
  readonly #gate: Gate
  readonly #server: Server
  readonly #most: number
  readonly #settings: TlsOptions
  readonly #requireCertificate: boolean
  readonly #onSecure: (visit: Visit, socket: TLSSocket) => void
  readonly #running = new Map<string, Handshake>()
  readonly #waiting = new Set<Visit>()
  #trust: ClientTrust

  /**
   * @param most handshakes in progress
   * @param onSecure takes a connection whose handshake is done, and whose certificate is good where one is demanded
   */
  constructor(
    gate: Gate,
    settings: TlsOptions,
    { context, trust }: TlsFiles,
    most: number,
    onSecure: (visit: Visit, socket: TLSSocket) => void,
  ) {
    this.#gate = gate
    this.#most = most
    this.#settings = settings
    this.#requireCertificate = settings.requireCertificate ?? false
    this.#trust = trust
    this.#onSecure = onSecure
    // It never listens. Certificates are judged in `#secure`, where the cause can be said.
    this.#server = createServer({ ...context, requestCert: this.#requireCertificate, rejectUnauthorized: false })
    this.#server.on('secureConnection', (socket) => this.#secure(socket))
    this.#server.on('tlsClientError', (error: Error & { reason?: string }, socket) => {
      const visit = this.#running.get(keyOf(socket))?.visit
      // OpenSSL's reason is a few words; its message is a line of its own source code.
      if (visit !== undefined) this.#gate.fail(visit, error.reason ?? error.message)
    })
  }

  /** For handshakes from now on; sessions of before are not resumed. Connections stay as they are. */
  replace({ context, trust }: TlsFiles): void {
    this.#server.setSecureContext(context)
    this.#trust = trust
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
    this.#running.set(key, { visit, trust: this.#trust })
    visit.socket.once('close', () => this.#done(key, visit))
    this.#server.emit('connection', visit.socket)
  }

  #done(key: string, visit: Visit): void {
    if (this.#running.get(key)?.visit !== visit) return
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
    const handshake = this.#running.get(key)
    if (handshake === undefined) {
      socket.destroy()
      return
    }
    const { visit } = handshake
    socket.on('error', leaveToClose)
    this.#done(key, visit)
    const protocol = socket.getProtocol() ?? ''
    if (!this.#requireCertificate) {
      visit.tls = { authorized: false, peerCertificate: undefined, protocol }
      this.#onSecure(visit, socket)
      return
    }
    // Presence is asked for by itself: Node calls a resumed TLS 1.3 session without any certificate authorized (run).
    const peerCertificate = socket.getPeerX509Certificate()
    if (peerCertificate === undefined) {
      this.#gate.fail(visit, 'client certificate required: it gave no certificate')
      return
    }
    const why = socket.authorized ? this.#problemOf(peerCertificate, handshake) : `${socket.authorizationError}`
    if (why !== undefined) {
      this.#gate.fail(visit, `client certificate required: ${why}`)
      return
    }
    visit.tls = { authorized: true, peerCertificate, protocol }
    visit.certificateUsername = usernameOf(peerCertificate, this.#settings)
    this.#onSecure(visit, socket)
  }

  #problemOf(certificate: X509Certificate, { trust }: Handshake): string | undefined {
    // OpenSSL judged by the files with which the handshake began.
    return trust === this.#trust ? trust.problemOf(certificate) : this.#trust.presentProblemOf(certificate)
  }
}

/** Its close follows an error and is heard; who wants the cause has `Transport.onError`. */
function leaveToClose(): void {}

/** The same for a socket and for the TLS over it, and for no two connections at a time. */
function keyOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}
