import { performance } from 'node:perf_hooks'
import { Completion, deadlineOf, linger } from './completion.ts'
import { type Cost, startCostMeter } from './cost-meter.ts'
import { DeliveryCheck } from './delivery-check.ts'
import type { QueueJob } from './jobs.ts'
import { type LoadOutcome, sumCounts, whyNoResult } from './load-outcome.ts'
import { Publishers } from './publishers.ts'
import { RawClient, type RawClientOptions, removeSession } from './raw-client.ts'
import { type PreparedWorkload, prepareWorkload } from './workload.ts'

/** Subscribes with a session that is kept, leaves, publishes for it, comes back and takes everything. */
export async function runQueue(job: QueueJob): Promise<LoadOutcome> {
  const deadlineAt = deadlineOf(job)
  const prepared = prepareWorkload(job)
  const subscriber: RawClientOptions = {
    host: job.host,
    port: job.port,
    clientId: `bench-queue-${job.runId}`,
    cleanSession: false,
    deliveryQos: 1,
    answerTimeoutMs: job.quietMs,
  }
  const client = await RawClient.connect(subscriber)
  await client.subscribe(prepared.topicFilter)
  await client.disconnect()
  const queued = await queue(job, prepared, deadlineAt)
  // What was not acknowledged need not have been queued: then there is nothing to hold a drain against.
  const drained = queued.isComplete ? await drain(job, subscriber, prepared, deadlineAt) : undefined
  const { isComplete: _, cost, closed, ...publishing } = queued
  const outcome: LoadOutcome = {
    ...publishing,
    ...sumCounts(drained === undefined ? [] : [drained.book.counts()]),
    deliveries: queued.messages,
    deliverySeconds: drained?.seconds ?? 0,
    closed: [...closed, ...(drained?.closed ?? [])],
    cost: job.phase === 'drain' && drained !== undefined ? drained.cost : cost,
  }
  // A broker that failed is not used again, and may be unable to.
  if (whyNoResult(outcome) === undefined) await removeSession(subscriber)
  return outcome
}

async function queue(job: QueueJob, { streams }: PreparedWorkload, deadlineAt: number) {
  const completion = new Completion(() => publishers.isComplete)
  const publishers = await Publishers.connect(job, streams, () => completion)
  try {
    const stopMeter = startCostMeter(job.brokerPid)
    const startedAt = publishers.start()
    await completion.wait(job.quietMs, deadlineAt)
    const { messages, acknowledged, acksOutOfOrder, isComplete } = publishers
    const ackSeconds = (publishers.lastAckAt - startedAt) / 1000
    return {
      messages,
      acknowledged,
      acksOutOfOrder,
      isComplete,
      ackSeconds,
      closed: completion.closed,
      cost: stopMeter(),
    }
  } finally {
    await publishers.disconnect()
  }
}

interface Drained {
  book: DeliveryCheck
  closed: string[]
  seconds: number
  cost: Cost
}

async function drain(
  job: QueueJob,
  subscriber: RawClientOptions,
  prepared: PreparedWorkload,
  deadlineAt: number,
): Promise<Drained> {
  const messages = job.publishers * job.messagesPerPublisher
  const book = new DeliveryCheck({ ...job, ...prepared })
  const completion = new Completion(() => book.delivered === messages)
  const stopMeter = startCostMeter(job.brokerPid)
  const startedAt = performance.now()
  let lastDeliveryAt = startedAt
  const client = await RawClient.connect(subscriber, {
    onPublish: (buffer, start, end) => book.enter(buffer, start, end),
    onReadEnd: () => {
      lastDeliveryAt = completion.progressed()
    },
    onClosed: completion.closedFor('subscriber'),
  })
  try {
    if (!client.sessionPresent) throw new Error('the broker did not keep the session')
    await completion.wait(job.quietMs, deadlineAt)
    const cost = stopMeter()
    const seconds = (lastDeliveryAt - startedAt) / 1000
    await linger()
    return { book, closed: completion.closed, seconds, cost }
  } finally {
    await client.disconnect()
  }
}
