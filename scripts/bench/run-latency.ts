import { randomBytes } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { Completion, deadlineOf, linger } from './completion.ts'
import { startCostMeter } from './cost-meter.ts'
import { DeliveryCheck, writeMark } from './delivery-check.ts'
import type { LatencyJob, Measured } from './jobs.ts'
import { whyNoResult } from './load-outcome.ts'
import { encodePublish } from './mqtt-packets.ts'
import { RawClient } from './raw-client.ts'
import { percentile } from './statistics.ts'
import { packetIdOf } from './workload.ts'

const topicName = 'bench/latency/0'

/** One message at a time: the next is written when the last one is both acknowledged and delivered. */
export async function runLatency(job: LatencyJob): Promise<Measured> {
  const deadlineAt = deadlineOf(job)
  const { host, port, runId, messages, payloadBytes, quietMs } = job
  const payload = randomBytes(payloadBytes)
  const book = new DeliveryCheck({
    runId,
    publishers: 1,
    messagesPerPublisher: messages,
    messageBytes: payloadBytes,
    payloadOffset: 0,
  })
  const ackMs: number[] = []
  const deliveryMs: number[] = []
  let acksOutOfOrder = 0
  let sentAt = 0
  const completion = new Completion(() => ackMs.length === messages && book.delivered === messages)
  const common = { host, port, answerTimeoutMs: quietMs }
  const clients: RawClient[] = []
  try {
    const publisher = await RawClient.connect(
      { ...common, clientId: `bench-latency-pub-${runId}` },
      {
        onPuback: (packetId) => {
          if (packetId !== packetIdOf(ackMs.length)) acksOutOfOrder++
          ackMs.push(performance.now() - sentAt)
          next()
        },
        onClosed: completion.closedFor('publisher'),
      },
    )
    clients.push(publisher)
    const next = () => {
      const sent = ackMs.length
      if (sent === book.delivered && sent < messages) {
        writeMark(payload, runId, 0, sent)
        const packet = encodePublish(packetIdOf(sent), topicName, payload)
        sentAt = performance.now()
        publisher.write(packet)
      }
      completion.progressed()
    }
    const subscriber = await RawClient.connect(
      { ...common, clientId: `bench-latency-sub-${runId}` },
      {
        onPublish: (buffer, start, end) => {
          deliveryMs.push(performance.now() - sentAt)
          book.enter(buffer, start, end)
          next()
        },
        onClosed: completion.closedFor('subscriber'),
      },
    )
    clients.push(subscriber)
    await subscriber.subscribe(topicName)
    const stopMeter = startCostMeter(job.brokerPid)
    next()
    await completion.wait(quietMs, deadlineAt)
    const cost = stopMeter()
    await linger()
    const { closed } = completion
    const counts = { messages, deliveries: messages, acknowledged: ackMs.length, acksOutOfOrder, ...book.counts() }
    const problem = whyNoResult({ ...counts, closed })
    if (problem !== undefined) return { figures: {}, problem, cost }
    const [ackP50, ackP99] = [percentile(ackMs, 0.5), percentile(ackMs, 0.99)]
    const [deliveryP50, deliveryP99] = [percentile(deliveryMs, 0.5), percentile(deliveryMs, 0.99)]
    return { figures: { ackP50, ackP99, deliveryP50, deliveryP99 }, cost }
  } finally {
    await Promise.all(clients.map((client) => client.disconnect()))
  }
}
