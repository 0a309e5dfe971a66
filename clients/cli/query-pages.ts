import type { AuditQueryParams, Outcome, RecordJson, RecordKind } from '../../protocol/index.ts'
import { outcomes, parseTimeText, recordKinds, withoutUndefined } from '../../protocol/index.ts'
import type { AdminClient } from './admin-client.ts'
import { usageError } from './command.ts'

/** The server's largest page. */
export const pageSize = 1000

/** Flags that say which records are meant. */
export const filterOptions = {
  topic: { type: 'string' },
  client: { type: 'string' },
  kid: { type: 'string' },
  outcome: { type: 'string' },
  kind: { type: 'string' },
} as const

interface FilterFlags {
  readonly topic?: string | undefined
  readonly client?: string | undefined
  readonly kid?: string | undefined
  readonly outcome?: string | undefined
  readonly kind?: string | undefined
}

/** @throws {ClientError} ERR_USAGE */
export function filterOf({ topic, client, kid, outcome, kind }: FilterFlags): AuditQueryParams {
  checkWord('--outcome', outcome, outcomes)
  checkWord('--kind', kind, recordKinds)
  return withoutUndefined({
    topic,
    clientId: client,
    kid,
    outcome: outcome as Outcome | undefined,
    kind: kind as RecordKind | undefined,
  })
}

function checkWord(name: string, word: string | undefined, words: object): void {
  if (word === undefined || Object.hasOwn(words, word)) return
  throw usageError(`${name} takes ${Object.keys(words).join(', ')}, not ${word}`)
}

/** A time as it was given, checked. @throws {ClientError} ERR_USAGE */
export function timeOption(name: string, text: string | undefined): string | undefined {
  if (text !== undefined && parseTimeText(text) === undefined) {
    throw usageError(`${name} is a time such as 2026-03-01T08:00:00Z, not ${text}`)
  }
  return text
}

/**
 * All records that match, page by page, `count` at most.
 * @throws {ClientError} ERR_ADMIN, ERR_TIMEOUT, ERR_CONNECTION
 */
export async function* queryRecords(
  admin: AdminClient,
  params: AuditQueryParams,
  count: number,
): AsyncGenerator<RecordJson> {
  let left = count
  let cursor: string | null | undefined
  // A page may be empty and still have a cursor: the broker reads so much for one page and no more.
  while (left > 0 && cursor !== null) {
    const next = cursor === undefined ? undefined : { cursor }
    const page = await admin.request('audit.query', { ...params, limit: Math.min(left, pageSize), ...next })
    yield* page.records
    left -= page.records.length
    cursor = page.cursor
  }
}
