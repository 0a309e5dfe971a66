import { randomBytes } from 'node:crypto'
import { Completion, deadlineOf, linger } from './completion.ts'
import { startCostMeter } from './cost-meter.ts'
import { DeliveryCheck } from './delivery-check.ts'
import { Forger } from './forger.ts'
import type { LoadJob } from './jobs.ts'
import { type LoadOutcome, sumCounts, whyNoResult } from './load-outcome.ts'
import { Publishers } from './publishers.ts'
import { RawClient, removeSession } from './raw-client.ts'
import { type PreparedWorkload, prepareWorkload } from './workload.ts'

interface Subscriber {
  client: RawClient
  book: DeliveryCheck
}

/** Publishers and online subscribers: prepares, connects, measures, disconnects. Rejects only when it cannot start or tidy up. */
export async function runLoad(job: LoadJob): Promise<LoadOutcome> {
  const prepared = prepareWorkload(job)
  const subscribers: Subscriber[] = []
  let outcome: LoadOutcome
  try {
    outcome = await measure(job, prepared, subscribers)
  } finally {
    await Promise.all(subscribers.map(({ client }) => client.disconnect()))
  }
  // A broker that failed is not used again, and may be unable to.
  if (job.persistent && whyNoResult(outcome) === undefined) await removeSessions(job, subscribers.length)
  return outcome
}

async function measure(job: LoadJob, prepared: PreparedWorkload, subscribers: Subscriber[]): Promise<LoadOutcome> {
  const deadlineAt = deadlineOf(job)
  const messages = job.publishers * job.messagesPerPublisher
  let lastDeliveryAt = 0
  const completion = new Completion(
    () => publishers.isComplete && subscribers.every(({ book }) => book.delivered === messages),
  )
  const onDelivery = () => {
    // The clock is read once per read, not per message: the last read is the one that holds the last message.
    lastDeliveryAt = completion.progressed()
  }
  const publishers = await Publishers.connect(job, prepared.streams, () => completion)
  const flood = job.flood && floodOf(job, job.flood)
  try {
    for (let number = 0; number < job.subscribers; number++) {
      subscribers.push(await subscribe(job, prepared, number, completion, onDelivery))
    }
    await flood?.open()
    const stopMeter = startCostMeter(job.brokerPid)
    flood?.start()
    const startedAt = publishers.start()
    lastDeliveryAt = startedAt
    await completion.wait(job.quietMs, deadlineAt)
    const cost = stopMeter()
    const deliverySeconds = (lastDeliveryAt - startedAt) / 1000
    await linger()
    return {
      ...sumCounts(subscribers.map(({ book }) => book.counts())),
      messages,
      deliveries: messages * job.subscribers,
      acknowledged: publishers.acknowledged,
      acksOutOfOrder: publishers.acksOutOfOrder,
      closed: completion.closed,
      ackSeconds: (publishers.lastAckAt - startedAt) / 1000,
      deliverySeconds,
      cost,
    }
  } finally {
    await Promise.all([publishers.disconnect(), flood?.stop()])
  }
}

/** Another address than that of the publishers, as a broker may slow down the one that a forger comes from. */
const floodFrom = process.platform === 'linux' ? { localAddress: '127.0.0.2' } : {}

/** The client that sends forged MACs beside the publishers. */
function floodOf(job: LoadJob, { topicName, privateKey, seq }: NonNullable<LoadJob['flood']>): Forger {
  const { host, port, quietMs, runId, window } = job
  return new Forger({
    host,
    port,
    ...floodFrom,
    quietMs,
    clientId: `bench-forger-${runId}`,
    topicName,
    payload: randomBytes(job.payloadBytes),
    identity: { privateKey, seq, timeMs: Date.now() },
    window,
    onProgress: () => {},
  })
}

const subscriberId = (job: LoadJob, number: number) => `bench-sub-${job.runId}-${number}`

async function subscribe(
  job: LoadJob,
  prepared: PreparedWorkload,
  number: number,
  completion: Completion,
  onDelivery: () => void,
): Promise<Subscriber> {
  const book = new DeliveryCheck({ ...job, ...prepared })
  const client = await RawClient.connect(
    {
      host: job.host,
      port: job.port,
      clientId: subscriberId(job, number),
      cleanSession: !job.persistent,
      deliveryQos: job.subscriberQos,
      answerTimeoutMs: job.quietMs,
    },
    {
      onPublish: (buffer, start, end) => book.enter(buffer, start, end),
      onReadEnd: onDelivery,
      onClosed: completion.closedFor(`subscriber ${number}`),
    },
  )
  await client.subscribe(prepared.topicFilter)
  return { client, book }
}

async function removeSessions(job: LoadJob, count: number): Promise<void> {
  for (let number = 0; number < count; number++) {
    await removeSession({ host: job.host, port: job.port, clientId: subscriberId(job, number) })
  }
}
