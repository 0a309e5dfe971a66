import type { Job, LoadJob, Measured, QueueJob } from './jobs.ts'
import { type LoadOutcome, whyNoResult } from './load-outcome.ts'
import { runChain } from './run-chain.ts'
import { runForged } from './run-forged.ts'
import { runIdle } from './run-idle.ts'
import { runLatency } from './run-latency.ts'
import { runLoad } from './run-load.ts'
import { runQueue } from './run-queue.ts'
import { runRetained } from './run-retained.ts'

/** Runs one job in this process. Rejects when it could not start; what went wrong later is the `problem`. */
export async function measure(job: Job): Promise<Measured> {
  switch (job.kind) {
    case 'load':
      return ratesOf(await runLoad(job), job)
    case 'forged':
      return runForged(job)
    case 'queue':
      return ratesOf(await runQueue(job), job)
    case 'retained':
      return runRetained(job)
    case 'latency':
      return runLatency(job)
    case 'idle':
      return runIdle(job)
    case 'append':
    case 'verify':
      return runChain(job)
  }
}

function ratesOf(outcome: LoadOutcome, job: LoadJob | QueueJob): Measured {
  const { cost } = outcome
  const problem = whyNoResult(outcome)
  if (problem !== undefined) return { figures: {}, problem, cost }
  const acked = outcome.messages / outcome.ackSeconds
  const delivered = outcome.deliveries / outcome.deliverySeconds
  if (job.kind === 'load') return { figures: { acked, delivered }, cost }
  return { figures: job.phase === 'queueing' ? { acked } : { delivered }, cost }
}
