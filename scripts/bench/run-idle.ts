import { performance } from 'node:perf_hooks'
import { deadlineOf } from './completion.ts'
import { startCostMeter } from './cost-meter.ts'
import type { IdleJob, Measured } from './jobs.ts'
import { processResidentBytes } from './process-usage.ts'
import { RawClient } from './raw-client.ts'

const connectsAtOnce = 20
const settle = { everyMs: 250, steadyReadings: 4, atMostReadings: 40, tolerance: 0.01 }

/**
 * Connects a first quarter, which pays what a broker allocates once, then the rest, and divides what the rest added to
 * the broker's resident memory.
 */
export async function runIdle(job: IdleJob): Promise<Measured> {
  const deadlineAt = deadlineOf(job)
  const stopMeter = startCostMeter(job.brokerPid)
  const clients: RawClient[] = []
  const closed: string[] = []
  const quarter = job.connections / 4
  try {
    await connectUpTo(quarter, job, clients, closed, deadlineAt)
    const before = await settledMemory(job, deadlineAt)
    await connectUpTo(job.connections, job, clients, closed, deadlineAt)
    const after = await settledMemory(job, deadlineAt)
    const cost = stopMeter()
    if (closed.length > 0) {
      return { figures: {}, problem: `${closed.length} connections closed, the first: ${closed[0]}`, cost }
    }
    return { figures: { memory: (after - before) / (job.connections - quarter) / 1024 }, cost }
  } finally {
    await Promise.all(clients.map((client) => client.disconnect()))
  }
}

async function connectUpTo(
  count: number,
  job: IdleJob,
  clients: RawClient[],
  closed: string[],
  deadlineAt: number,
): Promise<void> {
  while (clients.length < count) {
    if (performance.now() > deadlineAt) throw new Error(`only ${clients.length} of ${count} connections in time`)
    const numbers = Array.from(
      { length: Math.min(connectsAtOnce, count - clients.length) },
      (_, n) => clients.length + n,
    )
    // All outcomes, so that those that did connect are not forgotten, and get closed, when another was refused.
    const outcomes = await Promise.allSettled(numbers.map((number) => connectIdle(job, number, closed)))
    for (const outcome of outcomes) if (outcome.status === 'fulfilled') clients.push(outcome.value)
    const refused = outcomes.find((outcome) => outcome.status === 'rejected')
    if (refused !== undefined) throw new Error(`after ${clients.length} connections: ${String(refused.reason)}`)
  }
}

function connectIdle(job: IdleJob, number: number, closed: string[]): Promise<RawClient> {
  const { host, port, runId, keepAliveSeconds, quietMs } = job
  const clientId = `bench-idle-${runId}-${number}`
  return RawClient.connect(
    { host, port, clientId, keepAliveSeconds, answerTimeoutMs: quietMs, readBufferBytes: 256 },
    { onClosed: (reason) => closed.push(reason) },
  )
}

/** Resident memory once it keeps still for a second, or after ten. */
async function settledMemory(job: IdleJob, deadlineAt: number): Promise<number> {
  let last = 0
  let steady = 0
  for (let reading = 0; reading < settle.atMostReadings && steady < settle.steadyReadings; reading++) {
    await new Promise((resolve) => setTimeout(resolve, settle.everyMs))
    const bytes = processResidentBytes(job.brokerPid)
    if (bytes === undefined) throw new Error('this machine does not tell the memory of a process')
    steady = Math.abs(bytes - last) <= last * settle.tolerance ? steady + 1 : 0
    last = bytes
    if (performance.now() > deadlineAt) break
  }
  return last
}
