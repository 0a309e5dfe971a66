import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startCostMeter } from './cost-meter.ts'
import type { ChainJob, Measured } from './jobs.ts'

/** Fills or verifies a chain of its own, in a process of its own, without any broker. */
export async function runChain({ kind, directory, records, perCommit, deadlineMs }: ChainJob): Promise<Measured> {
  const own = mkdtempSync(join(directory, `${kind}-`))
  try {
    const entry = fileURLToPath(new URL('./chain-process.ts', import.meta.url))
    const execArgv = ['--import', import.meta.resolve('tsx')]
    const child = fork(entry, [kind, own, `${records}`, `${perCommit}`], { execArgv, timeout: deadlineMs })
    const stopMeter = startCostMeter(undefined)
    const ended = once(child, 'exit')
    const answered = once(child, 'message').then(([figures]) => figures as Measured['figures'])
    const failed = ended.then(([code]) => Promise.reject(new Error(`the process gave no figures, exit ${code}`)))
    const figures = await Promise.race([answered, failed])
    await ended
    return { figures, cost: stopMeter() }
  } finally {
    rmSync(own, { recursive: true, force: true })
  }
}
