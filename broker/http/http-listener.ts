import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, isIPv6 } from 'node:net'
import { BrokerError } from '../errors.ts'
import { type Answer, bodyNotTaken, failed } from './pages.ts'

/** One `notary_http` or `notary_http_log` line. */
export interface HttpListenerOptions {
  /** 0: any free one. */
  readonly port: number
  /** Default 127.0.0.1: whoever can ask learns how much the broker has to do. */
  readonly host?: string
}

/** A listener that is open. */
export interface OpenHttpListener {
  /** `http://address:port` */
  readonly url: string
  readonly port: number
  /** Ends what is open. Resolves when the port is free. */
  close(): Promise<void>
}

export interface HttpListenerContext {
  /** Answers one request; what it rejects with `onError` is told, and the answer says nothing. */
  readonly answer: (method: string, target: string) => Promise<Answer>
  readonly onError: (error: unknown) => void
}

const loopback = '127.0.0.1'
/** Scrapers are few. */
const maxConnections = 64
const maxHeaderBytes = 8192
const maxHeaders = 64
const timeouts = {
  /** From the connection to the end of the headers. */
  headersMs: 5000,
  /** From the connection to the end of the request. */
  requestMs: 10_000,
  /** How often the two above are looked at. */
  checkMs: 1000,
  /** A connection on which nothing happens, in either direction. */
  silentMs: 15_000,
}

/**
 * Opens a listener that is read and nothing else. Each connection is for one request: a scrape every few
 * seconds gains nothing from keeping it, and nobody can hold places by it.
 * @throws {BrokerError} ERR_LISTEN_FAILED
 */
export async function openHttpListener(
  options: HttpListenerOptions,
  context: HttpListenerContext,
): Promise<OpenHttpListener> {
  const server = createServer(
    {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: timeouts.headersMs,
      requestTimeout: timeouts.requestMs,
      connectionsCheckingInterval: timeouts.checkMs,
      keepAlive: false,
      requireHostHeader: false,
    },
    (request, response) => {
      respond(request, response, context).catch((error: unknown) => {
        context.onError(error)
        response.destroy()
      })
    },
  )
  server.maxHeadersCount = maxHeaders
  server.maxRequestsPerSocket = 1
  server.maxConnections = maxConnections
  server.setTimeout(timeouts.silentMs)
  // What is not HTTP is answered by Node with 400 and the end; an Upgrade is not offered, so Node takes it for a request.
  const { port, family, address } = await listen(server, options)
  server.on('error', context.onError)
  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
    return closed
  }
  return { url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`, port, close }
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  context: HttpListenerContext,
): Promise<void> {
  const { method = '', url = '', headers } = request
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  let content: Answer
  try {
    content = hasBody ? bodyNotTaken : await context.answer(method, url)
  } catch (error) {
    context.onError(error)
    content = failed
  }
  const body = Buffer.from(content.body)
  response.writeHead(content.status, {
    'content-type': content.contentType,
    'content-length': body.length,
    'cache-control': content.cacheControl ?? 'no-store',
    'x-content-type-options': 'nosniff',
    connection: 'close',
    ...(content.status === 405 ? { allow: 'GET, HEAD' } : undefined),
  })
  response.end(method === 'HEAD' ? undefined : body)
}

function listen(server: Server, { port, host = loopback }: HttpListenerOptions): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException) => {
      const where = `${isIPv6(host) ? `[${host}]` : host} port ${port}`
      const why = cause.code === 'EADDRINUSE' ? 'Address already in use' : cause.message
      reject(new BrokerError('ERR_LISTEN_FAILED', `notary_http: cannot listen on ${where}: ${why}`, { port }, cause))
    }
    server.once('error', fail)
    server.listen({ port, host }, () => {
      server.removeListener('error', fail)
      resolve(server.address() as AddressInfo)
    })
  })
}
