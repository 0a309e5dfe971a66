import type { AuditQueryParams, Outcome, RecordJson } from '../../protocol/index.ts'
import { outcomes, parseTimeText, withoutUndefined } from '../../protocol/index.ts'
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
} as const

interface FilterFlags {
  readonly topic?: string | undefined
  readonly client?: string | undefined
  readonly kid?: string | undefined
  readonly outcome?: string | undefined
}

/** @throws {ClientError} ERR_USAGE */
export function filterOf({ topic, client, kid, outcome }: FilterFlags): AuditQueryParams {
  if (outcome !== undefined && !Object.hasOwn(outcomes, outcome)) {
    throw usageError(`--outcome takes ${Object.keys(outcomes).join(', ')}, not ${outcome}`)
  }
  return withoutUndefined({ topic, clientId: client, kid, outcome: outcome as Outcome | undefined })
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
