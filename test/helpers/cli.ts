import {
  auditQuery,
  auditStatus,
  auditVerifyLive,
  type Command,
  enroll,
  keygen,
  keys,
  pub,
  revoke,
  runCommand,
  unknownAuditCommand,
} from '../../clients/cli/index.ts'
import type { Ended } from './processes.ts'

const audit: Command = {
  name: 'audit',
  summary: '',
  help: '',
  run: ([name, ...args], output) => {
    const subcommands = { status: auditStatus, query: auditQuery, verify: auditVerifyLive }
    if (name === undefined || !Object.hasOwn(subcommands, name)) return unknownAuditCommand(name)
    return subcommands[name as keyof typeof subcommands](args, output)
  },
}

const commands: Readonly<Record<string, Command>> = { audit, enroll, keygen, keys, pub, revoke }

/**
 * Runs a command in this process: what `runCli` does but for the second that a process takes to start. For the many
 * variants of a command that some test has run for real.
 */
export async function runHere(...[name = '', ...args]: readonly string[]): Promise<Ended> {
  const command = commands[name]
  if (command === undefined) throw new Error(`no command ${name}`)
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
