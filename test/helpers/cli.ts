import { commands } from '../../broker/commands/table.ts'
import { type Command, runCommand } from '../../clients/cli/command.ts'
import type { Ended } from './processes.ts'

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

/** Runs the command whose name comes first, as the program does, in this process. */
export async function runHere(...[name, ...args]: readonly string[]): Promise<Ended> {
  const command = commands.find((listed) => listed.name === name)
  if (command === undefined) throw new Error(`no command ${name}`)
  return runCommandHere(await command.load(), args)
}
