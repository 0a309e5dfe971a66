import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { WitnessAttemptFailed } from './trouble.ts'

/** What came over HTTP, whatever it says. */
export interface WitnessReply {
  readonly status: number
  readonly contentType: string
  readonly body: Uint8Array
}

/** A way to one witness. */
export interface WitnessConnection {
  /** @throws {WitnessAttemptFailed} unreachable, timeout, malformed-answer */
  post(body: string, signal: AbortSignal): Promise<WitnessReply>
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
  const url = below(prefix, 'add-checkpoint')
  const isTls = url.protocol === 'https:'
  const agentOptions = { keepAlive: true, maxSockets: 1 }
  const agent = isTls ? new HttpsAgent({ ...agentOptions, rejectUnauthorized: true }) : new HttpAgent(agentOptions)
  const send = (body: string, signal: AbortSignal, isAgain: boolean): Promise<WitnessReply> =>
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

/**
 * Gets one resource under the prefix of a witness, on a connection of its own. Certificates are verified, redirects are an
 * answer like any other.
 * @throws {WitnessAttemptFailed} unreachable, timeout, malformed-answer
 */
export async function getFrom(prefix: string, path: string, signal: AbortSignal): Promise<WitnessReply> {
  const url = below(prefix, path)
  const isTls = url.protocol === 'https:'
  const agent = isTls ? new HttpsAgent({ rejectUnauthorized: true }) : new HttpAgent()
  try {
    return await new Promise((resolve, reject) => {
      const request = (isTls ? httpsRequest : httpRequest)(url, { agent, signal })
      request.on('response', (response) => readAnswer(response).then(resolve, reject))
      request.on('error', reject)
      request.end()
    })
  } catch (error) {
    if (error instanceof WitnessAttemptFailed) throw error
    throw new WitnessAttemptFailed(signal.aborted ? 'timeout' : 'unreachable', error)
  } finally {
    agent.destroy()
  }
}

function below(prefix: string, path: string): URL {
  return new URL(`${prefix.replace(/\/+$/, '')}/${path}`)
}

async function readAnswer(response: IncomingMessage): Promise<WitnessReply> {
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
