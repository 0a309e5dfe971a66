import type { Witness } from '../../plugins/index.ts'
import { maxNoteBytes } from '../../protocol/index.ts'
import { type Answer, type HttpRequest, type OpenHttpServer, openHttpServer } from './http-server.ts'

export interface WitnessServerOptions {
  /** 0: any free one. */
  readonly port: number
  /** Default 127.0.0.1. */
  readonly host?: string | undefined
  readonly witness: Witness
  readonly onError: (error: unknown) => void
}

/** A log that submits every few seconds keeps its connection, as C2SP tlog-witness asks. */
const requestsPerConnection = 1000

const plain = (status: number, body: string): Answer => ({
  status,
  contentType: 'text/plain; charset=utf-8',
  body: `${body}\n`,
})
const notFound = plain(404, 'not found')

/**
 * Opens the two interfaces of a witness under one prefix: `POST /add-checkpoint`, and `GET /<hex of SHA-256 of the
 * origin>/checkpoint`, what was cosigned last.
 * @throws {BrokerError} ERR_LISTEN_FAILED
 */
export function openWitnessServer({ port, host, witness, onError }: WitnessServerOptions): Promise<OpenHttpServer> {
  return openHttpServer({
    purpose: 'witness',
    port,
    host,
    maxBodyBytes: maxNoteBytes,
    tooLarge: plain(413, 'too large'),
    requestsPerConnection,
    answer: (request) => answer(witness, request),
    failed: plain(500, 'error'),
    onError,
  })
}

async function answer(witness: Witness, { method, target, body }: HttpRequest): Promise<Answer> {
  const path = target.split('?', 1)[0] ?? ''
  if (path === '/add-checkpoint') {
    return method === 'POST' ? witness.answer(body) : { ...plain(405, 'POST only'), allow: 'POST' }
  }
  const [, originHash] = /^\/([0-9a-f]{64})\/checkpoint$/.exec(path) ?? []
  if (originHash === undefined) return notFound
  if (method !== 'GET' && method !== 'HEAD') return { ...plain(405, 'GET only'), allow: 'GET, HEAD' }
  const note = await witness.checkpointOf(originHash)
  return note === undefined ? notFound : { ...plain(200, ''), body: note }
}
