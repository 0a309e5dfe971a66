import { type Answer, type OpenHttpServer, openHttpServer } from './http-server.ts'
import { bodyNotTaken, failed } from './pages.ts'

/** One `notary_http` or `notary_http_log` line. */
export interface HttpListenerOptions {
  /** 0: any free one. */
  readonly port: number
  /** Default 127.0.0.1: whoever can ask learns how much the broker has to do. */
  readonly host?: string
}

export interface HttpListenerContext {
  /** Answers one request; what it rejects with `onError` is told, and the answer says nothing. */
  readonly answer: (method: string, target: string) => Promise<Answer>
  readonly onError: (error: unknown) => void
}

/**
 * Opens a listener that is read and nothing else. Each connection is for one request: a scrape or a look every few
 * seconds gains little from keeping it, and nobody can hold places by it.
 * @throws {BrokerError} ERR_LISTEN_FAILED
 */
export function openHttpListener(
  purpose: 'notary_http' | 'notary_http_log',
  { port, host }: HttpListenerOptions,
  context: HttpListenerContext,
): Promise<OpenHttpServer> {
  return openHttpServer({
    purpose,
    port,
    host,
    maxBodyBytes: 0,
    tooLarge: bodyNotTaken,
    requestsPerConnection: 1,
    answer: ({ method, target }) => context.answer(method, target),
    failed,
    onError: context.onError,
  })
}
