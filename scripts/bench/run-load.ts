import { performance } from 'node:perf_hooks'
import { DeliveryCheck, type DeliveryCounts } from './delivery-check.ts'
import { machineCpu, processCpuSeconds, stolenShare } from './process-cpu.ts'
import { RawClient } from './raw-client.ts'
import { type LoadJob, type PreparedWorkload, packetIdOf, prepareWorkload } from './workload.ts'

export interface LoadOutcome extends DeliveryCounts {
  messages: number
  acknowledged: number
  /** PUBACKs that were not the next one due [MQTT-3.1.1 4.6.0-2]. */
  acksOutOfOrder: number
  /** Connections the broker ended, and why. */
  closed: string[]
  /** From just before the first PUBLISH is written to the last PUBACK, and to the last delivery. */
  ackSeconds: number
  deliverySeconds: number
  brokerCpuSeconds?: number
  generatorCpuSeconds: number
  /** Share of the machine's CPU time that the hypervisor gave away meanwhile. */
  stolenShare?: number
}

/** Undefined when every message was acknowledged in order and arrived exactly once and in order. */
export function whyNoResult(outcome: LoadOutcome): string | undefined {
  const { messages } = outcome
  const problems: string[] = []
  if (outcome.lost > 0) problems.push(`lost ${outcome.lost} of ${messages}`)
  if (outcome.duplicated > 0) problems.push(`duplicated ${outcome.duplicated} of ${messages}`)
  if (outcome.outOfOrder > 0) problems.push(`out of order ${outcome.outOfOrder} of ${messages}`)
  if (outcome.unexpected > 0) problems.push(`unexpected deliveries ${outcome.unexpected}`)
  if (outcome.acknowledged < messages) {
    problems.push(`not acknowledged ${messages - outcome.acknowledged} of ${messages}`)
  }
  if (outcome.acksOutOfOrder > 0) problems.push(`PUBACKs not in order ${outcome.acksOutOfOrder}`)
  problems.push(...outcome.closed)
  return problems.length === 0 ? undefined : problems.join(', ')
}

/** After the last expected message: long enough for a duplicate that follows it. */
const lingerMs = 50
const watchMs = 100

/** Prepares, connects, measures, disconnects. Rejects only when it cannot start. */
export async function runLoad(job: LoadJob): Promise<LoadOutcome> {
  const prepared = prepareWorkload(job)
  const clients: RawClient[] = []
  try {
    return await measure(job, prepared, clients)
  } finally {
    for (const client of clients) client.disconnect()
  }
}

async function measure(job: LoadJob, prepared: PreparedWorkload, clients: RawClient[]): Promise<LoadOutcome> {
  const { host, port } = job
  const messages = job.publishers * job.messagesPerPublisher
  const book = new DeliveryCheck({ ...job, ...prepared })
  const closed: string[] = []
  let acknowledged = 0
  let acksOutOfOrder = 0
  let lastAckAt = 0
  let lastDeliveryAt = 0
  let finish: () => void = () => {}
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })
  const finishWhenComplete = () => {
    if (acknowledged >= messages && book.delivered === messages) finish()
  }
  const onClosed = (who: string) => (reason: string) => {
    closed.push(`${who}: ${reason}`)
    finish()
  }

  const subscriber = await RawClient.connect(
    { host, port, clientId: `bench-sub-${job.runId}` },
    {
      onPublish: (buffer, start, end) => book.enter(buffer, start, end),
      // The clock is read once per read, not per message: the last read is the one that holds the last message.
      onReadEnd: () => {
        lastDeliveryAt = performance.now()
        finishWhenComplete()
      },
      onClosed: onClosed('subscriber'),
    },
  )
  clients.push(subscriber)
  await subscriber.subscribe(prepared.topicFilter, 0)

  const pumps: (() => void)[] = []
  for (const [publisher, { packets, packetBytes }] of prepared.streams.entries()) {
    let sent = 0
    let acked = 0
    const client = await RawClient.connect(
      { host, port, clientId: `bench-pub-${job.runId}-${publisher}` },
      {
        onPuback: (packetId) => {
          if (packetId !== packetIdOf(acked)) acksOutOfOrder++
          acked++
          acknowledged++
        },
        onReadEnd: () => {
          // The CONNACK is a read too, and comes before the clock starts.
          if (sent === 0) return
          lastAckAt = performance.now()
          pump()
          finishWhenComplete()
        },
        onClosed: onClosed(`publisher ${publisher}`),
      },
    )
    clients.push(client)
    const pump = () => {
      const upTo = Math.min(job.messagesPerPublisher, acked + job.window)
      // At least window - batch stay in flight, so waiting for a whole batch never waits for nothing.
      if (upTo === sent || (upTo - sent < job.batch && upTo < job.messagesPerPublisher)) return
      const from = sent
      sent = upTo
      client.write(packets.subarray(from * packetBytes, upTo * packetBytes))
    }
    pumps.push(pump)
  }

  const brokerCpuBefore = processCpuSeconds(job.brokerPid)
  const machineBefore = machineCpu()
  const generatorCpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  lastAckAt = lastDeliveryAt = startedAt
  const watch = setInterval(() => {
    const now = performance.now()
    const quiet = now - Math.max(lastAckAt, lastDeliveryAt) > job.quietMs
    if (quiet || now - startedAt > job.deadlineMs) finish()
  }, watchMs)
  for (const pump of pumps) pump()
  await finished
  clearInterval(watch)

  const generatorCpu = process.cpuUsage(generatorCpuBefore)
  const stolen = stolenShare(machineBefore, machineCpu())
  const brokerCpuAfter = processCpuSeconds(job.brokerPid)
  const ackSeconds = (lastAckAt - startedAt) / 1000
  const deliverySeconds = (lastDeliveryAt - startedAt) / 1000
  await new Promise((resolve) => setTimeout(resolve, lingerMs))
  return {
    ...book.counts(),
    messages,
    acknowledged,
    acksOutOfOrder,
    closed,
    ackSeconds,
    deliverySeconds,
    ...(brokerCpuBefore !== undefined && brokerCpuAfter !== undefined
      ? { brokerCpuSeconds: brokerCpuAfter - brokerCpuBefore }
      : {}),
    ...(stolen === undefined ? {} : { stolenShare: stolen }),
    generatorCpuSeconds: (generatorCpu.user + generatorCpu.system) / 1e6,
  }
}
