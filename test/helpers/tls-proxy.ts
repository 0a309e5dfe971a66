import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { connect, createServer, type TLSSocket } from 'node:tls'
import type { Identity, TestAuthority } from './certificates.ts'
import { atEnd } from './cleanup.ts'

/** Where a man in the middle sits, whom both ends trust. */
export interface TlsProxyOptions {
  readonly authority: TestAuthority
  /** Shown to clients, and to the server. */
  readonly identity: Identity
  /** Of the server on 127.0.0.1. */
  readonly port: number
  /** What the server gets for what the client sent, piece by piece. */
  readonly alter: (piece: Buffer) => Buffer
}

/** Ends TLS in between and changes what goes to the server. @returns its port on 127.0.0.1 */
export async function startTlsProxy(t: TestContext, options: TlsProxyOptions): Promise<number> {
  const { authority, identity, port, alter } = options
  const { cert, key } = identity
  const sockets = new Set<TLSSocket>()
  const server = createServer({ cert, key }, (client) => {
    const onward = connect({ host: '127.0.0.1', port, ca: authority.cert, cert, key })
    client.on('data', (piece: Buffer) => onward.write(alter(piece)))
    onward.pipe(client)
    for (const [socket, other] of [
      [client, onward],
      [onward, client],
    ] as const) {
      sockets.add(socket)
      // Its end is the end of the other one.
      socket.on('error', () => {})
      socket.on('close', () => other.destroy())
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(t, async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  return (server.address() as AddressInfo).port
}
