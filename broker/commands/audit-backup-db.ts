import { printBackup } from '../../clients/cli/audit-backup.ts'
import { type Output, parseArguments, usageError } from '../../clients/cli/command.ts'
import { ProgressBar } from '../../clients/cli/progress-bar.ts'
import { backUp, LevelAuditStore, nativeCrypto, openStoreDatabase } from '../../plugins/index.ts'
import { decodeChainState } from '../../protocol/index.ts'
import { dataDirectoryOf } from './data-directory.ts'

/** `audit backup DIR --db DATA`: copies the data directory of a stopped broker. @returns 0 */
export async function auditBackupDb(args: readonly string[], output: Output): Promise<number> {
  const { values, positionals } = parseArguments(args, { db: { type: 'string' }, json: { type: 'boolean' } })
  const [target, ...others] = positionals
  if (target === undefined || others.length > 0) throw usageError('audit backup takes one directory')
  const location = dataDirectoryOf(values.db as string)
  const database = await openStoreDatabase(location, false)
  const bar = new ProgressBar(process.stderr)
  try {
    const state = await new LevelAuditStore(database).readState()
    const total = state === undefined ? 0 : decodeChainState(state, nativeCrypto).frontier.size
    const onProgress = (records: number) => bar.show({ records, total })
    const result = await backUp(database, location, target, { onProgress })
    return printBackup({ name: target, ...result }, values.json === true, output)
  } finally {
    bar.end()
    await database.close()
  }
}
