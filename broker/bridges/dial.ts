import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import type { Transport } from '../listeners/index.ts'
import { SocketTransport } from '../listeners/socket-transport.ts'
import { BridgeError } from './errors.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

export interface DialOptions {
  readonly tls: ConnectionOptions | undefined
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/**
 * Connects to a remote broker: TCP, then TLS where it is asked for.
 * @throws {BridgeError} ERR_BRIDGE_UNREACHABLE
 */
export function dial({ host, port }: Address, { tls, timeoutMs, signal }: DialOptions): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const where = { host, port, noDelay: true }
    const servername = isIP(host) === 0 ? { servername: host } : undefined
    const socket: Socket = tls === undefined ? connectTcp(where) : connectTls({ ...tls, ...where, ...servername })
    const fail = (cause?: unknown) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', giveUp)
      socket.destroy()
      reject(new BridgeError('ERR_BRIDGE_UNREACHABLE', `cannot connect to ${host}:${port}`, { host, port }, cause))
    }
    const giveUp = () => fail()
    const timer = setTimeout(giveUp, timeoutMs)
    signal.addEventListener('abort', giveUp, { once: true })
    // Stays: later errors are told by the transport, and one without a listener would end the process.
    socket.on('error', fail)
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', giveUp)
      resolve(new SocketTransport(tls === undefined ? 'tcp' : 'tls', socket, host, port))
    })
    if (signal.aborted) giveUp()
  })
}
