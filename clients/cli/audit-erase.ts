import { type AuditEraseResult, withoutUndefined } from '../../protocol/index.ts'
import { longAnswerTimeoutMs, withAdminClient } from './admin-client.ts'
import { exitCode, integerOption, type Output, parseOptions, usageError } from './command.ts'
import { connectionOptions } from './connection.ts'

/** `audit erase`: takes payloads or records out of a running broker, by a record that says so. @throws {ClientError} ERR_USAGE */
export async function auditErase(args: readonly string[], output: Output): Promise<number> {
  const values = parseOptions(args, {
    ...connectionOptions,
    json: { type: 'boolean' },
    topic: { type: 'string' },
    client: { type: 'string' },
    from: { type: 'string' },
    to: { type: 'string' },
    what: { type: 'string' },
    reason: { type: 'string' },
    'dry-run': { type: 'boolean' },
  })
  const { what, reason, 'dry-run': dryRun } = values
  if (what !== 'bodies' && what !== 'records') throw usageError('--what is bodies or records')
  if (reason === undefined) throw usageError('--reason is needed: it stands in the record')
  const selection = withoutUndefined({
    topic: values.topic,
    clientId: values.client,
    fromIndex: integerOption('--from', values.from, 0, Number.MAX_SAFE_INTEGER),
    toIndex: integerOption('--to', values.to, 0, Number.MAX_SAFE_INTEGER),
    dryRun,
  })
  const result = await withAdminClient(values, (admin) =>
    admin.request('audit.erase', { what, reason, ...selection }, longAnswerTimeoutMs),
  )
  output.out(values.json ? JSON.stringify(result) : resultText(result, dryRun === true))
  return exitCode.ok
}

function resultText({ records, bytes, pinned, ranges, rangeCount, announcedAt }: AuditEraseResult, isDryRun: boolean) {
  const where = ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`))
  if (rangeCount > ranges.length) where.push(`and ${rangeCount - ranges.length} more ranges`)
  const said = announcedAt.length === 0 ? '' : `, announced by record ${announcedAt.join(', ')}`
  return [
    `${isDryRun ? 'would erase' : 'erased'} ${records} records, ${bytes} bytes${said}`,
    ...(where.length === 0 ? [] : [`indexes ${where.join(', ')}`]),
    ...(pinned === 0 ? [] : [`${pinned} more stay until they are delivered, or replaced as retained messages`]),
  ].join('\n')
}
