import { type OpenHttpServer, openHttpServer } from './http-server.ts'
import { answer, bodyNotTaken, failed, type PagesSource } from './pages.ts'

/** One `notary_http` line. */
export interface HttpListenerOptions {
  /** 0: any free one. */
  readonly port: number
  /** Default 127.0.0.1: whoever can ask learns how much the broker has to do. */
  readonly host?: string
}

/** A listener that is open. */
export type OpenHttpListener = OpenHttpServer

export interface HttpListenerContext extends PagesSource {
  readonly onError: (error: unknown) => void
}

/**
 * Opens the listener for `/metrics`, `/healthz` and `/readyz`. Each connection is for one request: a scrape every few
 * seconds gains nothing from keeping it, and nobody can hold places by it.
 * @throws {BrokerError} ERR_LISTEN_FAILED
 */
export function openHttpListener(
  { port, host }: HttpListenerOptions,
  context: HttpListenerContext,
): Promise<OpenHttpListener> {
  return openHttpServer({
    purpose: 'notary_http',
    port,
    host,
    maxBodyBytes: 0,
    tooLarge: bodyNotTaken,
    requestsPerConnection: 1,
    answer: ({ method, target }) => answer(context, method, target),
    failed,
    onError: context.onError,
  })
}
