import { performance } from 'node:perf_hooks'
import { Completion, deadlineOf, linger } from './completion.ts'
import { startCostMeter } from './cost-meter.ts'
import { DeliveryCheck } from './delivery-check.ts'
import type { Measured, RetainedJob } from './jobs.ts'
import { whyNoResult } from './load-outcome.ts'
import { Publishers } from './publishers.ts'
import { RawClient } from './raw-client.ts'
import { median } from './statistics.ts'
import { prepareRetained, retainedGroups, retainedTopic } from './workload.ts'

/** Repetitions within one round; a single exact SUBSCRIBE is too short to say anything. */
const exactSubscribes = 20
const wildcardSubscribes = 5

/** Of the hundreds in which the topics are set. */
const oneAtATime = { window: 1, batch: 1 } as const

/** PUBACK may come before a retained message is where a SUBSCRIBE finds it; setting is not what is measured. */
const settleMs = 1000

/** Which retained messages a filter must bring: those of `count` topics from `first`. */
interface Expected {
  topicFilter: string
  first: number
  count: number
}

export async function runRetained(job: RetainedJob): Promise<Measured> {
  const deadlineAt = deadlineOf(job)
  if (job.set) await setTopics(job, deadlineAt)
  const stopMeter = startCostMeter(job.brokerPid)
  const group = job.topics / retainedGroups
  const exact = spreadOver(exactSubscribes, job.topics).map((first) => {
    return { topicFilter: retainedTopic(job.topics, first), first, count: 1 }
  })
  const wildcard = spreadOver(wildcardSubscribes, retainedGroups).map((number) => {
    const first = number * group
    return { topicFilter: retainedTopic(job.topics, first).replace(/[^/]+$/, '+'), first, count: group }
  })
  const all = [{ topicFilter: 'bench/retained/#', first: 0, count: job.topics }]
  const figures: Record<string, number> = {}
  for (const [name, filters] of Object.entries({ exact, wildcard, all })) {
    const times: number[] = []
    for (const expected of filters) {
      const { milliseconds, problem } = await subscribeOnce(job, expected, deadlineAt)
      if (problem !== undefined)
        return { figures: {}, problem: `${expected.topicFilter}: ${problem}`, cost: stopMeter() }
      times.push(milliseconds)
    }
    figures[name] = median(times)
  }
  return { figures, cost: stopMeter() }
}

/** So many numbers below `limit`, evenly apart and away from its ends. */
function spreadOver(count: number, limit: number): number[] {
  return Array.from({ length: count }, (_, index) => Math.floor(((index + 0.5) * limit) / count))
}

async function setTopics(job: RetainedJob, deadlineAt: number): Promise<void> {
  const completion = new Completion(() => publishers.isComplete)
  const publishers = await Publishers.connect({ ...job, ...oneAtATime }, prepareRetained(job), () => completion)
  publishers.start()
  await completion.wait(job.quietMs, deadlineAt)
  await publishers.disconnect()
  const { messages, acknowledged, acksOutOfOrder } = publishers
  const none = { deliveries: 0, delivered: 0, lost: 0, duplicated: 0, outOfOrder: 0, unexpected: 0 }
  const problem = whyNoResult({ ...none, messages, acknowledged, acksOutOfOrder, closed: completion.closed })
  if (problem !== undefined) throw new Error(`setting the retained topics: ${problem}`)
  await new Promise((resolve) => setTimeout(resolve, settleMs))
}

/** One new client, one SUBSCRIBE; the time ends with the read that holds the last retained message. */
async function subscribeOnce(job: RetainedJob, { topicFilter, first, count }: Expected, deadlineAt: number) {
  // Every topic as a publisher of one message: nothing is said about the order between topics.
  const expected = { firstPublisher: first, publishers: count, messagesPerPublisher: 1 }
  const book = new DeliveryCheck({ ...expected, runId: job.runId, messageBytes: job.payloadBytes, payloadOffset: 0 })
  const completion = new Completion(() => book.delivered === count)
  let lastDeliveryAt = 0
  let notRetained = 0
  const client = await RawClient.connect(
    { host: job.host, port: job.port, clientId: `bench-retained-${job.runId}`, answerTimeoutMs: job.quietMs },
    {
      onPublish: (buffer, start, end, retained) => {
        if (!retained) notRetained++
        book.enter(buffer, start, end)
      },
      onReadEnd: () => {
        if (book.delivered > 0) lastDeliveryAt = completion.progressed()
      },
      onClosed: completion.closedFor('subscriber'),
    },
  )
  try {
    const startedAt = performance.now()
    const [subscribed] = await Promise.allSettled([
      client.subscribe(topicFilter),
      completion.wait(job.quietMs, deadlineAt),
    ])
    await linger()
    const closed = [...completion.closed]
    if (subscribed.status === 'rejected') closed.push(String(subscribed.reason))
    // [MQTT-3.1.1 3.3.1-8]
    if (notRetained > 0) closed.push(`without the RETAIN flag ${notRetained}`)
    const counts = { messages: 0, acknowledged: 0, acksOutOfOrder: 0, deliveries: count, ...book.counts() }
    return { milliseconds: lastDeliveryAt - startedAt, problem: whyNoResult({ ...counts, closed }) }
  } finally {
    await client.disconnect()
  }
}
