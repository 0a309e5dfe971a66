import type { AuditBackupResult } from '../../protocol/index.ts'
import { longAnswerTimeoutMs, withAdminClient } from './admin-client.ts'
import { exitCode, type Output, parseArguments, usageError } from './command.ts'
import { connectionOptions } from './connection.ts'
import { ProgressBar } from './progress-bar.ts'

/** `audit backup NAME`: has a running broker copy its data directory. @throws {ClientError} ERR_USAGE */
export async function auditBackup(args: readonly string[], output: Output): Promise<number> {
  const { values, positionals } = parseArguments(args, { ...connectionOptions, json: { type: 'boolean' } })
  const [name, ...others] = positionals
  if (name === undefined || others.length > 0) throw usageError('audit backup takes one name')
  const bar = new ProgressBar(process.stderr)
  const result = await withAdminClient(values, (admin) =>
    admin.request('audit.backup', { name }, longAnswerTimeoutMs, (progress) => bar.show(progress)),
  ).finally(() => bar.end())
  return printBackup(result, values.json === true, output)
}

export function printBackup(result: AuditBackupResult, isJson: boolean, output: Output): number {
  const { name, records, bytes } = result
  output.out(isJson ? JSON.stringify(result) : `${name}: ${records} records, ${bytes} bytes, with the private keys`)
  return exitCode.ok
}
