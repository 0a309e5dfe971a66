import { type AuditQueryParams, includable, type RecordJson, withoutUndefined } from '../../protocol/index.ts'
import { withAdminClient } from './admin-client.ts'
import { exitCode, integerOption, type Output, parseArguments, parseOptions, usageError } from './command.ts'
import { connectionOptions } from './connection.ts'
import { filterOf, filterOptions, queryRecords, timeOption } from './query-pages.ts'
import { recordLine, recordText } from './record-text.ts'

const json = { json: { type: 'boolean' } } as const

export async function auditQuery(args: readonly string[], output: Output): Promise<number> {
  const values = parseOptions(args, {
    ...connectionOptions,
    ...filterOptions,
    ...json,
    'from-time': { type: 'string' },
    'to-time': { type: 'string' },
    from: { type: 'string' },
    to: { type: 'string' },
    'newest-first': { type: 'boolean' },
    limit: { type: 'string' },
    payload: { type: 'boolean' },
  })
  const count = integerOption('--limit', values.limit, 1, Number.MAX_SAFE_INTEGER) ?? 100
  const query: AuditQueryParams = withoutUndefined({
    ...filterOf(values),
    fromTime: timeOption('--from-time', values['from-time']),
    toTime: timeOption('--to-time', values['to-time']),
    fromIndex: integerOption('--from', values.from, 0, Number.MAX_SAFE_INTEGER),
    toIndex: integerOption('--to', values.to, 0, Number.MAX_SAFE_INTEGER),
    order: values['newest-first'] ? ('desc' as const) : undefined,
    include: values.payload ? (['payload'] as const) : undefined,
  })
  const records: RecordJson[] = []
  await withAdminClient(values, async (admin) => {
    for await (const record of queryRecords(admin, query, count)) {
      if (values.json) records.push(record)
      else output.out(recordLine(record))
    }
  })
  if (values.json) output.out(JSON.stringify({ records }))
  return exitCode.ok
}

export async function auditRecord(args: readonly string[], output: Output): Promise<number> {
  const { values, positionals } = parseArguments(args, { ...connectionOptions, ...json })
  const [text, ...rest] = positionals
  const index = integerOption('N', text, 0, Number.MAX_SAFE_INTEGER)
  if (index === undefined || rest.length > 0) throw usageError('the index of one record is needed')
  const record = await withAdminClient(values, (admin) => {
    return admin.request('audit.record', { index, include: includable })
  })
  output.out(values.json ? JSON.stringify(record) : recordText(record))
  return exitCode.ok
}
