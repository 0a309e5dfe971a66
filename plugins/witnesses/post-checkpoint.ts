import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { WitnessAttemptFailed } from './trouble.ts'

/** The answer to one `add-checkpoint`, whatever it says. */
export interface PostAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: Uint8Array
}

/** A way to one witness. */
export interface WitnessConnection {
  /** @throws {WitnessAttemptFailed} unreachable, timeout, malformed-answer */
  post(body: string, signal: AbortSignal): Promise<PostAnswer>
  close(): void
}

/** From the beginning to the last byte of the answer. */
const timeoutMs = 20_000
/** A cosignature takes 150 bytes; one of a post-quantum key 3,400. */
const maxAnswerBytes = 64 * 1024

/**
 * Posts to `<prefix>/add-checkpoint`, one request at a time on one connection. Certificates are verified, redirects are an
 * answer like any other.
 * @param prefix submission prefix, http or https
 */
export function connectToWitness(prefix: string): WitnessConnection {
  const url = new URL(`${prefix.replace(/\/+$/, '')}/add-checkpoint`)
  const isTls = url.protocol === 'https:'
  const agentOptions = { keepAlive: true, maxSockets: 1 }
  const agent = isTls ? new HttpsAgent({ ...agentOptions, rejectUnauthorized: true }) : new HttpAgent(agentOptions)
  const send = (body: string, signal: AbortSignal, isAgain: boolean): Promise<PostAnswer> =>
    new Promise((resolve, reject) => {
      const headers = { 'content-type': 'text/plain; charset=utf-8', 'content-length': Buffer.byteLength(body) }
      const request = (isTls ? httpsRequest : httpRequest)(url, { method: 'POST', agent, headers, signal })
      request.on('response', (response) => readAnswer(response).then(resolve, reject))
      request.on('error', (error: NodeJS.ErrnoException) => {
        // The witness closed a connection that was kept open just as it was used again.
        const isStale = request.reusedSocket && error.code === 'ECONNRESET' && !isAgain
        if (isStale) send(body, signal, true).then(resolve, reject)
        else reject(error)
      })
      request.end(body)
    })
  return {
    post: async (body, signal) => {
      const timeout = AbortSignal.timeout(timeoutMs)
      try {
        return await send(body, AbortSignal.any([signal, timeout]), false)
      } catch (error) {
        if (error instanceof WitnessAttemptFailed) throw error
        throw new WitnessAttemptFailed(timeout.aborted ? 'timeout' : 'unreachable', error)
      }
    },
    close: () => agent.destroy(),
  }
}

async function readAnswer(response: IncomingMessage): Promise<PostAnswer> {
  const { statusCode: status = 0, headers } = response
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response) {
    length += (chunk as Uint8Array).length
    // Leaving the loop ends the connection.
    if (length > maxAnswerBytes) throw new WitnessAttemptFailed('malformed-answer')
    chunks.push(chunk as Uint8Array)
  }
  return { status, contentType: headers['content-type'] ?? '', body: Buffer.concat(chunks) }
}
