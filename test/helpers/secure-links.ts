import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import {
  SecureClient,
  type SecureLink,
  SecureServer,
  type SecureServerOptions,
} from '../../clients/secure-link/index.ts'
import { type Identity, TestAuthority } from './certificates.ts'
import { atEnd } from './cleanup.ts'
import { temporaryDirectory } from './temporary.ts'

/** A secure link server of a test, with certificates for both ends. */
export class LinkSite {
  readonly authority: TestAuthority
  readonly identity: Identity
  readonly device: Identity
  readonly macKey = Buffer.alloc(32, 7)
  /** Why handshakes and links failed at the server, in order. */
  readonly errors: unknown[] = []
  server: SecureServer | undefined
  readonly #t: TestContext
  readonly #waiting = new Set<() => void>()

  private constructor(t: TestContext, authority: TestAuthority, identity: Identity, device: Identity) {
    this.#t = t
    this.authority = authority
    this.identity = identity
    this.device = device
  }

  /** @param onLink default: answers each content in capitals */
  static async start(
    t: TestContext,
    options: Partial<SecureServerOptions> = {},
    onLink: (link: SecureLink) => Promise<void> = answerInCapitals,
  ): Promise<LinkSite> {
    const authority = await TestAuthority.create(temporaryDirectory(t))
    const identity = await authority.issue({ name: 'server', use: 'server' })
    const device = await authority.issue({ name: 'press-7', use: 'client' })
    const site = new LinkSite(t, authority, identity, device)
    const tls = { cert: identity.cert, key: identity.key, ca: authority.cert }
    const onError = (error: unknown) => {
      site.errors.push(error)
      for (const look of site.#waiting) look()
    }
    const where = { host: '127.0.0.1', port: 0, tls, macKey: site.macKey }
    const server = await SecureServer.listen({ ...where, onLink, onError, ...options })
    site.server = server
    atEnd(t, () => server.close())
    return site
  }

  get port(): number {
    return this.server?.port ?? 0
  }

  async connect(options: { readonly port?: number; readonly macKey?: Uint8Array } = {}): Promise<SecureClient> {
    const tls = { ca: this.authority.cert, cert: this.device.cert, key: this.device.key }
    const where = { host: '127.0.0.1', port: this.port, tls, macKey: this.macKey }
    const client = await SecureClient.connect({ ...where, ...options })
    atEnd(this.#t, () => client.destroy())
    return client
  }

  /** A client that can send anything. */
  async connectRaw(): Promise<TLSSocket> {
    const socket = connect({ host: '127.0.0.1', port: this.port, ca: this.authority.cert })
    socket.on('error', () => {
      // Tests look at what the server says.
    })
    atEnd(this.#t, () => socket.destroy())
    await once(socket, 'secureConnect')
    return socket
  }

  /** The first error at the server. */
  firstError(): Promise<unknown> {
    return new Promise((resolve) => {
      const look = () => {
        if (this.errors.length === 0) return
        this.#waiting.delete(look)
        resolve(this.errors[0])
      }
      this.#waiting.add(look)
      look()
    })
  }
}

export async function answerInCapitals(link: SecureLink): Promise<void> {
  for (let content = await link.receive(); content !== undefined; content = await link.receive()) {
    await link.send(Buffer.from(Buffer.from(content).toString().toUpperCase()))
  }
}
