import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { BrokerOptions } from '../../broker/index.ts'
import { atEnd } from '../helpers/cleanup.ts'
import { programOf } from '../helpers/program.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

/** A write error has an unknown outcome: both are tried. */
export type FaultOutcome = 'not stored' | 'stored but reported failed'

/** What goes wrong from the moment it is armed. */
export interface FaultPlan {
  /** Writes that go well before the first that fails. */
  readonly skip: number
  /** What becomes of the writes after those, one after the other. */
  readonly failures: readonly FaultOutcome[]
  /** Attempts to open the store again that fail. */
  readonly failingOpens: number
}

export interface FaultyBroker {
  readonly child: ChildProcess
  readonly port: number
  readonly location: string
  readonly log: () => string
  /** Lets writes fail. */
  readonly arm: (plan: FaultPlan) => Promise<void>
  /** Waits for a line of the log. */
  readonly logged: (pattern: RegExp) => Promise<void>
  readonly stop: (signal?: NodeJS.Signals) => Promise<number | string>
}

const patienceMs = 30_000

/**
 * What the heap of the process may come to, at which it ends. Without a limit V8 collects when it finds the time, and on a
 * busy machine the memory of the process says nothing of what it needs.
 */
const heapMebibytes = 320

/** Anonymous clients, who are administrators; a window of 100 and queues without a limit. */
export async function startFaultyBroker(t: TestContext, options: Partial<BrokerOptions> = {}): Promise<FaultyBroker> {
  const location = options.location ?? temporaryDirectory(t)
  const complete: BrokerOptions = {
    location,
    listeners: [{ protocol: 'mqtt', port: 0, host: '127.0.0.1' }],
    allowAnonymous: true,
    anonymousAdmin: true,
    maxInflightMessages: 100,
    maxQueuedMessages: 0,
    minFreeBytes: 0,
    ...options,
  }
  const { execArgv, path } = programOf('test/faults/faulty-broker-process.ts')
  const child = fork(path, [JSON.stringify(complete)], {
    execArgv: [...execArgv, `--max-old-space-size=${heapMebibytes}`],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let log = ''
  const append = (chunk: Buffer) => {
    log += chunk.toString()
  }
  child.stdout?.on('data', append)
  child.stderr?.on('data', append)
  const ended = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string)
  const stop = (signal: NodeJS.Signals = 'SIGTERM') => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    return ended
  }
  atEnd(t, () => stop('SIGKILL'))
  const [{ port }] = (await Promise.race([
    once(child, 'message'),
    ended.then((code) => {
      throw new Error(`the broker ended with ${code} before it was running:\n${log}`)
    }),
  ])) as [{ port: number }]
  const arm = async (plan: FaultPlan) => {
    const armed = once(child, 'message')
    child.send(plan)
    await armed
  }
  const logged = async (pattern: RegExp) => {
    for (const deadline = Date.now() + patienceMs; !pattern.test(log); await wait(20))
      if (Date.now() > deadline) throw new Error(`no ${pattern} in the log:\n${log.slice(-4000)}`)
  }
  return { child, port, location, log: () => log, arm, logged, stop }
}
