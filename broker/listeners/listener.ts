import type { X509Certificate } from 'node:crypto'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { BrokerError } from '../errors.ts'
import type { AddressCounts } from './address-counts.ts'
import { Gate, type ListenerCounters } from './gate.ts'
import { ListenerFiles } from './listener-files.ts'
import type { ListenerInfo } from './listener-info.ts'
import type { ListenerOptions } from './listener-options.ts'
import { SocketTransport } from './socket-transport.ts'
import { TlsHandshakes } from './tls.ts'
import type { Accept } from './transport.ts'
import type { Visit } from './visit.ts'
import { largestMessageBytes, WebSocketUpgrades } from './websocket.ts'
import { WebSocketTransport } from './websocket-transport.ts'

/** A listener that is open. */
export interface OpenListener {
  readonly info: ListenerInfo
  /** Of this moment; counts go on. */
  readonly counters: Readonly<ListenerCounters>
  /** Takes no more connections; those that are open go on. */
  stop(): void
  /**
   * Reads certificate, key, authorities and revocation lists again, as these options name them, and tries them; nothing
   * changes yet. A broker with several listeners prepares all of them before it goes over to any. Protocol, port and
   * address, and whether there is TLS, stay as they are.
   * @returns takes the options and what was read into use, for connections from then on; those that are open stay
   * @throws {BrokerError} ERR_TLS_UNUSABLE; the listener goes on with what it had
   */
  prepareReload(options: ListenerOptions): () => void
  /**
   * Whether a client that came to this listener with a certificate could come again now: its authority may be gone, or it
   * may be revoked or out of date.
   * @returns why not, in OpenSSL's words; undefined: it could
   */
  certificateProblem(certificate: X509Certificate): string | undefined
  /** Ends what is open, in whatever state: half open, in a handshake, silent. Resolves when the port is free. */
  end(): Promise<void>
}

/** What all listeners of a broker share. It is asked for every connection: what is in it may change. */
export interface ListenerContext {
  /** Connections by address. One for all listeners of a broker. */
  readonly addresses: AddressCounts
  /** From accept to CONNECT. */
  readonly connectTimeoutMs: number
  /** Something is wrong with the listener itself. */
  readonly onError: (error: unknown) => void
  /** A connection was refused or failed. At most one line per second and kind. */
  readonly onNotice: (message: string) => void
  /** Something an operator should look after, such as a certificate that ends soon. Default: `onNotice`. */
  readonly onWarning?: (message: string) => void
  /** From accept to the end of TLS handshake and WebSocket upgrade. Default 10,000. */
  readonly handshakeTimeoutMs?: number
  /** Send small packets at once (`set_tcp_nodelay`). Default true. */
  readonly noDelay?: boolean
  /** TLS handshakes in progress at a time; what comes on top waits. Default 2,000. */
  readonly maxHandshakes?: number
  /** Largest WebSocket message; one that is larger ends its connection with 1009. Default: the largest MQTT packet. */
  readonly maxMessageBytes?: number
}

const defaultHandshakeTimeoutMs = 10_000
/** Each holds some 50 kB while it lasts; one that stalls holds its place until its time is over. */
const defaultMaxHandshakes = 2000
/** Connections that the system completes before we take them; it may take fewer. A power cut ends for all at once. */
const backlog = 4096

/**
 * Opens one socket: TCP, then TLS where it is asked for, then WebSocket where that is the protocol, then `accept`.
 * @throws {BrokerError} ERR_LISTEN_FAILED, ERR_TLS_UNUSABLE
 */
export async function openListener(
  options: ListenerOptions,
  accept: Accept,
  context: ListenerContext,
): Promise<OpenListener> {
  const { tls } = options
  const files = tls === undefined ? undefined : new ListenerFiles(tls, context.onWarning ?? context.onNotice)
  const server = createServer()
  const info = await listen(server, options)
  const deadlines = {
    handshakeMs: context.handshakeTimeoutMs ?? defaultHandshakeTimeoutMs,
    get connectMs() {
      return context.connectTimeoutMs
    },
  }
  const gate = new Gate(info, options, context.addresses, deadlines, context.onNotice)

  let enter = (visit: Visit, socket = visit.socket) => {
    visit.ready()
    accept(new SocketTransport(tls ? 'tls' : 'tcp', socket, visit.remoteAddress, visit.remotePort), visit)
  }
  let upgrades: WebSocketUpgrades | undefined
  if (options.protocol === 'websockets') {
    const maxMessageBytes = context.maxMessageBytes ?? largestMessageBytes
    const opened = new WebSocketUpgrades(options.allowedOrigins, maxMessageBytes, (visit, webSocket, socket) => {
      visit.ready()
      const { remoteAddress, remotePort } = visit
      accept(new WebSocketTransport(tls ? 'wss' : 'ws', webSocket, socket, remoteAddress, remotePort), visit)
    })
    upgrades = opened
    enter = (visit, socket = visit.socket) => opened.enter(visit, socket)
  }
  if (files !== undefined) {
    const most = context.maxHandshakes ?? defaultMaxHandshakes
    const handshakes = new TlsHandshakes(gate, files.current, most, enter)
    files.start((replaced) => handshakes.replace(replaced))
    enter = (visit) => handshakes.enter(visit)
  }
  server.on('error', context.onError)
  server.on('connection', (socket) => {
    const visit = gate.admit(socket)
    if (visit === undefined) return
    // Without it an acknowledgement may wait 40 ms for the next one.
    if (context.noDelay ?? true) socket.setNoDelay()
    enter(visit)
  })

  let closed: Promise<void> | undefined
  const stop = () => {
    files?.stop()
    closed ??= new Promise((resolve) => server.close(() => resolve()))
  }
  const end = async () => {
    stop()
    gate.destroyAll()
    await closed
  }
  const prepareReload = (next: ListenerOptions) => {
    const replaceFiles = next.tls === undefined ? undefined : files?.prepare(next.tls)
    return () => {
      replaceFiles?.()
      gate.applyLimits(next)
      if (upgrades !== undefined) upgrades.allowedOrigins = next.allowedOrigins
    }
  }
  const certificateProblem = (certificate: X509Certificate) => files?.current.trust.presentProblemOf(certificate)
  return { info, counters: gate.counters, stop, end, prepareReload, certificateProblem }
}

/** Whether a listener could not be opened because the machine has no such address. */
export function isAddressMissing(error: unknown): boolean {
  const code = error instanceof BrokerError ? (error.cause as NodeJS.ErrnoException | undefined)?.code : undefined
  return code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT'
}

function listen(server: Server, options: ListenerOptions): Promise<ListenerInfo> {
  const { port, addressFamily } = options
  const host = options.host ?? (addressFamily === undefined ? undefined : anyAddress[addressFamily])
  return new Promise((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException) => {
      const where = `${host ?? 'all addresses'} port ${port}`
      const why = cause.code === 'EADDRINUSE' ? 'Address already in use' : cause.message
      reject(new BrokerError('ERR_LISTEN_FAILED', `cannot listen on ${where}: ${why}`, { port }, cause))
    }
    server.once('error', fail)
    const where = { port, backlog, ipv6Only: addressFamily === 'ipv6', ...(host === undefined ? undefined : { host }) }
    server.listen(where, () => {
      server.removeListener('error', fail)
      resolve(infoOf(server.address() as AddressInfo, options))
    })
  })
}

const anyAddress = { ipv4: '0.0.0.0', ipv6: '::' } as const

const schemes = { mqtt: 'mqtt', websockets: 'ws', 'notary-link': 'link' } as const

function infoOf(address: AddressInfo, { protocol, host: given, tls }: ListenerOptions): ListenerInfo {
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  const scheme = `${schemes[protocol]}${tls === undefined ? '' : 's'}`
  return {
    name: `${scheme}://${host}:${address.port}`,
    port: address.port,
    protocol,
    isTls: tls !== undefined,
    isLoopback: given !== undefined && isLoopback(address.address),
  }
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^127\.\d+\.\d+\.\d+$/.test(address)
}
