import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startCostMeter } from './cost-meter.ts'
import type { AppendJob, Measured } from './jobs.ts'

/** Appends to a chain of its own, in a process of its own, without any broker. */
export async function runAppend({ directory, records, perCommit, deadlineMs }: AppendJob): Promise<Measured> {
  const own = mkdtempSync(join(directory, 'append-'))
  try {
    const entry = fileURLToPath(new URL('./append-process.ts', import.meta.url))
    const execArgv = ['--import', import.meta.resolve('tsx')]
    const child = fork(entry, [own, `${records}`, `${perCommit}`], { execArgv, timeout: deadlineMs })
    const stopMeter = startCostMeter(undefined)
    const ended = once(child, 'exit')
    const answered = once(child, 'message').then(([rate]) => Number(rate))
    const failed = ended.then(([code]) => Promise.reject(new Error(`the appending process gave no rate, exit ${code}`)))
    const recorded = await Promise.race([answered, failed])
    await ended
    return { figures: { recorded }, cost: stopMeter() }
  } finally {
    rmSync(own, { recursive: true, force: true })
  }
}
