import type { RecordJson } from '../../protocol/index.ts'
import { type AdminClient, withAdminClient } from './admin-client.ts'
import { ChainGrowth } from './chain-growth.ts'
import { exitCode, integerOption, type Output, parseOptions } from './command.ts'
import { connectionOptions } from './connection.ts'
import { filterOf, filterOptions, queryRecords } from './query-pages.ts'
import { recordLine } from './record-text.ts'

/** The newest records, oldest of them first, and those that come until it is interrupted. */
export async function auditTail(args: readonly string[], output: Output): Promise<number> {
  const values = parseOptions(args, {
    ...connectionOptions,
    ...filterOptions,
    lines: { type: 'string', short: 'n' },
    follow: { type: 'boolean', short: 'f' },
    json: { type: 'boolean' },
  })
  const count = integerOption('-n', values.lines, 0, 100_000) ?? 10
  const filter = filterOf(values)
  const show = (record: RecordJson) => output.out(values.json ? JSON.stringify(record) : recordLine(record))
  return untilInterrupted((interrupted) => {
    return withAdminClient(values, async (admin) => {
      const growth = values.follow ? await ChainGrowth.follow(admin, interrupted) : undefined
      const toIndex = await newestIndex(admin)
      const newest: RecordJson[] = []
      for await (const record of queryRecords(admin, { ...filter, toIndex, order: 'desc' }, count)) newest.push(record)
      for (const record of newest.reverse()) show(record)
      for (let next = toIndex + 1; growth !== undefined; ) {
        const last = await growth.reaches(next)
        if (last === undefined) break
        const range = { fromIndex: next, toIndex: last }
        for await (const record of queryRecords(admin, { ...filter, ...range }, Number.MAX_SAFE_INTEGER)) {
          show(record)
          next = record.index + 1
        }
        // So that what does not match is not looked at again.
        if (last !== Number.MAX_SAFE_INTEGER) next = last + 1
      }
      return exitCode.ok
    })
  })
}

/** Of the records that this client may see; 0, the genesis, when there is none. */
async function newestIndex(admin: AdminClient): Promise<number> {
  for await (const { index } of queryRecords(admin, { order: 'desc' }, 1)) return index
  return 0
}

/** Gives a signal that comes with the first SIGINT, which does not end the process then; a second one does. */
async function untilInterrupted<T>(use: (interrupted: AbortSignal) => Promise<T>): Promise<T> {
  const interruption = new AbortController()
  const onInterrupt = () => interruption.abort()
  process.once('SIGINT', onInterrupt)
  try {
    return await use(interruption.signal)
  } finally {
    process.removeListener('SIGINT', onInterrupt)
  }
}
