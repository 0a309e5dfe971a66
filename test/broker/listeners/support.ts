import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { connect as connectTls, type TLSSocket, type ConnectionOptions as TlsConnectionOptions } from 'node:tls'
import { WebSocket } from 'ws'
import {
  AddressCounts,
  type Arrival,
  type ListenerContext,
  type ListenerOptions,
  type OpenListener,
  openListener,
  type Transport,
} from '../../../broker/listeners/index.ts'
import { type Identity, TestAuthority } from '../../helpers/certificates.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

/** A connection as a listener hands it over. */
export interface Accepted {
  readonly transport: Transport
  readonly arrival: Arrival
}

export interface TestListener {
  readonly listener: OpenListener
  readonly port: number
  /** With the options it was opened with, but for these. */
  prepareReload(changes?: Partial<ListenerOptions>): () => void
  /** In order of arrival. */
  readonly accepted: readonly Accepted[]
  readonly notices: readonly string[]
  readonly warnings: readonly string[]
  /** What the listener called errors of its own; a test that has any fails. */
  readonly errors: readonly unknown[]
}

export interface TestListenerSettings extends Partial<ListenerContext> {
  /** What to do with a connection. Default: `echo`. */
  readonly accept?: (transport: Transport, arrival: Arrival) => void
  /** Without a host: on every address. */
  readonly onAllAddresses?: boolean
}

/** Opens a listener on a free port, of 127.0.0.1 unless told otherwise; it ends with the test, which fails on its errors. */
export async function openTestListener(
  t: TestContext,
  options: Partial<ListenerOptions> = {},
  { accept = echo, onAllAddresses = false, ...context }: TestListenerSettings = {},
): Promise<TestListener> {
  const accepted: Accepted[] = []
  const notices: string[] = []
  const warnings: string[] = []
  const errors: unknown[] = []
  const complete: ListenerOptions = {
    protocol: 'mqtt',
    port: 0,
    ...(onAllAddresses ? {} : { host: '127.0.0.1' }),
    ...options,
  }
  const listener = await openListener(
    complete,
    (transport, arrival) => {
      accepted.push({ transport, arrival })
      accept(transport, arrival)
    },
    {
      addresses: new AddressCounts(() => 0),
      connectTimeoutMs: 30_000,
      onError: (error) => errors.push(error),
      onNotice: (message) => notices.push(message),
      onWarning: (message) => warnings.push(message),
      ...context,
    },
  )
  atEnd(t, async () => {
    await listener.end()
    if (errors.length > 0) throw new AggregateError(errors)
  })
  const prepareReload = (changes: Partial<ListenerOptions> = {}) => listener.prepareReload({ ...complete, ...changes })
  return { listener, port: listener.info.port, prepareReload, accepted, notices, warnings, errors }
}

/** Sends back what comes, no faster than the peer takes it. */
export function echo(transport: Transport, arrival: Arrival): void {
  arrival.connected()
  transport.onData((chunk) => {
    if (!transport.write(chunk)) transport.pause()
  })
  transport.onDrain(() => transport.resume())
}

/** A TCP connection to a loopback address; destroyed when the test ends. */
export async function openTcp(t: TestContext, port: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ host, port, noDelay: true })
  watch(t, socket)
  await once(socket, 'connect')
  return socket
}

/** A TLS connection. @throws when the handshake fails */
export async function openTls(t: TestContext, port: number, options: TlsConnectionOptions): Promise<TLSSocket> {
  const socket = connectTls({ host: '127.0.0.1', port, servername: 'localhost', ...options })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.once('secureConnect', resolve)
  })
  watch(t, socket)
  return socket
}

/** A WebSocket that is open. @throws when the upgrade fails */
export async function openWebSocket(
  t: TestContext,
  url: string,
  options: ConstructorParameters<typeof WebSocket>[2] = {},
  protocols: string | string[] = 'mqtt',
): Promise<WebSocket> {
  const webSocket = new WebSocket(url, protocols, options)
  atEnd(t, () => webSocket.terminate())
  await new Promise<void>((resolve, reject) => {
    webSocket.once('error', reject)
    webSocket.once('open', resolve)
  })
  webSocket.on('error', () => {
    // Tests look at the close.
  })
  return webSocket
}

/** Resolves when a socket is gone, however it went; what it still receives is dropped. */
export function closed(socket: Socket): Promise<void> {
  socket.resume()
  return new Promise((resolve) => {
    if (socket.destroyed) resolve()
    else socket.once('close', () => resolve())
  })
}

/** Resolves with the close code. */
export function closeCode(webSocket: WebSocket): Promise<number> {
  return new Promise((resolve) => webSocket.once('close', (code) => resolve(code)))
}

/** Resolves when `condition` holds; the runner's own time limit ends a test that waits in vain. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** Collects exactly `length` bytes. */
export function receive(socket: Socket, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let received = 0
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      received += chunk.length
      if (received >= length) resolve(Buffer.concat(chunks))
    })
    socket.once('close', () => reject(new Error(`closed after ${received} of ${length} bytes`)))
  })
}

export interface TestCertificates {
  readonly authority: TestAuthority
  readonly server: Identity
  readonly client: Identity
}

/** An authority with one server and one client. */
export async function createCertificates(t: TestContext): Promise<TestCertificates> {
  const authority = await TestAuthority.create(temporaryDirectory(t))
  return {
    authority,
    server: await authority.issue({ name: 'localhost', use: 'server' }),
    client: await authority.issue({ name: 'press-7', use: 'client' }),
  }
}

function watch(t: TestContext, socket: Socket): void {
  atEnd(t, () => socket.destroy())
  socket.on('error', () => {
    // Being reset is one of the answers; tests look at the close.
  })
}
