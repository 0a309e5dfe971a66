import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Job, Measured } from './jobs.ts'

type Answer = { measured: Measured } | { error: string }

/** Encoding, signing, connecting and tidying up are not bounded by the job's own deadline. */
const preparationMs = 60_000

/** The load generator as the main process sees it: a child, so that it shares no event loop with anything measured. */
export class LoadGenerator {
  #child: ChildProcess | undefined

  /** Rejects when the job could not start, or when the generator died or stopped answering; the next job gets a new one. */
  run(job: Job): Promise<Measured> {
    const child = this.#running()
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(timer)
        child.off('message', onMessage)
        child.off('exit', onExit)
        act()
      }
      const onMessage = (message: unknown) => {
        const answer = message as Answer
        if ('measured' in answer) settle(() => resolve(answer.measured))
        else settle(() => reject(new Error(answer.error)))
      }
      const onExit = () => settle(() => reject(new Error('the load generator ended')))
      const timer = setTimeout(() => {
        this.stop()
        settle(() => reject(new Error('the load generator stopped answering')))
      }, job.deadlineMs + preparationMs)
      child.on('message', onMessage)
      child.on('exit', onExit)
      child.send(job)
    })
  }

  stop(): void {
    this.#child?.kill('SIGKILL')
    this.#child = undefined
  }

  #running(): ChildProcess {
    if (this.#child !== undefined) return this.#child
    const entry = fileURLToPath(new URL('./load-process.ts', import.meta.url))
    const child = fork(entry, { execArgv: ['--import', import.meta.resolve('tsx')] })
    child.once('exit', () => {
      if (this.#child === child) this.#child = undefined
    })
    this.#child = child
    return child
  }
}
