import { execFile } from 'node:child_process'
import { cliArguments } from './broker.ts'

export interface CommandResult {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs a command of the real program in a process of its own, to its end. */
export function runCli(...args: readonly string[]): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const options = { maxBuffer: 64 * 1024 * 1024, timeout: 120_000 }
    execFile(process.execPath, [...cliArguments, ...args], options, (error, out, err) => {
      if (error === null) resolve({ code: 0, out, err })
      else if (typeof error.code === 'number') resolve({ code: error.code, out, err })
      else reject(error)
    })
  })
}
