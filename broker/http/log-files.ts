import type { PublicLog } from '../../plugins/index.ts'
import { type LogFile, parseLogFilePath } from '../../protocol/index.ts'
import type { Answer } from './http-server.ts'
import { methodNotAllowed, notFound } from './pages.ts'

/** C2SP tlog-tiles: what a path of tiles or entries holds never changes; the checkpoint does all the time. */
const cacheControl = { lasting: 'public, max-age=31536000, immutable', checkpoint: 'no-cache' } as const

/**
 * Answers one request for a file of the log (C2SP tlog-tiles). A path is taken apart into numbers; nothing of it gets
 * to a disk.
 * @param target of the request line
 */
export async function answerFromLog(log: Pick<PublicLog, 'read'>, method: string, target: string): Promise<Answer> {
  const [path = ''] = target.split('?', 1)
  const file = path.startsWith('/') ? parseLogFilePath(path.slice(1)) : undefined
  if (file === undefined) return notFound
  if (method !== 'GET' && method !== 'HEAD') return methodNotAllowed
  const body = await log.read(file)
  return body === undefined ? notFound : { status: 200, body, ...headersOf(file) }
}

function headersOf({ kind }: LogFile): Pick<Answer, 'contentType' | 'cacheControl'> {
  return kind === 'checkpoint'
    ? { contentType: 'text/plain; charset=utf-8', cacheControl: cacheControl.checkpoint }
    : { contentType: 'application/octet-stream', cacheControl: cacheControl.lasting }
}
