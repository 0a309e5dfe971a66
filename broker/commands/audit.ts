import { auditHelp } from '../../clients/cli/audit-help.ts'
import { bySubcommand, type Command, type RunsCommand } from '../../clients/cli/command.ts'
import { auditRecoverHelp } from './audit-recover-help.ts'

/** What is in the chain, what proves it, and its care; each part is loaded when it is called. */
export const audit: Command = {
  name: 'audit',
  help: `${auditHelp}\n\n${auditRecoverHelp}`,
  run: bySubcommand({
    status: async () => (await import('../../clients/cli/audit-status.ts')).auditStatus,
    query: async () => (await import('../../clients/cli/audit-query.ts')).auditQuery,
    tail: async () => (await import('../../clients/cli/audit-tail.ts')).auditTail,
    record: async () => (await import('../../clients/cli/audit-query.ts')).auditRecord,
    gaps: async () => (await import('../../clients/cli/audit-gaps.ts')).auditGaps,
    checkpoint: async () => (await import('../../clients/cli/audit-receipt.ts')).auditCheckpoint,
    receipt: async () => (await import('../../clients/cli/audit-receipt.ts')).auditReceipt,
    'verify-receipt': async () => (await import('../../clients/cli/verify-receipt.ts')).auditVerifyReceipt,
    verify,
    export: async () => (await import('./audit-export.ts')).auditExport,
    watch: async () => (await import('../../clients/cli/audit-watch.ts')).auditWatch,
    erase: async () => (await import('../../clients/cli/audit-erase.ts')).auditErase,
    backup,
    reindex: async () => (await import('./audit-reindex.ts')).auditReindex,
    recover: async () => (await import('./audit-recover.ts')).auditRecover,
  }),
}

/** `audit verify`, of whatever it is told to. */
async function verify(args: readonly string[]): Promise<RunsCommand> {
  if (isGiven('export', args)) return (await import('./audit-verify-export.ts')).auditVerifyExport
  if (isGiven('db', args)) return (await import('./audit-verify-db.ts')).auditVerifyDb
  return (await import('../../clients/cli/audit-verify.ts')).auditVerifyLive
}

/** `audit backup`, of a stopped broker or a running one. */
async function backup(args: readonly string[]): Promise<RunsCommand> {
  if (isGiven('db', args)) return (await import('./audit-backup-db.ts')).auditBackupDb
  return (await import('../../clients/cli/audit-backup.ts')).auditBackup
}

/** Whether an option that takes a value is among the arguments. */
function isGiven(name: string, args: readonly string[]): boolean {
  return args.some((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`))
}
