import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { LoadOutcome } from './run-load.ts'
import type { LoadJob } from './workload.ts'

type Answer = { outcome: LoadOutcome } | { error: string }

/** Connecting and signing are not bounded by the job's own deadline. */
const preparationMs = 60_000

/** The load generator as the main process sees it: a child, so that it shares no event loop with anything measured. */
export class LoadGenerator {
  readonly #child: ChildProcess

  constructor() {
    const entry = fileURLToPath(new URL('./load-process.ts', import.meta.url))
    this.#child = fork(entry, { execArgv: ['--import', import.meta.resolve('tsx')] })
  }

  /** Rejects when the job could not start, or when the generator died or stopped answering. */
  run(job: LoadJob): Promise<LoadOutcome> {
    const child = this.#child
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(timer)
        child.off('message', onMessage)
        child.off('exit', onExit)
        act()
      }
      const onMessage = (message: unknown) => {
        const answer = message as Answer
        if ('outcome' in answer) settle(() => resolve(answer.outcome))
        else settle(() => reject(new Error(answer.error)))
      }
      const onExit = () => settle(() => reject(new Error('the load generator ended')))
      const timer = setTimeout(() => {
        child.kill('SIGKILL')
        settle(() => reject(new Error('the load generator stopped answering')))
      }, job.deadlineMs + preparationMs)
      child.on('message', onMessage)
      child.on('exit', onExit)
      child.send(job)
    })
  }

  stop(): void {
    this.#child.kill('SIGKILL')
  }
}
