import type { Metrics } from '../metrics/index.ts'
import type { Answer } from './http-server.ts'
import { type ReadinessSource, reasonsAgainst } from './readiness.ts'

export interface PagesSource {
  readonly metrics: Metrics
  readonly readiness: () => ReadinessSource
}

const json = 'application/json; charset=utf-8'

const answerOf = (status: number, body: unknown): Answer => ({
  status,
  contentType: json,
  body: `${JSON.stringify(body)}\n`,
})

/** Everything there is, by path. */
const pages: ReadonlyMap<string, (source: PagesSource) => Answer | Promise<Answer>> = new Map<
  string,
  (source: PagesSource) => Answer | Promise<Answer>
>([
  ['/metrics', async ({ metrics }) => ({ status: 200, contentType: metrics.contentType, body: await metrics.text() })],
  // Whoever gets this answer knows that the process runs and its event loop turns.
  ['/healthz', () => answerOf(200, { status: 'ok' })],
  [
    '/readyz',
    ({ readiness }) => {
      const reasons = reasonsAgainst(readiness())
      return reasons.length === 0 ? answerOf(200, { status: 'ready' }) : answerOf(503, { status: 'not-ready', reasons })
    },
  ],
])

export const notFound: Answer = answerOf(404, { status: 'not-found' })
export const methodNotAllowed: Answer = { ...answerOf(405, { status: 'method-not-allowed' }), allow: 'GET, HEAD' }
export const failed: Answer = answerOf(500, { status: 'error' })
/** Requests with a body have no business here. */
export const bodyNotTaken: Answer = answerOf(413, { status: 'no-body-expected' })

/**
 * Answers one request for metrics or health. The path is compared as it came: nothing is decoded, and nothing is looked up on a disk.
 * @param target of the request line
 */
export async function answer(source: PagesSource, method: string, target: string): Promise<Answer> {
  const path = target.split('?', 1)[0] ?? ''
  const page = pages.get(path)
  if (page === undefined) return notFound
  if (method !== 'GET' && method !== 'HEAD') return methodNotAllowed
  return page(source)
}
