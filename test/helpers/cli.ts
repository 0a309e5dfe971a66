import {
  auditBackup,
  auditCheckpoint,
  auditGaps,
  auditQuery,
  auditReceipt,
  auditRecord,
  auditStatus,
  auditTail,
  auditVerifyLive,
  auditVerifyReceipt,
  bySubcommand,
  type Command,
  enroll,
  identityCommand,
  keygen,
  keys,
  pub,
  revoke,
  rotate,
  runCommand,
} from '../../clients/cli/index.ts'
import type { Ended } from './processes.ts'

const audit: Command = {
  name: 'audit',
  summary: '',
  help: '',
  run: bySubcommand({
    status: auditStatus,
    query: auditQuery,
    tail: auditTail,
    record: auditRecord,
    gaps: auditGaps,
    backup: auditBackup,
    verify: auditVerifyLive,
    checkpoint: auditCheckpoint,
    receipt: auditReceipt,
    'verify-receipt': auditVerifyReceipt,
  }),
}

const commands: Readonly<Record<string, Command>> = {
  audit,
  enroll,
  identity: identityCommand,
  keygen,
  keys,
  pub,
  revoke,
  rotate,
}

/**
 * Runs a command in this process: what `runCli` does but for the second that a process takes to start. For the many
 * variants of a command that some test has run for real.
 */
export async function runCommandHere(
  command: Command,
  args: readonly string[],
): Promise<Ended & { readonly code: number }> {
  let stdout = ''
  let stderr = ''
  const code = await runCommand(command, args, {
    out: (text) => {
      stdout += `${text}\n`
    },
    error: (text) => {
      stderr += `${text}\n`
    },
  })
  return { code, stdout, stderr }
}

/** Runs a command of `clients/`, whose name comes first, in this process. */
export async function runHere(...[name = '', ...args]: readonly string[]): Promise<Ended> {
  const command = commands[name]
  if (command === undefined) throw new Error(`no command ${name}`)
  return runCommandHere(command, args)
}
