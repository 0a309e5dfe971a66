import type { IncomingMessage } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ListenerInfo } from '../connections.ts'
import { BrokerError } from '../errors.ts'
import type { ListenerOptions } from '../options.ts'

/** A listener that is open. */
export interface OpenListener {
  readonly info: ListenerInfo
  /** Takes no more connections; those that are open go on. */
  stop(): void
  /** Ends what the engine has left open: connections that never sent a CONNECT. Resolves when the port is free. */
  end(): Promise<void>
}

/** Gives a new stream to the engine. */
export type AcceptStream = (
  stream: Duplex,
  listener: ListenerInfo,
  remoteAddress: string,
  request?: IncomingMessage,
) => void

/** @throws {BrokerError} ERR_LISTEN_FAILED */
export function listen(server: Server, options: ListenerOptions): Promise<ListenerInfo> {
  return new Promise((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException) => {
      const where = `${options.host ?? 'all addresses'} port ${options.port}`
      const why = cause.code === 'EADDRINUSE' ? 'Address already in use' : cause.message
      reject(new BrokerError('ERR_LISTEN_FAILED', `cannot listen on ${where}: ${why}`, { port: options.port }, cause))
    }
    server.once('error', fail)
    server.listen({ port: options.port, ...(options.host === undefined ? undefined : { host: options.host }) }, () => {
      server.removeListener('error', fail)
      resolve(infoOf(server.address() as AddressInfo, options))
    })
  })
}

/** Whether a listener could not be opened because the machine has no such address. */
export function isAddressMissing(error: unknown): boolean {
  const code = error instanceof BrokerError ? (error.cause as NodeJS.ErrnoException).code : undefined
  return code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT'
}

/** The two halves of closing a server, for sockets of any kind. */
export function closing(server: Server): Pick<OpenListener, 'stop' | 'end'> {
  const sockets = new Set<Duplex>()
  server.on('connection', (socket: Duplex) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  let closed: Promise<void> | undefined
  const stop = () => {
    closed ??= new Promise((resolve) => server.close(() => resolve()))
  }
  return {
    stop,
    end: async () => {
      stop()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

function infoOf(address: AddressInfo, options: ListenerOptions): ListenerInfo {
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  const scheme = options.protocol === 'websockets' ? 'ws' : 'mqtt'
  return {
    name: `${scheme}://${host}:${address.port}`,
    port: address.port,
    protocol: options.protocol,
    isLoopback: options.host !== undefined && isLoopback(address.address),
  }
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^127\.\d+\.\d+\.\d+$/.test(address)
}
