import { createHash, type X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { usernameOf } from './certificate-identity.ts'
import type { Gate } from './gate.ts'
import type { TlsFiles } from './tls-files.ts'
import type { Visit } from './visit.ts'

/** First byte of every TLS connection: a handshake record (RFC 8446 section 5.1). */
const handshakeRecord = 22

/** A handshake in progress, and the files that it began with. */
interface Handshake {
  readonly visit: Visit
  readonly files: TlsFiles
}

/**
 * The TLS side of one listener. A peer that sends nothing costs a socket and no more: OpenSSL is called in when the first
 * bytes are there, for so many peers at a time. The others wait in line, until the deadline of their visit.
 */
export class TlsHandshakes {
  readonly #gate: Gate
  readonly #most: number
  readonly #onSecure: (visit: Visit, socket: TLSSocket) => void
  readonly #running = new Map<string, Handshake>()
  readonly #waiting = new Set<Visit>()
  #files: TlsFiles
  #server: Server

  /**
   * @param most handshakes in progress
   * @param onSecure takes a connection whose handshake is done, and whose certificate is good where one is demanded
   */
  constructor(gate: Gate, files: TlsFiles, most: number, onSecure: (visit: Visit, socket: TLSSocket) => void) {
    this.#gate = gate
    this.#most = most
    this.#onSecure = onSecure
    this.#files = files
    this.#server = this.#serverOf(files)
  }

  /** It never listens. Certificates are judged in `#secure`, where the cause can be said. */
  #serverOf({ context, settings }: TlsFiles): Server {
    const requestCert = settings.requireCertificate ?? false
    const server = createServer({ ...context, requestCert, rejectUnauthorized: false })
    server.on('secureConnection', (socket) => this.#secure(socket))
    server.on('tlsClientError', (error: Error & { reason?: string }, socket) => {
      const visit = this.#running.get(keyOf(socket))?.visit
      // OpenSSL's reason is a few words; its message is a line of its own source code.
      if (visit !== undefined) this.#gate.fail(visit, error.reason ?? error.message)
    })
    return server
  }

  /** For handshakes from now on; sessions of before are not resumed. Connections stay as they are. */
  replace(files: TlsFiles): void {
    this.#files = files
    this.#server = this.#serverOf(files)
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
    this.#running.set(key, { visit, files: this.#files })
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
    // Node leaves a socket open that got a record which does not verify. The cause is for `Transport.onError`.
    socket.on('error', () => socket.destroy())
    this.#done(key, visit)
    const protocol = socket.getProtocol() ?? ''
    const serverCertificateSha256 = () => sha256Of(socket.getX509Certificate())
    // Also for who began its handshake before a reload.
    const { settings } = this.#files
    if (settings.requireCertificate !== true) {
      visit.tls = { authorized: false, peerCertificate: undefined, protocol, serverCertificateSha256 }
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
    visit.tls = { authorized: true, peerCertificate, protocol, serverCertificateSha256 }
    visit.certificateUsername = usernameOf(peerCertificate, settings)
    this.#onSecure(visit, socket)
  }

  #problemOf(certificate: X509Certificate, { files }: Handshake): string | undefined {
    const { trust } = this.#files
    // OpenSSL judged by the files with which the handshake began.
    return files === this.#files ? trust.problemOf(certificate) : trust.presentProblemOf(certificate)
  }
}

function sha256Of(certificate: X509Certificate | undefined): Uint8Array | undefined {
  return certificate === undefined ? undefined : createHash('sha256').update(certificate.raw).digest()
}

/** The same for a socket and for the TLS over it, and for no two connections at a time. */
function keyOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}
