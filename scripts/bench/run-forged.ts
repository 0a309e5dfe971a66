import { randomBytes } from 'node:crypto'
import { Completion, deadlineOf, linger } from './completion.ts'
import { startCostMeter } from './cost-meter.ts'
import { Forger } from './forger.ts'
import type { ForgedJob, Measured } from './jobs.ts'
import { RawClient } from './raw-client.ts'

/** Forged MACs as fast as they are refused; one that reaches a subscriber leaves no figure. */
export async function runForged(job: ForgedJob): Promise<Measured> {
  const deadlineAt = deadlineOf(job)
  const { host, port, quietMs, runId, topicPrefix, window, signing } = job
  const messages = job.publishers * job.messagesPerPublisher
  let delivered = 0
  const completion = new Completion(() => forgers.every((forger) => forger.isComplete))
  const timeMs = Date.now()
  const payload = randomBytes(job.payloadBytes)
  const forgers = signing.privateKeys.map((privateKey, publisher) => {
    return new Forger({
      host,
      port,
      quietMs,
      clientId: `bench-forger-${runId}-${publisher}`,
      topicName: `${topicPrefix}/${publisher}`,
      payload,
      identity: { privateKey, seq: signing.firstSeq, timeMs },
      window,
      messages: job.messagesPerPublisher,
      onProgress: () => completion.progressed(),
      onClosed: completion.closedFor(`forger ${publisher}`),
    })
  })
  const onPublish = () => {
    delivered++
  }
  const onClosed = completion.closedFor('subscriber')
  const clientId = `bench-sub-${runId}`
  const subscriber = await RawClient.connect(
    { host, port, clientId, answerTimeoutMs: quietMs },
    { onPublish, onClosed },
  )
  try {
    await subscriber.subscribe(`${topicPrefix}/#`)
    for (const forger of forgers) await forger.open()
    const stopMeter = startCostMeter(job.brokerPid)
    const startedAt = performance.now()
    for (const forger of forgers) forger.start()
    await completion.wait(quietMs, deadlineAt)
    const cost = stopMeter()
    await linger()
    const refused = forgers.reduce((sum, forger) => sum + forger.refused, 0)
    const problems = [...completion.closed]
    if (refused < messages) problems.push(`not answered ${messages - refused} of ${messages}`)
    if (delivered > 0) problems.push(`delivered ${delivered} that were forged`)
    if (problems.length > 0) return { figures: {}, problem: problems.join(', '), cost }
    const lastRefusalAt = Math.max(...forgers.map((forger) => forger.lastRefusalAt))
    return { figures: { refused: messages / ((lastRefusalAt - startedAt) / 1000) }, cost }
  } finally {
    await Promise.all([subscriber.disconnect(), ...forgers.map((forger) => forger.stop())])
  }
}
