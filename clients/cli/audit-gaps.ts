import { withoutUndefined } from '../../protocol/index.ts'
import { longAnswerTimeoutMs, withAdminClient } from './admin-client.ts'
import { exitCode, integerOption, type Output, parseArguments } from './command.ts'
import { connectionOptions } from './connection.ts'
import { kidOf, onlyKey } from './key-options.ts'
import { pageSize } from './query-pages.ts'

/** `audit gaps KID`: numbers that a key used and the broker never saw. @returns 1 when there are any */
export async function auditGaps(args: readonly string[], output: Output): Promise<number> {
  const options = {
    ...connectionOptions,
    json: { type: 'boolean' },
    from: { type: 'string' },
    to: { type: 'string' },
    limit: { type: 'string' },
  } as const
  const { values, positionals } = parseArguments(args, options, true)
  const wanted = onlyKey(positionals)
  const range = withoutUndefined({
    fromSeq: integerOption('--from', values.from, 0, Number.MAX_SAFE_INTEGER),
    toSeq: integerOption('--to', values.to, 0, Number.MAX_SAFE_INTEGER),
    limit: integerOption('--limit', values.limit, 1, pageSize),
  })
  const result = await withAdminClient(values, async (admin) => {
    return admin.request('audit.gaps', { kid: await kidOf(admin, wanted), ...range }, longAnswerTimeoutMs)
  })
  if (values.json) output.out(JSON.stringify(result))
  else {
    for (const [from, to] of result.missing) output.out(from === to ? `${from}` : `${from}-${to}`)
    if (result.cursor !== null) output.out(`more: --from ${result.cursor}`)
    output.out(result.highest === null ? 'nothing accepted yet' : `highest ${result.highest}`)
  }
  return result.missing.length === 0 ? exitCode.ok : exitCode.no
}
