#!/usr/bin/env node
import { exitCode, type Output, runCommand, standardOutput } from '../clients/cli/command.ts'
import { commands } from './commands/table.ts'
import { version } from './version.ts'

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
    const { brokerHelp, runBroker } = await import('./commands/run-broker.ts')
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
    return runCommand(await command.load(), rest, output)
  }
  output.error(`notarymq: no command ${first}. Try 'notarymq --help'.`)
  return exitCode.usage
}

process.exitCode = await main(process.argv.slice(2), standardOutput)
// A broker whose store failed has sockets open that must not be answered; end with them.
if (process.exitCode !== 0) process.exit()
