import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { exitCode, type Output, parseArguments, usageError } from '../../clients/cli/command.ts'
import { ProgressBar } from '../../clients/cli/progress-bar.ts'
import {
  type ExportSource,
  exportLog,
  openStoreDatabase,
  openStoredTree,
  PluginError,
  storedCheckpoint,
} from '../../plugins/index.ts'
import { dataDirectoryOf } from './data-directory.ts'

/**
 * `audit export DIR --db DATA`: brings an export up to the newest checkpoint of a stopped broker, or of a copy of its data.
 * @returns 0
 */
export async function auditExport(args: readonly string[], output: Output): Promise<number> {
  const { values, positionals } = parseArguments(args, { db: { type: 'string' }, json: { type: 'boolean' } })
  const [target, ...others] = positionals
  if (target === undefined || others.length > 0) throw usageError('audit export takes one directory')
  if (values.db === undefined) throw usageError('--db is needed; a running broker exports by notary_export')
  const directory = dataDirectoryOf(values.db)
  const database = await openStoreDatabase(directory, false)
  try {
    const note = (await storedCheckpoint(database))?.note
    if (note === undefined)
      throw new PluginError('ERR_CHECKPOINT_MISSING', `the store in ${directory} has no checkpoint`)
    const { store, state, tiles } = await openStoredTree(database)
    const source: ExportSource = { store, tiles, keys: publishedKeys(join(directory, 'keys')) }
    const total = state.frontier.size
    const bar = new ProgressBar(process.stderr)
    const onProgress = (records: number) => bar.show({ records, total })
    const { from, to } = await exportLog(source, note, target, { onProgress }).finally(() => bar.end())
    output.out(values.json ? JSON.stringify({ from, to }) : `${to} records, ${to - from} of them new`)
    return exitCode.ok
  } finally {
    await database.close()
  }
}

/** The public keys that the broker wrote for auditors. @throws {PluginError} ERR_KEY_FILE */
function publishedKeys(directory: string): ReadonlyMap<string, string> {
  const names = existsSync(directory) ? readdirSync(directory) : []
  const published = names.filter((name) => /^(?:broker\.pub\.pem|log\.vkey)(?:\.[1-9][0-9]*)?$/.test(name))
  if (!published.includes('log.vkey'))
    throw new PluginError('ERR_KEY_FILE', `${join(directory, 'log.vkey')} is missing`)
  return new Map(published.map((name) => [name, readFileSync(join(directory, name), 'utf8')]))
}
