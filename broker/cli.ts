#!/usr/bin/env node
import {
  auditBackup,
  auditCheckpoint,
  auditErase,
  auditGaps,
  auditHelp,
  auditQuery,
  auditReceipt,
  auditRecord,
  auditStatus,
  auditTail,
  auditVerifyLive,
  auditVerifyReceipt,
  auditWatch,
  bySubcommand,
  type Command,
  enroll,
  exitCode,
  identityCommand,
  keygen,
  lab,
  type Output,
  passwdCommand,
  pub,
  revoke,
  rotate,
  runCommand,
  standardOutput,
} from '../clients/cli/index.ts'
import { changePasswordFile } from '../plugins/index.ts'
import { auditBackupDb } from './commands/audit-backup-db.ts'
import { auditExport } from './commands/audit-export.ts'
import { auditRecover, auditRecoverHelp } from './commands/audit-recover.ts'
import { auditReindex } from './commands/audit-reindex.ts'
import { auditVerifyDb } from './commands/audit-verify-db.ts'
import { auditVerifyExport } from './commands/audit-verify-export.ts'
import { certs } from './commands/certs.ts'
import { checkConfig } from './commands/check-config.ts'
import { keysOfAll } from './commands/notary-keys.ts'
import { brokerHelp, runBroker } from './commands/run-broker.ts'
import { witnessCommand } from './commands/witness.ts'
import { version } from './version.ts'

const audit: Command = {
  name: 'audit',
  summary: 'query the chain, prove what is in it, verify it',
  help: `${auditHelp}\n\n${auditRecoverHelp}`,
  run: bySubcommand({
    status: auditStatus,
    query: auditQuery,
    tail: auditTail,
    record: auditRecord,
    gaps: auditGaps,
    checkpoint: auditCheckpoint,
    receipt: auditReceipt,
    'verify-receipt': auditVerifyReceipt,
    verify: auditVerify,
    export: auditExport,
    watch: auditWatch,
    erase: auditErase,
    backup: (args, output) => (isGiven('db', args) ? auditBackupDb(args, output) : auditBackup(args, output)),
    reindex: auditReindex,
    recover: auditRecover,
  }),
}

/** `audit verify`, of whatever it is told to. */
function auditVerify(args: readonly string[], output: Output): Promise<number> {
  if (isGiven('export', args)) return auditVerifyExport(args, output)
  return isGiven('db', args) ? auditVerifyDb(args, output) : auditVerifyLive(args, output)
}

/** Whether an option that takes a value is among the arguments. */
function isGiven(name: string, args: readonly string[]): boolean {
  return args.some((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`))
}

const passwd = passwdCommand(changePasswordFile)

const commands: readonly Command[] = [
  checkConfig,
  passwd,
  certs,
  keygen,
  enroll,
  revoke,
  rotate,
  keysOfAll,
  pub,
  identityCommand,
  audit,
  witnessCommand,
  lab,
]

const help = `notarymq: the MQTT broker that people trust with the truth

Usage: notarymq [broker] [-c FILE] [-p PORT] [-v]     start the broker
       notarymq COMMAND ...

${commands.map(({ name, summary }) => `  ${name.padEnd(14)}${summary}`).join('\n')}

'notarymq COMMAND --help' explains each; 'notarymq broker --help' the broker.`

/** @returns the exit code */
async function main(args: readonly string[], output: Output): Promise<number> {
  const [first, ...rest] = args
  if (first === '--help' || first === 'help') {
    output.out(help)
    return exitCode.ok
  }
  if (first === '--version') {
    output.out(version)
    return exitCode.ok
  }
  if (first === undefined || first === 'broker' || first.startsWith('-')) {
    const brokerArgs = first === 'broker' ? rest : args
    if (!brokerArgs.includes('--help')) {
      // Whoever read the log may be gone; the broker stays.
      for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
      return runBroker(brokerArgs)
    }
    output.out(brokerHelp)
    return exitCode.ok
  }
  const command = commands.find(({ name }) => name === first)
  if (command !== undefined) {
    // A reader that has enough, as `head`, is no failure; output that is lost otherwise is one.
    process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
      process.exit(code === 'EPIPE' ? exitCode.ok : exitCode.usage)
    })
    return runCommand(command, rest, output)
  }
  output.error(`notarymq: no command ${first}. Try 'notarymq --help'.`)
  return exitCode.usage
}

process.exitCode = await main(process.argv.slice(2), standardOutput)
// A broker whose store failed has sockets open that must not be answered; end with them.
if (process.exitCode !== 0) process.exit()
