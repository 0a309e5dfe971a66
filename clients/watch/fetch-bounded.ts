import { get as getHttp, type IncomingMessage } from 'node:http'
import { get as getHttps } from 'node:https'
import { ClientError } from '../errors.ts'

export interface FetchLimits {
  readonly maxBytes: number
  /** For the whole exchange. */
  readonly timeoutMs: number
  /** Authorities of the server's certificate, PEM. Default: those of the system. */
  readonly ca?: string
}

/**
 * Gets a resource whole. Redirects are not followed: a log is where it was said to be.
 * @returns undefined when there is no such resource (404)
 * @throws {ClientError} ERR_LOG_UNREACHABLE
 */
export function fetchBounded(url: URL, { maxBytes, timeoutMs, ca }: FetchLimits): Promise<Uint8Array | undefined> {
  const where = `${url.protocol}//${url.host}${url.pathname}`
  const unreachable = (why: string, cause?: unknown) =>
    new ClientError('ERR_LOG_UNREACHABLE', `${where}: ${why}`, {}, cause)
  return new Promise((resolve, reject) => {
    const options = { signal: AbortSignal.timeout(timeoutMs), ...(ca === undefined ? undefined : { ca }) }
    const request = (url.protocol === 'https:' ? getHttps : getHttp)(url, options, (response) => {
      if (response.statusCode === 404) {
        response.destroy()
        resolve(undefined)
      } else if (response.statusCode !== 200) {
        response.destroy()
        reject(unreachable(`status ${response.statusCode}`))
      } else collect(response, maxBytes).then(resolve, (error: Error) => reject(unreachable(error.message, error)))
    })
    request.on('error', (error) => reject(unreachable(error.message, error)))
  })
}

async function collect(response: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of response) {
    size += (part as Uint8Array).length
    if (size > maxBytes) throw new RangeError(`more than ${maxBytes} bytes`)
    parts.push(part as Uint8Array)
  }
  return Buffer.concat(parts)
}
