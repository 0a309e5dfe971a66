import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, isIPv6 } from 'node:net'
import { BrokerError } from '../errors.ts'

/** One answer, complete. */
export interface Answer {
  readonly status: number
  readonly contentType: string
  readonly body: string | Uint8Array
  /** Default `no-store`. */
  readonly cacheControl?: string
  /** Of an answer 405: the methods that there are. */
  readonly allow?: string
}

/** One request, its body whole. */
export interface HttpRequest {
  readonly method: string
  /** Target of the request line, as it came. */
  readonly target: string
  readonly body: Uint8Array
}

export interface HttpServerOptions {
  /** What the server is for: begins the message when it cannot listen. */
  readonly purpose: string
  /** 0: any free one. */
  readonly port: number
  /** Default 127.0.0.1. */
  readonly host?: string | undefined
  /** Larger bodies are refused before they are read; 0: requests have none. */
  readonly maxBodyBytes: number
  /** What a larger body gets. */
  readonly tooLarge: Answer
  /** Requests that one connection may send, one after another. */
  readonly requestsPerConnection: number
  readonly answer: (request: HttpRequest) => Promise<Answer>
  /** What a request gets whose answer failed; `onError` is told why. */
  readonly failed: Answer
  readonly onError: (error: unknown) => void
}

/** A server that is open. */
export interface OpenHttpServer {
  /** `http://address:port` */
  readonly url: string
  readonly port: number
  /** Ends what is open. Resolves when the port is free. */
  close(): Promise<void>
}

const loopback = '127.0.0.1'
/** Who asks is a scraper, a log or a watcher; where strangers may ask, no more of them are served at a time. */
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
 * Opens a server with limits on everything that a stranger may send.
 * @throws {BrokerError} ERR_LISTEN_FAILED
 */
export async function openHttpServer(options: HttpServerOptions): Promise<OpenHttpServer> {
  const { requestsPerConnection, onError } = options
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
      respond(request, response, options).catch((error: unknown) => {
        onError(error)
        response.destroy()
      })
    },
  )
  server.maxHeadersCount = maxHeaders
  server.maxRequestsPerSocket = requestsPerConnection
  server.maxConnections = maxConnections
  server.setTimeout(timeouts.silentMs)
  // What is not HTTP is answered by Node with 400 and the end; an Upgrade is not offered, so Node takes it for a request.
  const { port, family, address } = await listen(server, options)
  server.on('error', onError)
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

async function respond(request: IncomingMessage, response: ServerResponse, options: HttpServerOptions): Promise<void> {
  const { method = '', url: target = '' } = request
  const read = await readBody(request, options.maxBodyBytes)
  if (read === 'aborted') return
  let content: Answer
  try {
    content = read === 'too-large' ? options.tooLarge : await options.answer({ method, target, body: read })
  } catch (error) {
    options.onError(error)
    content = options.failed
  }
  const body = Buffer.from(content.body)
  const isLast = read === 'too-large' || options.requestsPerConnection === 1
  response.writeHead(content.status, {
    'content-type': content.contentType,
    'content-length': body.length,
    'cache-control': content.cacheControl ?? 'no-store',
    'x-content-type-options': 'nosniff',
    ...(isLast ? { connection: 'close' } : undefined),
    ...(content.allow === undefined ? undefined : { allow: content.allow }),
  })
  response.end(method === 'HEAD' ? undefined : body)
}

/** Reads a body as far as it is admitted; of one that says to be larger, nothing. */
async function readBody(request: IncomingMessage, maxBytes: number): Promise<Uint8Array | 'too-large' | 'aborted'> {
  const { headers } = request
  const isChunked = headers['transfer-encoding'] !== undefined
  if (Number(headers['content-length'] ?? 0) > maxBytes || (isChunked && maxBytes === 0)) return 'too-large'
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      length += (chunk as Uint8Array).length
      if (length > maxBytes) return 'too-large'
      chunks.push(chunk as Uint8Array)
    }
  } catch (error) {
    // The client left, or took too long: there is nobody to answer.
    if (request.destroyed) return 'aborted'
    throw error
  }
  return Buffer.concat(chunks)
}

function listen(
  server: Server,
  { purpose, port, host = loopback }: Pick<HttpServerOptions, 'purpose' | 'port' | 'host'>,
): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException) => {
      const where = `${isIPv6(host) ? `[${host}]` : host} port ${port}`
      const why = cause.code === 'EADDRINUSE' ? 'Address already in use' : cause.message
      reject(new BrokerError('ERR_LISTEN_FAILED', `${purpose}: cannot listen on ${where}: ${why}`, { port }, cause))
    }
    server.once('error', fail)
    server.listen({ port, host }, () => {
      server.removeListener('error', fail)
      resolve(server.address() as AddressInfo)
    })
  })
}
