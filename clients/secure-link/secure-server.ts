import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls'
import { ClientError } from '../errors.ts'
import { checkMacKey, type LinkSettings, SecureLink } from './secure-link.ts'

/** Where to listen, and as who. */
export interface SecureServerOptions extends LinkSettings {
  readonly host: string
  /** 0: a free one. */
  readonly port: number
  /** Certificate and key; with `requestCert` and `ca` only clients whose certificate verifies get in. */
  readonly tls: Pick<TlsOptions, 'cert' | 'key' | 'passphrase' | 'ca' | 'requestCert'>
  /** Links at once; further connections are closed. Default 100. */
  readonly maxLinks?: number
  /** Gets each link, which is closed when the promise settles; when it rejects, `onError` is told. */
  readonly onLink: (link: SecureLink) => Promise<void>
  /** Gets why a handshake or a link failed. */
  readonly onError: (error: unknown) => void
}

const defaultMaxLinks = 100
const handshakeTimeoutMs = 10_000

/** The end of secure links that listens. */
export class SecureServer {
  readonly #server: Server
  /** TCP connections: those whose handshake is not over, too. */
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server) {
    this.#server = server
  }

  /** @throws {ClientError} ERR_CONNECTION when the address is taken; ERR_LINK_OPTIONS */
  static async listen(options: SecureServerOptions): Promise<SecureServer> {
    const { host, port, tls, maxLinks = defaultMaxLinks, onError } = options
    checkMacKey(options.macKey)
    const server = createServer({
      ...tls,
      rejectUnauthorized: true,
      allowHalfOpen: true,
      handshakeTimeout: handshakeTimeoutMs,
    })
    server.maxConnections = maxLinks
    const listening = new SecureServer(server)
    server.on('connection', (socket) => {
      listening.#sockets.add(socket)
      socket.once('close', () => listening.#sockets.delete(socket))
    })
    server.on('tlsClientError', onError)
    server.on('secureConnection', (socket) => accept(socket, options))
    try {
      server.listen(port, host)
      await once(server, 'listening')
    } catch (cause) {
      throw new ClientError('ERR_CONNECTION', `cannot listen on ${host}:${port}`, {}, cause)
    }
    // E.g. no descriptor for one more connection; the others go on.
    server.on('error', onError)
    return listening
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Closes all links and stops listening. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }
}

function accept(socket: TLSSocket, options: SecureServerOptions): void {
  const link = new SecureLink(socket, options)
  options.onLink(link).then(
    // Sends what is still to be sent. A client that does not end its side keeps no connection here.
    () => socket.destroySoon(),
    (error: unknown) => {
      link.destroy()
      options.onError(error)
    },
  )
}
